"""Rows for people and chats, and what a person has agreed to."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.remember import Remembered
from bot.types import Chat, Conversation, Person
from storage.database import Database
from storage.keys import KeyStore
from storage.rows import now_ms
from storage.tables import chats, consents, people

MAX_REMEMBERED = 50_000
SCOPES_S = 2.0
PERSON_ID, CHAT_ID = (
    select(table.c.id).where(table.c.platform == bindparam("platform"), table.c.external_id == bindparam("external"))
    for table in (people, chats)
)
ADD_PERSON, ADD_CHAT = (insert(table).returning(table.c.id) for table in (people, chats))
AGREED = select(consents.c.scope).where(consents.c.person_id == bindparam("person"), consents.c.withdrawn_at.is_(None))


class People:
    """Row ids of people and chats (remembered: they change only by deletion), sealing for a person, their consents."""

    def __init__(self, database: Database, keys: KeyStore) -> None:
        self.database = database
        self.keys = keys
        self._ids: Remembered[Person | Chat, int] = Remembered(MAX_REMEMBERED)
        self._scopes: Remembered[Person, frozenset[str]] = Remembered(MAX_REMEMBERED, SCOPES_S)
        database.on_doubt += [self._ids.clear, self._scopes.clear]

    def seal(self, person: Person, text: str) -> bytes:
        return self.keys.seal(self._name(person), text)

    def open(self, person: Person, sealed: bytes) -> str:
        return self.keys.open(self._name(person), sealed)

    def opener(self, person: Person) -> Callable[[bytes], str]:
        """`open` for many texts of one person. Raises KeyError when their key is gone."""
        return self.keys.opener(self._name(person))

    def has_key(self, person: Person) -> bool:
        """False once the person was forgotten: every row has a key from its beginning."""
        return self.keys.has(self._name(person))

    def destroy_key(self, person: Person) -> bool:
        """Make all that is sealed for the person unreadable for ever; True when there was a key."""
        return self.keys.destroy(self._name(person))

    def alias(self, person: Person) -> str:
        """The pseudonym that moderators see; it cannot be turned back without the master key."""
        return self.keys.derive(f"alias {person.platform} {person.id}")[:10]

    async def ids(self, connection: AsyncConnection, conversation: Conversation) -> tuple[int, int]:
        """Row ids of chat and person, made where missing; inside a writing operation."""
        return await self.chat_id(connection, conversation.chat), await self.person_id(connection, conversation.person)

    async def person_id(self, connection: AsyncConnection, person: Person) -> int:
        if found := self._ids.get(person):
            return found
        self.keys.ensure(self._name(person))
        if found := await self._looked_up(connection, person):
            return found
        row = {
            "platform": person.platform,
            "external_id": person.id,
            "alias": self.alias(person),
            "name": self.seal(person, person.name) if person.name else None,
            "locale": person.locale,
            "created_at": now_ms(),
        }
        return int((await connection.execute(ADD_PERSON, row)).scalar_one())

    async def chat_id(self, connection: AsyncConnection, chat: Chat) -> int:
        if found := await self._looked_up(connection, chat):
            return found
        row = {"platform": chat.platform, "external_id": chat.id, "space_id": chat.space_id, "kind": chat.kind}
        return int((await connection.execute(ADD_CHAT, row)).scalar_one())

    async def known(self, connection: AsyncConnection, one: Person | Chat) -> int | None:
        """The row id, or None: looks only, so it may run on a reading connection."""
        found = self._ids.get(one)
        if found is None:
            query = PERSON_ID if isinstance(one, Person) else CHAT_ID
            found = await connection.scalar(query, {"platform": one.platform, "external": one.id})
        return found

    async def scopes(self, person: Person) -> frozenset[str]:
        """What the person agrees to at present; what another process changes is noticed within `SCOPES_S`."""
        at, found = self._scopes.now(), self._scopes.get(person)
        if found is not None:
            return found

        async def look(connection: AsyncConnection) -> frozenset[str]:
            person_id = await self.known(connection, person)
            return frozenset(await connection.scalars(AGREED, {"person": person_id})) if person_id else frozenset()

        found = await self.database.read(look)
        self._scopes.put(person, found, at)
        return found

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
        self._scopes.drop(person)

    def _name(self, person: Person) -> str:
        return self.keys.name(person.platform, person.id)

    async def _looked_up(self, connection: AsyncConnection, one: Person | Chat) -> int | None:
        """As `known`, in a writing operation, which remembers what it finds."""
        at = self._ids.now()
        found = await self.known(connection, one)
        if found is not None:
            self._ids.put(one, found, at)
        return found
