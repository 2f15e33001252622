"""Is every part well? Each is asked anew, and one answer serves everybody for a few seconds."""

from __future__ import annotations

import asyncio
import logging
import shutil
import time
from collections.abc import Awaitable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from bot import metrics
from bot.contracts import Platform
from bot.core import Core
from bot.log import name_of
from bot.types import Text
from storage.backup import check, last_backup
from storage.people import People

log = logging.getLogger(__name__)

State = Literal["ok", "degraded", "failed"]
ASK_S = 5.0  # a part that does not answer by then is not well
KEEP_S = 3.0  # how long a report serves, so that asking often costs nothing
LOW_DISK = 200 * 2**20
VALUES: Mapping[State, float] = {"ok": 1.0, "degraded": 0.5, "failed": 0.0}


@dataclass(frozen=True, slots=True)
class Part:
    """`about` is for the operator: what it is, or what is wrong with it."""

    state: State
    about: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """failed: nobody can be answered · degraded: people are answered, and something needs the operator."""

    status: State
    parts: Mapping[str, Part]

    def plain(self) -> dict[str, object]:
        return {"status": self.status, "parts": {name: asdict(part) for name, part in self.parts.items()}}


class Health:
    """`state` is the state folder."""

    def __init__(self, people: People, core: Core, platforms: Mapping[str, Platform], state: Path) -> None:
        self._people = people
        self._core = core
        self._platforms = platforms
        self.state = state
        self._integrity = Part("ok", "not checked yet")
        self._known: Report | None = None
        self._known_at = 0.0
        self._asking = asyncio.Lock()

    async def report(self) -> Report:
        """The state of every part now."""
        async with self._asking:
            if self._known is None or time.monotonic() - self._known_at > KEEP_S:
                before = self._known.parts if self._known else {}
                self._known, self._known_at = await self._ask(), time.monotonic()
                _note(before, self._known.parts)
            return self._known

    def forget(self) -> None:
        """Ask anew at the next report, whenever that is."""
        self._known_at = float("-inf")

    async def check_database(self) -> list[str]:
        """Look through the whole database for damage; returns what is wrong with it."""
        try:
            findings = await check(self._people, quick=True)
        except Exception as error:
            findings = [f"the check itself failed: {name_of(error)}"]
        at = datetime.now(UTC).isoformat(timespec="seconds")
        self._integrity = Part("degraded", f"{at}: {findings[0]}") if findings else Part("ok", f"whole at {at}")
        metrics.checked_at.set(time.time())
        metrics.check_findings.set(len(findings))
        for finding in findings:
            log.error("the database is damaged: %s; restore a backup (maum db restore), then maum db check", finding)
        self.forget()
        return findings

    async def _ask(self) -> Report:
        parts = {
            "database": await _asked(self._people.database.probe(), "failed"),
            "keys": await _asked(self._people.keys.probe(), "failed"),
            "integrity": self._integrity,
            "backup": Part("ok", last_backup(self.state) or "none was made yet (maum db backup FILE)"),
            "disk": self._disk(),
            "classifier": await self._classifier(),
            "care": _part(self._core.care.trouble),
            **dict(self._repliers()),
            **{f"platform {name}": _part(platform.trouble()) for name, platform in self._platforms.items()},
        }
        return Report(_status(parts), parts)

    async def _classifier(self) -> Part:
        if trouble := self._core.classifier.trouble():
            return Part("degraded", trouble)
        found = await _asked(self._core.classifier.classify([Text("안녕")]), "degraded")
        return found if found.state != "ok" else Part("ok", self._core.classifier.model)

    def _repliers(self) -> Iterator[tuple[str, Part]]:
        for name, code in self._core.replier.health().items():
            yield f"replier {name}", _part("" if code == "ok" else f"left alone for a while: {code}")

    def _disk(self) -> Part:
        free = shutil.disk_usage(self.state if self.state.exists() else Path()).free
        about = f"{free // 2**20} MiB free"
        return Part("ok" if free > LOW_DISK else "degraded", about)


async def _asked(answer: Awaitable[object], otherwise: State) -> Part:
    try:
        async with asyncio.timeout(ASK_S):  # in Python 3.11 wait_for may swallow a cancellation, and we would never end
            await answer
    except TimeoutError:
        return Part(otherwise, f"no answer in {ASK_S:.0f} s")
    except Exception as error:
        return Part(otherwise, name_of(error))
    return Part("ok")


def _part(trouble: str) -> Part:
    return Part("degraded", trouble) if trouble else Part("ok")


def _status(parts: Mapping[str, Part]) -> State:
    for kind in ("replier ", "platform "):
        mine = [part for name, part in parts.items() if name.startswith(kind)]
        if mine and all(part.state != "ok" for part in mine):
            return "failed"
    if any(part.state == "failed" for part in parts.values()):
        return "failed"
    return "degraded" if any(part.state == "degraded" for part in parts.values()) else "ok"


def _note(before: Mapping[str, Part], now: Mapping[str, Part]) -> None:
    for name, part in now.items():
        metrics.part_ok.labels(name).set(VALUES[part.state])
        was = before[name].state if name in before else "ok"
        if part.state != was:
            level = logging.INFO if part.state == "ok" else logging.ERROR
            log.log(level, "%s is %s%s", name, part.state, f": {part.about}" if part.about else "")
