"""The moderators' questions, for every surface. The answer holds pseudonyms, emotions and times, never a text."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

from bot.contracts import Platform
from bot.errors import Refusal
from bot.types import Person
from storage.emotion_log import EmotionLog, Filter, Page

MAX_SIZE = 200
UNITS_MS = {"m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}


class Moderation:
    def __init__(self, log: EmotionLog, platforms: Mapping[str, Platform]) -> None:
        self._log = log
        self._platforms = platforms

    async def query(self, asker: Person | None, wanted: Filter) -> Page:
        """Search the emotion log.

        Args:
            asker: a moderator, who may ask about one space only; None is the operator, at their own machine.

        Raises:
            Refusal: "not_moderator".
        """
        if asker is not None:
            platform, _, space = wanted.space.partition(":")
            surface = self._platforms.get(platform)
            asked_here = platform == asker.platform and bool(space)
            if not (asked_here and surface and await surface.may_moderate(asker, space)):
                raise Refusal("not_moderator")
        return await self._log.query(replace(wanted, size=min(wanted.size, MAX_SIZE)))

    async def own(self, person: Person, since: int) -> Page:
        """A person's own emotions since a moment, for themselves."""
        return await self._log.query(Filter(person=self._log.alias(person), since=since))

    def alias(self, person: Person) -> str:
        """The pseudonym under which moderators see a person."""
        return self._log.alias(person)


def moment(text: str) -> int:
    """A moment in UTC milliseconds: a span before now (30m, 12h, 7d, 4w), or an ISO date or time.

    Raises:
        Refusal: "bad_time".
    """
    if span := re.fullmatch(r"(\d{1,6})([mhdw])", text):
        return time.time_ns() // 1_000_000 - int(span[1]) * UNITS_MS[span[2]]
    try:
        at = datetime.fromisoformat(text)
        return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)
    except (ValueError, OverflowError, OSError):
        raise Refusal("bad_time", text=text[:40]) from None
