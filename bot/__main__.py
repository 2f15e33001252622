"""The composition root, the only one: configuration → storage → plugins → services → platforms."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from bot import config, loader
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
from bot.moderation import Moderation
from bot.privacy import Privacy, keeps_data
from bot.rate_limit import RateLimit
from bot.retention import keep_promises
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

log = logging.getLogger("maum")


@asynccontextmanager
async def open_storage(settings: Settings) -> AsyncIterator[tuple[Database, KeyStore, People]]:
    """The database at its newest schema, and the keys to it.

    Raises:
        OperatorError: it cannot be opened, or belongs to another version or another key.
    """
    state = config.state_dir()
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(Database(settings.storage.url.replace("{state}", str(state))))
        await (upgrade.upgrade(database) if database.is_sqlite else upgrade.check(database))
        keys = open_keys(state / "keys" / "people.db")
        stack.callback(keys.close)
        yield database, keys, People(database, keys)


@asynccontextmanager
async def build(settings: Settings, only_platforms: tuple[str, ...] = ()) -> AsyncIterator[App]:
    """The whole house, ready to serve; everything that can be wrong with the settings is wrong here.

    Args:
        only_platforms: instead of the configured ones (the terminal chat).
    """
    names = only_platforms or settings.platforms.use
    classifier, repliers, platforms = _plugins(settings, names)
    async with AsyncExitStack() as stack:
        database, keys, people = await stack.enter_async_context(open_storage(settings))
        for plugin in (classifier, *repliers, *platforms.values()):
            await stack.enter_async_context(plugin)
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
        yield App(settings, Delivery(desk), moderation, desk.privacy, core, desk, keys)


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


async def serve(settings: Settings, only_platforms: tuple[str, ...] = ()) -> None:
    """Run until SIGTERM or SIGINT, or until a platform ends; then drain and return."""
    async with AsyncExitStack() as stack:
        stack.enter_context(process.using(config.state_dir()))
        app = await stack.enter_async_context(build(settings, only_platforms))
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        recovered = await app.delivery.recover()
        log.info("classifier %s, repliers %s", app.core.classifier.model, ", ".join(app.core.replier.health()))
        if recovered:
            log.info("taking up %d conversations from before the restart", recovered)
        async with asyncio.TaskGroup() as group:
            running = [group.create_task(p.run(app), name=f"platform {n}") for n, p in app.desk.platforms.items()]
            keeper = group.create_task(keep_promises(app.privacy), name="retention")
            stopper = group.create_task(stop.wait())
            await asyncio.wait([stopper, *running], return_when=asyncio.FIRST_COMPLETED)
            log.info("stopping: running answers may end first")
            await app.delivery.drain()
            for task in (stopper, keeper, *running):
                task.cancel()


def _privacy(settings: Settings, people: People, plugins: Sequence[Plugin]) -> Privacy:
    days = Days(**settings.retention.model_dump())
    return Privacy(people, settings.consent.default, days, plugins)


def _plugins(settings: Settings, names: tuple[str, ...]) -> tuple[Classifier, list[Replier], dict[str, Platform]]:
    loader.check_sections(Classifier, settings.classifier, (settings.classifier.use,))
    loader.check_sections(Replier, settings.replier, settings.replier.use)
    loader.check_sections(Platform, settings.platforms, settings.platforms.use)
    classifier = loader.build(Classifier, settings.classifier.use, settings.classifier)  # type: ignore[type-abstract]
    repliers = [loader.build(Replier, name, settings.replier) for name in settings.replier.use]  # type: ignore[type-abstract]
    if not repliers:
        raise OperatorError('replier.use is empty: name at least one, such as use = ["offline"]')
    platforms = {name: loader.build(Platform, name, settings.platforms) for name in names}  # type: ignore[type-abstract]
    return classifier, repliers, platforms


def run(file: Path | None = None) -> int:
    """`maum run`: returns the exit code (0 ok, 1 failed, 2 wrong configuration)."""
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for noisy in ("httpx", "httpx2", "httpcore", "openai", "alembic"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    code = 0
    try:
        asyncio.run(serve(config.load(file)))
    except* OperatorError as errors:  # also when it comes alone, or out of the TaskGroup (a busy port)
        print(f"maum: {errors.exceptions[0]}", file=sys.stderr)
        code = 2
    return code


if __name__ == "__main__":
    from bot.cli import main

    main()
