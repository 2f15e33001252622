"""Reading the configuration again while the bot runs (SIGHUP, or `maum reload`).

What can change does, and running answers end as they began. What was opened, bound or divided at the start is said to
need a restart. A configuration with a mistake in it is refused as a whole.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bot import config, loader, log, metrics
from bot.app import App
from bot.config import Settings
from bot.contracts import Classifier, Plugin, Replier
from bot.errors import OperatorError
from bot.fallback import FallbackReplier
from bot.gate import Gate
from bot.rate_limit import RateLimit
from storage import process
from storage.retention import Days

events = logging.getLogger(__name__)

#: settings, or whole sections, that were used up at the start
FIXED = ("storage", "platforms", "consent.hold_s", "delivery.workers", "delivery.lease_s")


class Reload:
    """`file` is the configuration as `maum run` was given it."""

    def __init__(self, app: App, file: Path | None) -> None:
        self._app = app
        self._lives = app.lives
        self._file = file
        self._retiring: set[asyncio.Task[None]] = set()

    async def run(self, asked: asyncio.Event) -> None:
        """Reload whenever it is asked for, until cancelled."""
        while True:
            await asked.wait()
            asked.clear()
            try:
                said = await self.now()
                ok = True
            except OperatorError as error:
                said, ok = [f"refused, nothing was changed: {error}"], False
            for line in said:
                events.log(logging.INFO if ok else logging.ERROR, "configuration: %s", line)
            metrics.reloads.labels("done" if ok else "refused").inc()
            write_answer(config.state_dir(), ok, said)

    async def now(self) -> list[str]:
        """Read the configuration and let it hold; returns what was done, a line each.

        Raises:
            OperatorError: there is a mistake in it, or a plugin cannot be started; nothing was changed.
        """
        old, new = self._app.settings, config.load(self._file)
        changed = list(differences(old.model_dump(), new.model_dump()))
        fixed = [key for key in changed if key.startswith(FIXED)]
        new = _with_the_old(old, new)
        classifier, repliers = await self._new_plugins(old, new)
        self._let_hold(new)
        if classifier:
            self._retire(self._swap_classifier(classifier))
        if repliers:
            self._retire(self._swap_repliers(repliers))
        done = [key for key in changed if key not in fixed]
        return [
            f"changed: {', '.join(done)}" if done else "nothing that can change while running has changed",
            *(f"{key} needs a restart; until then it stays as it was" for key in fixed),
        ]

    async def _new_plugins(self, old: Settings, new: Settings) -> tuple[Classifier | None, list[Replier]]:
        classifier: Classifier | None = None
        repliers: list[Replier] = []
        if old.classifier != new.classifier:
            classifier = loader.classifier(new)
        if _plugins_of(old) != _plugins_of(new):
            repliers = loader.repliers(new)
        await self._lives.begin(*([classifier] if classifier else []), *repliers)
        return classifier, repliers

    def _let_hold(self, new: Settings) -> None:
        desk = self._app.desk
        log.setup(new.log.format, new.log.level)
        if desk.settings.limits != new.limits:
            desk.gate = Gate(desk.core.care, RateLimit(new.limits.per_minute, new.limits.burst), new.limits.max_chars)
        desk.privacy.adopt(new.consent.default, Days(**new.retention.model_dump()))
        self._app.moderation.adopt(new.consent.default)
        desk.core.closed_loop = new.replier.closed_loop
        desk.core.replier.deadline_s = new.replier.deadline_s
        desk.core.replier.budget.adopt(new.budget.per_person_day, new.budget.total_day)
        desk.settings = new

    async def _swap_classifier(self, new: Classifier) -> None:
        self._replace([self._app.core.classifier], [new])
        old = await self._app.core.swap_classifier(new)
        await self._lives.end(old)

    async def _swap_repliers(self, new: Sequence[Replier]) -> None:
        core = self._app.core
        self._replace(core.replier.repliers, new)
        old = await core.swap_replier(FallbackReplier(new, core.replier.budget, core.replier.deadline_s))
        await self._lives.end(*old.repliers)

    def _replace(self, old: Sequence[Plugin], new: Sequence[Plugin]) -> None:
        privacy = self._app.privacy
        privacy.plugins = [*new, *(plugin for plugin in privacy.plugins if plugin not in old)]

    def _retire(self, swapping: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(swapping, name="retire")
        self._retiring.add(task)
        task.add_done_callback(self._retiring.discard)


def differences(old: Mapping[str, Any], new: Mapping[str, Any], above: str = "") -> Iterator[str]:
    """The dotted names of what is not the same."""
    for key in sorted({*old, *new}):
        one, other = old.get(key), new.get(key)
        if isinstance(one, Mapping) and isinstance(other, Mapping):
            yield from differences(one, other, f"{above}{key}.")
        elif one != other:
            yield f"{above}{key}"


def write_answer(state: Path, ok: bool, said: Sequence[str]) -> None:
    """Leave for `maum reload` what became of it; written whole or not at all."""
    part = state / f"{process.RELOADED}.part"
    part.write_text(json.dumps({"ok": ok, "said": list(said)}, ensure_ascii=False), encoding="utf-8")
    part.replace(state / process.RELOADED)


def _plugins_of(settings: Settings) -> tuple[tuple[str, ...], dict[str, Any]]:
    return settings.replier.use, {name: settings.replier.options(name) for name in settings.replier.use}


def _with_the_old(old: Settings, new: Settings) -> Settings:
    """The new settings with those of the old that cannot change."""
    delivery = {"workers": old.delivery.workers, "lease_s": old.delivery.lease_s}
    return new.model_copy(
        update={
            "storage": old.storage,
            "platforms": old.platforms,
            "consent": new.consent.model_copy(update={"hold_s": old.consent.hold_s}),
            "delivery": new.delivery.model_copy(update=delivery),
        }
    )
