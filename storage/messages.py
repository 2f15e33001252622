"""A person's changes to what they wrote: rewritten, removed, left behind in a new talk. And how far we have read."""

from __future__ import annotations

from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.types import Chat, Conversation, Incoming
from storage.database import Database
from storage.people import People
from storage.tables import OPEN_STATES, chats, jobs, messages, readings


class Messages:
    def __init__(self, database: Database, people: People) -> None:
        self._database = database
        self._people = people

    async def find(self, chat: Chat, external_id: str) -> int | None:
        """Our id of a message that the platform names."""
        async with self._database.reading() as connection:
            chat_id = await self._people.known(connection, chat)
            here = messages.c.chat_id == chat_id, messages.c.external_id == external_id, messages.c.text != b""
            found: int | None = await connection.scalar(select(messages.c.id).where(*here))
            return found

    async def latest(self, conversation: Conversation) -> int | None:
        """The message answered last in a conversation's present talk: the one that commands act on."""
        async with self._database.reading() as connection:
            chat_id = await self._people.known(connection, conversation.chat)
            person_id = await self._people.known(connection, conversation.person)
            mine = messages.c.chat_id == chat_id, messages.c.person_id == person_id, messages.c.text != b""
            query = select(messages.c.id, messages.c.ends_talk).where(*mine, messages.c.read_with.is_(None))
            row = (await connection.execute(query.order_by(messages.c.id.desc()).limit(1))).first()
            return None if row is None or row.ends_talk else int(row.id)

    async def rewrite(self, incoming: Incoming) -> int | None:
        """Put another text in a message's place; what was read in the old one goes.

        Returns:
            The message to answer anew (the last one of its burst), or None: it is not known, reads as before, or still
            waits for its answer, which will be to the new text.
        """

        async def operation(connection: AsyncConnection) -> int | None:
            chat_id = await self._people.known(connection, incoming.chat)
            person_id = await self._people.known(connection, incoming.person)
            here = messages.c.chat_id == chat_id, messages.c.external_id == incoming.message_id
            query = select(messages.c.id, messages.c.text, messages.c.read_with)
            row = (await connection.execute(query.where(*here, messages.c.person_id == person_id))).first()
            if row is None or not row.text or self._people.open(incoming.person, row.text) == incoming.text:
                return None
            answered = int(row.read_with or row.id)
            sealed = self._people.seal(incoming.person, incoming.text)
            await connection.execute(update(messages).where(messages.c.id == row.id).values(text=sealed))
            await connection.execute(delete(readings).where(readings.c.message_id == answered))
            waits = jobs.c.message_id == answered, jobs.c.state.in_(OPEN_STATES), jobs.c.state != "sending"
            return None if await connection.scalar(select(jobs.c.id).where(*waits)) else answered

        return await self._database.write(operation)

    async def remove(self, message: int) -> bool:
        """Delete a message with all that hangs on it: job, reading, answers."""

        async def operation(connection: AsyncConnection) -> bool:
            await connection.execute(update(messages).where(messages.c.read_with == message).values(read_with=None))
            gone = await connection.execute(delete(messages).where(messages.c.id == message))
            return bool(gone.rowcount)

        return await self._database.write(operation)

    async def end_talk(self, conversation: Conversation, *, undo: bool = False) -> bool:
        """Let later answers see nothing of what was said until now, or again all of it. False: there is nothing."""

        async def operation(connection: AsyncConnection) -> bool:
            chat_id = await self._people.known(connection, conversation.chat)
            person_id = await self._people.known(connection, conversation.person)
            mine = messages.c.chat_id == chat_id, messages.c.person_id == person_id
            marked = (*mine, messages.c.ends_talk.is_(True)) if undo else mine
            last = await connection.scalar(select(func.max(messages.c.id)).where(*marked))
            if last is None:
                return False
            await connection.execute(update(messages).where(messages.c.id == last).values(ends_talk=not undo))
            return True

        return await self._database.write(operation)

    async def last_seen(self, platform: str, since: int) -> list[tuple[Chat, str]]:
        """Each chat where somebody wrote since a moment (UTC milliseconds), with the last message's platform id."""
        newest = select(func.max(messages.c.id)).where(messages.c.sent_at >= since).group_by(messages.c.chat_id)
        columns = (chats.c.platform, chats.c.external_id, chats.c.space_id, chats.c.kind)
        query = select(*columns, messages.c.external_id.label("message")).join(chats, chats.c.id == messages.c.chat_id)
        query = query.where(messages.c.id.in_(newest), chats.c.platform == platform)
        async with self._database.reading() as connection:
            rows = (await connection.execute(query)).all()
        return [(Chat(row.platform, row.external_id, row.space_id, row.kind), row.message) for row in rows]
