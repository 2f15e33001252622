"""The moderators' questions, for every surface. The answer holds pseudonyms, emotions and times, never a text."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Literal

from bot.charts import Day, days_of
from bot.contracts import Platform
from bot.errors import Refusal
from bot.types import Language, Person
from storage.emotion_log import EmotionLog, Filter, Page

MAX_SIZE = 200
K_PEOPLE = 5  # no total of fewer people is shown, neither of a day nor of a picture
DAYS = 7  # that a picture shows, where nobody asked for another number
OFFSETS: Mapping[Language, int] = {"ko": 9 * 60, "en": 0}  # minutes from UTC, of whose days we know nothing better
UNITS_MS = {"m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}


@dataclass(frozen=True, slots=True)
class Totals:
    """A space's days, oldest first, and how many people are counted in them."""

    days: list[Day]
    people: int


class Moderation:
    def __init__(self, log: EmotionLog, platforms: Mapping[str, Platform]) -> None:
        self._log = log
        self._platforms = platforms

    def adopt(self, default: Literal["ask", "trusted"]) -> None:
        """Let another default of consent hold from now on."""
        self._log.trusted = default == "trusted"

    async def query(self, asker: Person | None, wanted: Filter) -> Page:
        """Search the emotion log.

        Args:
            asker: a moderator, who may ask about one space only, and sees the entries of people who agree to that;
                None is the operator, at their own machine.

        Raises:
            Refusal: "not_moderator".
        """
        if asker is not None:
            await self._check(asker, wanted.space)
            wanted = replace(wanted, consented="entries")
        return await self._log.query(replace(wanted, size=min(wanted.size, MAX_SIZE)))

    def alias(self, person: Person) -> str:
        """The pseudonym under which moderators see a person."""
        return self._log.alias(person)

    async def totals(self, asker: Person | None, wanted: Filter, days: int, utc_offset_minutes: int) -> Totals:
        """What `charts.emotions` draws: the last days up to today, of people who agree to be counted.

        A day with fewer than `K_PEOPLE` people stays empty, for the operator, too: pictures are passed on.

        Raises:
            Refusal: "not_moderator", or "too_few" when every day stays empty.
        """
        if asker is not None:
            await self._check(asker, wanted.space)
        first, last, wanted = _last(days, utc_offset_minutes, replace(wanted, consented="statistics"))
        counts = await self._log.by_day(wanted, utc_offset_minutes, K_PEOPLE)
        if not counts:
            raise Refusal("too_few", people=K_PEOPLE)
        people = await self._log.people(wanted, utc_offset_minutes, K_PEOPLE)
        return Totals(days_of(counts, first, last), people)

    async def own_days(self, person: Person, days: int, utc_offset_minutes: int) -> list[Day]:
        """What `charts.mood` draws: the person's own last days up to today, wherever they wrote."""
        first, last, wanted = _last(days, utc_offset_minutes, Filter(person=self._log.alias(person)))
        return days_of(await self._log.by_day(wanted, utc_offset_minutes), first, last)

    async def _check(self, asker: Person, space_name: str) -> None:
        platform, _, space = space_name.partition(":")
        surface = self._platforms.get(platform)
        asked_here = platform == asker.platform and bool(space)
        if not (asked_here and surface and await surface.may_moderate(asker, space)):
            raise Refusal("not_moderator")


def _last(days: int, utc_offset_minutes: int, wanted: Filter) -> tuple[date, date, Filter]:
    """First and last day, and the filter narrowed to them; whole days only, so that no difference shows one person."""
    offset = timedelta(minutes=utc_offset_minutes)
    last = (datetime.now(UTC) + offset).date()
    first = last - timedelta(days=days - 1)
    begin = datetime(first.year, first.month, first.day, tzinfo=UTC) - offset
    since = int(begin.timestamp() * 1000)
    return first, last, replace(wanted, since=since, until=since + days * UNITS_MS["d"])


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
