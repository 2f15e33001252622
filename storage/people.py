"""Rows for people and chats, and what a person has agreed to."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Table, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.types import Chat, Conversation, Person
from storage.database import Database
from storage.keys import KeyStore
from storage.rows import now_ms
from storage.tables import chats, consents, people

MAX_CACHED = 50_000


class People:
    """Row ids of people and chats (cached: they change only by deletion), sealing for a person, and their consents."""

    def __init__(self, database: Database, keys: KeyStore) -> None:
        self.database = database
        self.keys = keys
        self._ids: OrderedDict[Person | Chat, int] = OrderedDict()
        database.on_rollback.append(self._ids.clear)

    def seal(self, person: Person, text: str) -> bytes:
        return self.keys.seal(self._name(person), text)

    def open(self, person: Person, sealed: bytes) -> str:
        return self.keys.open(self._name(person), sealed)

    def has_key(self, person: Person) -> bool:
        """False once the person was forgotten: every row has a key from its beginning."""
        return self.keys.has(self._name(person))

    def destroy_key(self, person: Person) -> bool:
        """Make all that is sealed for the person unreadable for ever; True when there was a key."""
        return self.keys.destroy(self._name(person))

    def drop_cache(self) -> None:
        """After rows of people or chats were deleted."""
        self._ids.clear()

    def alias(self, person: Person) -> str:
        """The pseudonym that moderators see; it cannot be turned back without the master key."""
        return self.keys.derive(f"alias {person.platform} {person.id}")[:10]

    async def ids(self, connection: AsyncConnection, conversation: Conversation) -> tuple[int, int]:
        """Row ids of chat and person, made where missing; inside a writing operation."""
        return await self.chat_id(connection, conversation.chat), await self.person_id(connection, conversation.person)

    async def person_id(self, connection: AsyncConnection, person: Person) -> int:
        if person not in self._ids:
            self.keys.ensure(self._name(person))
        values = {
            "alias": self.alias(person),
            "name": self.seal(person, person.name) if person.name else None,
            "locale": person.locale,
            "created_at": now_ms(),
        }
        return await self._id(connection, people, person, values)

    async def chat_id(self, connection: AsyncConnection, chat: Chat) -> int:
        return await self._id(connection, chats, chat, {"space_id": chat.space_id, "kind": chat.kind})

    async def known(self, connection: AsyncConnection, one: Person | Chat) -> int | None:
        """The row id, or None: looks only, so it may run on a reading connection."""
        table = people if isinstance(one, Person) else chats
        where = (table.c.platform == one.platform, table.c.external_id == one.id)
        return self._ids.get(one) or await connection.scalar(select(table.c.id).where(*where))

    async def scopes(self, person: Person) -> frozenset[str]:
        """What the person agrees to at present."""
        async with self.database.reading() as connection:
            person_id = await self.known(connection, person)
            if person_id is None:
                return frozenset()
            rows = await connection.execute(
                select(consents.c.scope).where(consents.c.person_id == person_id, consents.c.withdrawn_at.is_(None))
            )
            return frozenset(rows.scalars())

    async def set_scopes(self, person: Person, scopes: Iterable[str], version: str) -> None:
        """Replace the person's consent: what is not named is withdrawn; the history of both is kept."""
        wanted = set(scopes)

        async def operation(connection: AsyncConnection) -> None:
            person_id = await self.person_id(connection, person)
            current = consents.c.person_id == person_id, consents.c.withdrawn_at.is_(None)
            rows = (await connection.execute(select(consents.c.scope, consents.c.version).where(*current))).all()
            kept = {row.scope for row in rows if row.scope in wanted and row.version == version}
            ended = [row.scope for row in rows if row.scope not in kept]
            if ended:
                gone = update(consents).where(*current, consents.c.scope.in_(ended))
                await connection.execute(gone.values(withdrawn_at=now_ms()))
            for scope in sorted(wanted - kept):
                row = {"person_id": person_id, "scope": scope, "version": version, "given_at": now_ms()}
                await connection.execute(insert(consents).values(row))

        await self.database.write(operation)

    def _name(self, person: Person) -> str:
        return self.keys.name(person.platform, person.id)

    async def _id(self, connection: AsyncConnection, table: Table, one: Person | Chat, values: dict[str, Any]) -> int:
        if one in self._ids:
            self._ids.move_to_end(one)
            return self._ids[one]
        found = await self.known(connection, one)
        if found is None:
            row = {"platform": one.platform, "external_id": one.id, **values}
            found = (await connection.execute(insert(table).values(row).returning(table.c.id))).scalar_one()
        else:
            self._ids[one] = found
            if len(self._ids) > MAX_CACHED:
                self._ids.popitem(last=False)
        return int(found)
