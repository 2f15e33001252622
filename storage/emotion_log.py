"""The emotion log: readings by person, place, label and time. Only pseudonyms leave it, never a text."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal, cast

from sqlalchemy import CTE, ColumnElement, Select, and_, exists, func, not_, select

from bot.types import Group, Person
from storage.database import Database
from storage.people import People
from storage.tables import chats, consents, corrections, messages, people, readings, replies

Sort = Literal["newest", "oldest", "score"]
EPOCH, DAY_MS = date(1970, 1, 1), 86_400_000


@dataclass(frozen=True, slots=True)
class Filter:
    """What is asked of the log; None or empty means any. Times are UTC milliseconds; `person` a pseudonym."""

    space: str = ""  # "platform:space_id"
    chat: str = ""  # the platform's chat id
    person: str = ""
    group: str = ""
    label: str = ""
    since: int | None = None
    until: int | None = None
    min_score: float = 0.0
    sure: bool | None = None
    missed: bool | None = None  # the shown reply missed its aim
    corrected: bool | None = None  # the person said that the reading was wrong
    consented: str = ""  # only people who agree to this scope now
    sort: Sort = "newest"
    page: int = 1
    size: int = 50


@dataclass(frozen=True, slots=True)
class Entry:
    """One reading as a moderator sees it."""

    message: int
    at: int
    person: str
    platform: str
    chat: str
    label: str
    group: str
    score: float
    sure: bool
    hit: bool | None
    corrected: str | None
    model: str


@dataclass(frozen=True, slots=True)
class Page:
    """`total` readings match; `messages` were written in the same place and time, by whomever; `by_group` counts."""

    total: int
    messages: int
    by_group: dict[str, int]
    entries: list[Entry]

    @property
    def coverage(self) -> float | None:
        """The share of messages whose emotion was kept: what the log can speak for."""
        return round(self.total / self.messages, 4) if self.messages else None


@dataclass(frozen=True, slots=True)
class Count:
    """So many readings of one label on one day of the asker's clock."""

    day: date
    group: Group
    label: str
    sure: bool
    n: int


class EmotionLog:
    """`trusted`: the operator vouches for consent, so who has said nothing agrees to all but training."""

    def __init__(self, database: Database, people: People, *, trusted: bool = False) -> None:
        self._database = database
        self._people = people
        self.trusted = trusted

    def alias(self, person: Person) -> str:
        return self._people.alias(person)

    async def query(self, wanted: Filter) -> Page:
        where = self._where(wanted)
        source = _joined(select(readings.c.grp, func.count()))
        async with self._database.reading() as connection:
            counts = await connection.execute(source.where(where).group_by(readings.c.grp))
            by_group = {group: int(count) for group, count in counts}
            rows = await connection.execute(_entries(wanted).where(where))
            entries = [Entry(**row) for row in rows.mappings()]
            written = await connection.scalar(_written(wanted)) or 0
        return Page(sum(by_group.values()), int(written), by_group, entries)

    async def by_day(self, wanted: Filter, utc_offset_minutes: int, at_least: int = 1) -> list[Count]:
        """Readings by day, group and label, oldest day first; a day with fewer than `at_least` people is left out."""
        marked, crowded = self._days(wanted, utc_offset_minutes, at_least)
        what = (marked.c.day, marked.c.grp, marked.c.label, marked.c.sure)
        query = select(*what, func.count()).join(crowded, crowded.c.day == marked.c.day)
        async with self._database.reading() as connection:
            rows = (await connection.execute(query.group_by(*what).order_by(*what))).all()
        return [
            Count(EPOCH + timedelta(days=day), cast(Group, group), label, bool(sure), int(n))
            for day, group, label, sure, n in rows
        ]

    async def people(self, wanted: Filter, utc_offset_minutes: int, at_least: int = 1) -> int:
        """How many people `by_day` counts."""
        marked, crowded = self._days(wanted, utc_offset_minutes, at_least)
        query = select(func.count(marked.c.person_id.distinct())).join(crowded, crowded.c.day == marked.c.day)
        async with self._database.reading() as connection:
            return int(await connection.scalar(query) or 0)

    def _days(self, wanted: Filter, utc_offset_minutes: int, at_least: int) -> tuple[CTE, CTE]:
        """The readings with the number of their day (since 1970), and the days with enough people."""
        day = (readings.c.at + utc_offset_minutes * 60_000) // DAY_MS
        what = (readings.c.grp, readings.c.label, readings.c.sure, readings.c.person_id)
        marked = _joined(select(day.label("day"), *what)).where(self._where(wanted)).cte("marked")
        enough = func.count(marked.c.person_id.distinct()) >= at_least
        return marked, select(marked.c.day).group_by(marked.c.day).having(enough).cte("crowded")

    def _where(self, wanted: Filter) -> ColumnElement[bool]:
        found = _conditions(wanted)
        if wanted.consented:
            found.append(self._agrees(wanted.consented))
        return and_(*found)

    def _agrees(self, scope: str) -> ColumnElement[bool]:
        """As bot/privacy.py's `scopes` says it of one person."""
        current = exists().where(consents.c.person_id == readings.c.person_id, consents.c.withdrawn_at.is_(None))
        given = current.where(consents.c.scope == scope)
        return given | ~current if self.trusted and scope != "training" else given


def _joined(query: Select[Any]) -> Select[Any]:
    return (
        query.select_from(readings)
        .join(people, people.c.id == readings.c.person_id)
        .join(chats, chats.c.id == readings.c.chat_id)
        .join(messages, messages.c.id == readings.c.message_id)
        .outerjoin(replies, replies.c.id == messages.c.shown_reply_id)
    )


def _entries(wanted: Filter) -> Select[Any]:
    correction = (
        select(corrections.c.label)
        .where(corrections.c.message_id == readings.c.message_id)
        .order_by(corrections.c.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    query = select(
        readings.c.message_id.label("message"),
        readings.c.at,
        people.c.alias.label("person"),
        people.c.platform,
        chats.c.external_id.label("chat"),
        readings.c.label,
        readings.c.grp.label("group"),
        readings.c.score,
        readings.c.sure,
        replies.c.hit,
        correction.label("corrected"),
        readings.c.model,
    )
    order = {
        "newest": (readings.c.at.desc(), readings.c.id.desc()),
        "oldest": (readings.c.at, readings.c.id),
        "score": (readings.c.score.desc(), readings.c.id.desc()),
    }[wanted.sort]
    return _joined(query).order_by(*order).limit(wanted.size).offset((wanted.page - 1) * wanted.size)


def _written(wanted: Filter) -> Select[Any]:
    query = select(func.count()).select_from(messages).join(chats, chats.c.id == messages.c.chat_id)
    query = query.where(messages.c.read_with.is_(None))
    if wanted.space:
        platform, _, space = wanted.space.partition(":")
        query = query.where(chats.c.platform == platform, chats.c.space_id == space)
    if wanted.chat:
        query = query.where(chats.c.external_id == wanted.chat)
    if wanted.since is not None:
        query = query.where(messages.c.sent_at >= wanted.since)
    if wanted.until is not None:
        query = query.where(messages.c.sent_at < wanted.until)
    return query


def _conditions(wanted: Filter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [readings.c.score >= wanted.min_score]
    equal = (
        (readings.c.space, wanted.space),
        (chats.c.external_id, wanted.chat),
        (readings.c.grp, wanted.group),
        (readings.c.label, wanted.label),
    )
    found += [column == value for column, value in equal if value]
    if wanted.person:  # not by the joined row: SQLite would walk everybody's readings of that time
        found.append(readings.c.person_id.in_(select(people.c.id).where(people.c.alias == wanted.person)))
    if wanted.since is not None:
        found.append(readings.c.at >= wanted.since)
    if wanted.until is not None:
        found.append(readings.c.at < wanted.until)
    if wanted.sure is not None:
        found.append(readings.c.sure.is_(wanted.sure))
    if wanted.missed is not None:
        found.append(replies.c.hit.is_(not wanted.missed))
    if wanted.corrected is not None:
        said = exists().where(corrections.c.message_id == readings.c.message_id)
        found.append(said if wanted.corrected else not_(said))
    return found
