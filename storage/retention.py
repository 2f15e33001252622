"""How long things are kept: texts, then tags, then the audit; each space may keep them for another time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from sqlalchemy import Column, ColumnElement, and_, delete, exists, null, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.database import Database
from storage.rows import now_ms
from storage.spaces import SpaceSettings
from storage.tables import (
    audit,
    chats,
    corrections,
    emotion_hourly,
    jobs,
    messages,
    notices,
    readings,
    replies,
    space_settings,
    spend,
)

DAY_MS = 86_400_000
Kind = Literal["texts_days", "tags_days", "audit_days"]
LEFT = "left"  # a space setting: the bot is there no more, and its data goes
KINDS: tuple[Kind, ...] = get_args(Kind)
SPEND_DAYS = 2  # the daily cap needs today's rows by person; older ones keep the amount and lose the pseudonym


@dataclass(frozen=True, slots=True)
class Days:
    """How many days things are kept."""

    texts_days: int = 30
    tags_days: int = 90
    audit_days: int = 365


@dataclass(frozen=True, slots=True)
class Place:
    """One space, or, with None, everywhere but in `others`: as conditions on the columns that say where."""

    space: str | None
    others: Sequence[str]

    def has_chat(self, column: Column[Any]) -> ColumnElement[bool]:
        if self.space is not None:
            return column.in_(_chats_of(self.space))
        return and_(*(column.not_in(_chats_of(other)) for other in self.others), column > 0)

    def is_space(self, column: Column[Any]) -> ColumnElement[bool]:
        return column == self.space if self.space is not None else or_(column.is_(None), column.not_in(self.others))


class Retention:
    def __init__(self, database: Database, days: Days) -> None:
        self._database = database
        self._settings = SpaceSettings(database)
        self.days = days

    async def keep(self, space: str, kind: Kind, days: int, who: str) -> None:
        """Keep one kind of thing for another time in one space ("platform:space_id")."""
        await self._settings.put(space, kind, days, who)

    async def purge(self, now: int | None = None) -> dict[str, int]:
        """Delete what is too old, and what belongs to spaces that were left.

        Args:
            now: UTC milliseconds; None means the present.

        Returns:
            How many rows of each kind went.
        """
        now = now or now_ms()
        gone: Counter[str] = Counter()
        settings = await self._settings.everywhere()
        for left in [space for space, own in settings.items() if LEFT in own]:
            gone["left"] += await self._delete_space(left)
        for space in (None, *settings):  # None: direct chats, and the spaces that have no rule of their own
            place = Place(space, tuple(settings))
            own = settings.get(space or "", {})
            days = Days(**{kind: own.get(kind) or getattr(self.days, kind) for kind in KINDS})
            gone += await self._purge(place, days, now)
        await self._database.write(lambda connection: _make_spend_anonymous(connection, now))
        old = notices.c.at < now - DAY_MS  # they count for three hours
        await self._database.write(lambda connection: connection.execute(delete(notices).where(old)))
        await self._database.truncate_wal()
        return dict(+gone)

    async def leave(self, space: str) -> int:
        """Delete all that was kept in a space; when killed meanwhile, the next purge goes on. Returns messages."""
        await self._settings.put(space, LEFT, True, "operator")
        count = await self._delete_space(space)
        await self._database.truncate_wal()
        return count

    async def _purge(self, place: Place, days: Days, now: int) -> Counter[str]:
        async def operation(connection: AsyncConnection) -> Counter[str]:
            return Counter(
                texts=await _purge_texts(connection, place, now - days.texts_days * DAY_MS),
                tags=await _purge_tags(connection, place, now - days.tags_days * DAY_MS),
                audit=await _purge_audit(connection, place, now - days.audit_days * DAY_MS),
            )

        return await self._database.write(operation)

    async def _delete_space(self, space: str) -> int:
        async def operation(connection: AsyncConnection) -> int:
            here = chats.c.id.in_(_chats_of(space))
            written = messages.c.chat_id.in_(_chats_of(space))
            count = (await connection.execute(delete(messages).where(written))).rowcount
            await connection.execute(delete(chats).where(here))
            for table in (emotion_hourly, space_settings):
                await connection.execute(delete(table).where(table.c.space == space))
            return int(count)

        return await self._database.write(operation)


def _chats_of(space: str) -> Any:
    platform, _, space_id = space.partition(":")
    return select(chats.c.id).where(chats.c.platform == platform, chats.c.space_id == space_id)


async def _purge_texts(connection: AsyncConnection, place: Place, before: int) -> int:
    """A message whose emotion is kept loses its text and its answers' texts; any other goes whole."""
    is_old = and_(messages.c.received_at < before, messages.c.text != b"", place.has_chat(messages.c.chat_id))
    has_tag = exists().where(readings.c.message_id == messages.c.id)
    whole = (await connection.execute(delete(messages).where(is_old, ~has_tag))).rowcount
    old = select(messages.c.id).where(is_old)
    await connection.execute(delete(jobs).where(jobs.c.message_id.in_(old)))
    await connection.execute(update(replies).where(replies.c.message_id.in_(old)).values(text=b""))
    emptied = (await connection.execute(update(messages).where(is_old).values(text=b"", reply_to=None))).rowcount
    return int(whole + emptied)


async def _purge_tags(connection: AsyncConnection, place: Place, before: int) -> int:
    here = select(messages.c.id).where(place.has_chat(messages.c.chat_id))
    of_answers = and_(replies.c.created_at < before, replies.c.message_id.in_(here))
    await connection.execute(update(replies).where(of_answers).values(reading=null(), hit=None))
    await connection.execute(delete(corrections).where(corrections.c.at < before, corrections.c.message_id.in_(here)))
    old = and_(readings.c.at < before, place.has_chat(readings.c.chat_id))
    count = (await connection.execute(delete(readings).where(old))).rowcount
    is_empty = and_(messages.c.text == b"", ~exists().where(readings.c.message_id == messages.c.id))
    await connection.execute(delete(messages).where(is_empty))
    return int(count)


async def _purge_audit(connection: AsyncConnection, place: Place, before: int) -> int:
    return int(
        (await connection.execute(delete(audit).where(audit.c.at < before, place.is_space(audit.c.space)))).rowcount
    )


async def _make_spend_anonymous(connection: AsyncConnection, now: int) -> None:
    await connection.execute(update(spend).where(spend.c.day < now // DAY_MS - SPEND_DAYS).values(payer=""))
