"""When each person was told, in each chat, that this is an AI."""

from __future__ import annotations

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.types import Conversation
from storage.people import People
from storage.tables import notices


class Notices:
    def __init__(self, people: People) -> None:
        self._people = people

    async def keep(self, conversation: Conversation, at: int, since: int) -> int | None:
        """Keep that it is said at a moment, unless it was said after `since` (UTC milliseconds).

        Returns:
            When it was said last, `at` or before; None: nothing is kept of this person or chat, and so not this either.
        """

        async def operation(connection: AsyncConnection) -> int | None:
            person_id = await self._people.known(connection, conversation.person)
            chat_id = await self._people.known(connection, conversation.chat)
            if person_id is None or chat_id is None:
                return None
            here = notices.c.chat_id == chat_id, notices.c.person_id == person_id
            before: int | None = await connection.scalar(select(notices.c.at).where(*here))
            if before is None:
                row = {"chat_id": chat_id, "person_id": person_id, "at": at}
                await connection.execute(insert(notices).values(row))
            elif before > since:
                return before
            else:
                await connection.execute(update(notices).where(*here).values(at=at))
            return at

        return await self._people.database.write(operation)
