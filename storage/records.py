"""All that is kept about one person: read out whole, or erased whole.

`_about` names every table that says something about a person; a test fails when a new table or column is not covered.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, Table, bindparam, delete, exists, insert, null, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.errors import OperatorError
from bot.types import Chat, Person
from storage.people import People
from storage.rows import GONE, now_ms
from storage.tables import (
    audit,
    chats,
    consents,
    corrections,
    feedback,
    jobs,
    messages,
    notices,
    people,
    readings,
    replies,
    space_settings,
    spend,
)

ANONYMOUS = frozenset({"emotion_hourly"})  # counts, of nobody in particular
#: what stays after forgetting, under the pseudonym alone: who looked or decided, and what was spent (it has a cap)
PSEUDONYMOUS = (audit, space_settings, spend)


@dataclass(frozen=True, slots=True)
class Forgetting:
    """A wish to be forgotten that is not done yet; without a chat it is about everything."""

    person: Person
    chat: Chat | None = None


class Records:
    def __init__(self, people: People) -> None:
        self._people = people
        self._database = people.database

    async def export(self, person: Person) -> dict[str, list[dict[str, Any]]]:
        """Every row about a person by table, with texts opened and times in ISO 8601."""
        async with self._database.reading() as connection:
            person_id = await self._people.known(connection, person)
            found = {}
            for table, where in self._about(person, person_id or -1).items():
                query = select(table).where(where).order_by(*table.primary_key)
                rows = (await connection.execute(query)).mappings()
                found[table.name] = [self._plain(person, row) for row in rows]
        return found

    async def ask(self, wish: Forgetting) -> None:
        """Keep a wish to be forgotten, until `erase` has done it."""

        async def operation(connection: AsyncConnection) -> None:
            row: dict[str, Any] = {
                "kind": "forget",
                "chat_id": await self._people.chat_id(connection, wish.chat) if wish.chat else None,
                "person_id": await self._people.person_id(connection, wish.person),
                "platform": wish.person.platform,
                "state": "new",
                "handles": [],
                "created_at": now_ms(),
            }
            await connection.execute(insert(jobs).values(row))

        await self._database.write(operation)

    async def asked(self) -> list[Forgetting]:
        """Wishes to be forgotten that are not done yet, oldest first."""
        place = chats.c.external_id.label("chat"), chats.c.space_id, chats.c.kind.label("chat_kind")
        query = select(people.c.platform, people.c.external_id, *place)
        query = query.select_from(jobs).join(people, people.c.id == jobs.c.person_id)
        query = query.outerjoin(chats, chats.c.id == jobs.c.chat_id)
        query = query.where(jobs.c.kind == "forget", jobs.c.state == "new").order_by(jobs.c.id)
        async with self._database.reading() as connection:
            rows = (await connection.execute(query)).all()
        wishes = [Forgetting(Person(row.platform, row.external_id), _chat(row)) for row in rows]
        return list(dict.fromkeys(wishes))

    async def erase(self, wish: Forgetting) -> dict[str, int]:
        """Delete all rows about a person, or those of one chat, with the wish itself; one commit, and an audit row.

        Returns:
            How many rows of each table went; the second time, none.
        """

        async def operation(connection: AsyncConnection) -> dict[str, int]:
            person_id = await self._people.known(connection, wish.person)
            chat_id = await self._people.known(connection, wish.chat) if wish.chat else None
            if person_id is None or (wish.chat and chat_id is None):
                return {}
            query = select(messages.c.chat_id).where(messages.c.person_id == person_id).distinct()
            places = {*(await connection.scalars(query)), *([chat_id] if chat_id else [])}
            counts: Counter[str] = Counter()
            for table, where in _erased(person_id, chat_id):
                counts[table.name] += (await connection.execute(delete(table).where(where))).rowcount
            await _delete_own_settings(connection, {chat_id} if chat_id else places)
            counts["chats"] = await _delete_empty_chats(connection, places)
            if counts := +counts:  # what is more than none
                await connection.execute(insert(audit).values(self._note(wish, counts)))
            self._database.doubt()
            return dict(counts)

        counts = await self._database.write(operation)
        self._database.doubt()  # again: what was read between the two is of before
        return counts

    async def erase_tags(self, person: Person) -> int:
        """Delete the emotions kept of a person, and what the answers' emotions would say about them."""

        async def operation(connection: AsyncConnection) -> int:
            person_id = await self._people.known(connection, person) or -1
            await connection.execute(delete(corrections).where(corrections.c.person_id == person_id))
            mine = replies.c.message_id.in_(select(messages.c.id).where(messages.c.person_id == person_id))
            await connection.execute(update(replies).where(mine).values(reading=null(), hit=None))
            gone = await connection.execute(delete(readings).where(readings.c.person_id == person_id))
            return int(gone.rowcount)

        return await self._database.write(operation)

    async def keyless(self) -> list[Person]:
        """People whose key is gone but whose rows are here: they were forgotten, and a backup brought them back.

        Raises:
            OperatorError: the key store belongs to another database.
        """
        async with self._database.reading() as connection:
            rows = (await connection.execute(select(people.c.platform, people.c.external_id, people.c.alias))).all()
        found = []
        for row in rows:
            person = Person(row.platform, row.external_id)
            if self._people.alias(person) != row.alias:
                raise OperatorError("the key store belongs to another database: bring back keys/people.db of this one")
            if not self._people.has_key(person):
                found.append(person)
        return found

    def _about(self, person: Person, person_id: int) -> Mapping[Table, ColumnElement[bool]]:
        alias = self._people.alias(person)
        mine = select(messages.c.id).where(messages.c.person_id == person_id)
        places = select(messages.c.chat_id).where(messages.c.person_id == person_id)
        return {
            people: people.c.id == person_id,
            consents: consents.c.person_id == person_id,
            notices: notices.c.person_id == person_id,
            chats: chats.c.id.in_(places),
            messages: messages.c.person_id == person_id,
            readings: readings.c.person_id == person_id,
            replies: replies.c.message_id.in_(mine),
            corrections: corrections.c.person_id == person_id,
            feedback: feedback.c.person_id == person_id,
            jobs: jobs.c.person_id == person_id,
            audit: or_(audit.c.whom == alias, audit.c.who == alias),
            space_settings: space_settings.c.who == alias,
            spend: spend.c.payer == alias,
        }

    def _plain(self, person: Person, row: RowMapping) -> dict[str, Any]:
        return {name: self._readable(person, name, value) for name, value in row.items()}

    def _readable(self, person: Person, name: str, value: Any) -> Any:
        if isinstance(value, bytes):
            return self._opened(person, value)
        if isinstance(value, int) and (name == "at" or name.endswith("_at")):
            return datetime.fromtimestamp(value / 1000, UTC).isoformat(timespec="milliseconds")
        return value

    def _opened(self, person: Person, sealed: bytes) -> str:
        try:
            return self._people.open(person, sealed) if sealed else GONE
        except (KeyError, ValueError):
            return GONE

    def _note(self, wish: Forgetting, counts: Mapping[str, int]) -> dict[str, Any]:
        alias = self._people.alias(wish.person)
        scope = "forget chat" if wish.chat else "forget"
        return {"at": now_ms(), "who": alias, "action": scope, "whom": alias, "reason": json.dumps(counts)[:500]}


def _chat(row: Any) -> Chat | None:
    return Chat(row.platform, row.chat, row.space_id, row.chat_kind) if row.chat is not None else None


def _erased(person_id: int, chat_id: int | None) -> list[tuple[Table, ColumnElement[bool]]]:
    """What goes, children first, so that the counts are true."""
    here = messages.c.chat_id == chat_id if chat_id else messages.c.id > 0
    mine = select(messages.c.id).where(messages.c.person_id == person_id, here)
    answers = select(replies.c.id).where(replies.c.message_id.in_(mine))
    whole: list[tuple[Table, ColumnElement[bool]]] = [
        (feedback, feedback.c.reply_id.in_(answers)),
        (corrections, corrections.c.message_id.in_(mine)),
        (readings, readings.c.message_id.in_(mine)),
        (replies, replies.c.message_id.in_(mine)),
        (notices, (notices.c.person_id == person_id) & (notices.c.chat_id == chat_id if chat_id else notices.c.id > 0)),
        (jobs, (jobs.c.person_id == person_id) & (jobs.c.chat_id == chat_id if chat_id else jobs.c.id > 0)),
        (messages, messages.c.id.in_(mine)),
    ]
    if chat_id is None:
        whole += [
            (feedback, feedback.c.person_id == person_id),
            (consents, consents.c.person_id == person_id),
            (people, people.c.id == person_id),
        ]
    return whole


async def _delete_own_settings(connection: AsyncConnection, chat_ids: set[int]) -> None:
    """What a person set in their direct chats; a server's settings are its moderators'."""
    query = select(chats.c.platform, chats.c.external_id).where(chats.c.id.in_(chat_ids), chats.c.space_id.is_(None))
    direct = [f"{row.platform}:{row.external_id}" for row in await connection.execute(query)]
    # given apart: a value written into a statement would stay in the memory of statements
    theirs = space_settings.c.space.in_(bindparam("places", expanding=True))
    await connection.execute(delete(space_settings).where(theirs), {"places": direct})


async def _delete_empty_chats(connection: AsyncConnection, ids: set[int]) -> int:
    """Chats that nobody else has written in; a direct chat's id is its person's."""
    used = or_(
        exists().where(messages.c.chat_id == chats.c.id),
        exists().where(jobs.c.chat_id == chats.c.id),
    )
    gone = await connection.execute(delete(chats).where(chats.c.id.in_(ids), ~used))
    return int(gone.rowcount)
