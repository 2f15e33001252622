"""The composition root, the only one: configuration → storage → plugins → services → platforms."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from bot import config, event_loop, loader, log, upkeep
from bot.app import App
from bot.budget import Budget
from bot.care import Care
from bot.config import Settings
from bot.contracts import Classifier, Platform, Plugin, Replier
from bot.core import Core
from bot.delivery import Delivery
from bot.desk import Desk
from bot.errors import OperatorError
from bot.fallback import FallbackReplier
from bot.gate import Gate
from bot.lives import Lives
from bot.moderation import Moderation
from bot.privacy import Privacy, keeps_data
from bot.rate_limit import RateLimit
from bot.reload import Reload
from bot.spaces import Spaces
from storage import process, upgrade
from storage.conversations import Conversations
from storage.database import Database
from storage.emotion_log import EmotionLog
from storage.jobs import Jobs
from storage.keys import KeyStore
from storage.ledger import DatabaseLedger
from storage.messages import Messages
from storage.people import People
from storage.retention import Days
from storage.rotation import open_keys
from storage.spaces import SpaceSettings

events = logging.getLogger("maum")
SWITCH_S = 0.001  # storage's threads want the interpreter often and shortly; by default each would wait 5 ms for it


@asynccontextmanager
async def open_storage(settings: Settings) -> AsyncIterator[tuple[Database, KeyStore, People]]:
    """The database at its newest schema, and the keys to it.

    Raises:
        OperatorError: it cannot be opened, or belongs to another version or another key.
    """
    state = config.state_dir()
    async with AsyncExitStack() as stack:
        keys = open_keys(state / "keys" / "people.db")
        stack.callback(keys.close)  # after the database, whose last writes may need them
        database = await stack.enter_async_context(Database(settings.storage.url.replace("{state}", str(state))))
        await (upgrade.upgrade(database) if database.is_sqlite else upgrade.check(database))
        yield database, keys, People(database, keys)


@asynccontextmanager
async def build(settings: Settings, only_platforms: tuple[str, ...] = ()) -> AsyncIterator[App]:
    """The whole house, ready to serve; everything that can be wrong with the settings is wrong here.

    Args:
        only_platforms: instead of the configured ones (the terminal chat).
    """
    sys.setswitchinterval(SWITCH_S)
    names = only_platforms or settings.platforms.use
    classifier, repliers, platforms = _plugins(settings, names)
    async with AsyncExitStack() as stack:
        database, keys, people = await stack.enter_async_context(open_storage(settings))
        lives = Lives()
        stack.push_async_callback(lives.end_all)
        await lives.begin(classifier, *repliers, *platforms.values())
        budget = Budget(DatabaseLedger(database), settings.budget.per_person_day, settings.budget.total_day)
        replier = FallbackReplier(repliers, budget, settings.replier.deadline_s)
        care = Care()
        core = Core(classifier, replier, care, settings.replier.closed_loop)
        desk = Desk(
            settings=settings,
            jobs=Jobs(database, people, process.owner(), settings.delivery.lease_s),
            conversations=Conversations(database, people),
            messages=Messages(database, people),
            people=people,
            spaces=Spaces(SpaceSettings(database), people, platforms),
            core=core,
            gate=Gate(care, RateLimit(settings.limits.per_minute, settings.limits.burst), settings.limits.max_chars),
            privacy=_privacy(settings, people, (classifier, *repliers, *platforms.values())),
            platforms=platforms,
        )
        trusted = settings.consent.default == "trusted"
        moderation = Moderation(EmotionLog(database, people, trusted=trusted), platforms)
        yield App(Delivery(desk), moderation, desk.privacy, core, desk, keys, lives)


@asynccontextmanager
async def open_privacy(settings: Settings) -> AsyncIterator[Privacy]:
    """People's rights without a running bot: storage, and of the plugins those that keep something about people."""
    classifier, repliers, platforms = _plugins(settings, settings.platforms.use)
    async with AsyncExitStack() as stack:
        _, _, people = await stack.enter_async_context(open_storage(settings))
        keeping = [plugin for plugin in (classifier, *repliers, *platforms.values()) if keeps_data(plugin)]
        for plugin in keeping:
            await stack.enter_async_context(plugin)
        yield _privacy(settings, people, keeping)


async def serve(settings: Settings, only_platforms: tuple[str, ...] = (), file: Path | None = None) -> None:
    """Run until SIGTERM or SIGINT, or until a platform ends; then drain and return.

    Args:
        file: the configuration to read again on SIGHUP.
    """
    state, loop = config.state_dir(), asyncio.get_running_loop()
    loop.set_exception_handler(log.unhandled)
    async with AsyncExitStack() as stack:
        stack.enter_context(process.using(state))
        app = await stack.enter_async_context(build(settings, only_platforms))
        stop, reload = asyncio.Event(), asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        works = dict(upkeep.works(app))
        if not only_platforms:  # a terminal that is closed sends SIGHUP, too
            stack.enter_context(process.pid_file(state))
            loop.add_signal_handler(signal.SIGHUP, reload.set)
            works["reload"] = Reload(app, file).run(reload)
        recovered = await app.delivery.recover()
        events.info("classifier %s, repliers %s", app.core.classifier.model, ", ".join(app.core.replier.health()))
        if recovered:
            events.info("taking up %d conversations from before the restart", recovered)
        gc.collect()
        gc.freeze()  # it stays: neither the collector nor NiceGUI, in search of its server, need look through all of it
        async with asyncio.TaskGroup() as group:
            running = [group.create_task(p.run(app), name=f"platform {n}") for n, p in app.desk.platforms.items()]
            beside = [group.create_task(work, name=name) for name, work in works.items()]
            stopper = group.create_task(stop.wait())
            await asyncio.wait([stopper, *running], return_when=asyncio.FIRST_COMPLETED)
            events.info("stopping: running answers may end first")
            await app.delivery.drain()
            for task in (stopper, *beside, *running):
                task.cancel()


def _privacy(settings: Settings, people: People, plugins: Sequence[Plugin]) -> Privacy:
    days = Days(**settings.retention.model_dump())
    return Privacy(people, settings.consent.default, days, plugins)


def _plugins(settings: Settings, names: tuple[str, ...]) -> tuple[Classifier, list[Replier], dict[str, Platform]]:
    return loader.classifier(settings), loader.repliers(settings), loader.platforms(settings, names)


def run(file: Path | None = None) -> int:
    """`maum run`: returns the exit code (0 ok, 1 failed, 2 wrong configuration)."""
    code = 0
    try:
        settings = config.load(file)
        log.setup(settings.log.format, settings.log.level)
        event_loop.run(serve(settings, file=file))
    except* OperatorError as errors:  # also when it comes alone, or out of the TaskGroup (a busy port)
        print(f"maum: {errors.exceptions[0]}", file=sys.stderr)
        code = 2
    return code


if __name__ == "__main__":
    from bot.cli import main

    main()
