"""Conversations: what was said, read and answered. History is only ever read within one conversation."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.emotions import corrected
from bot.errors import Refusal
from bot.types import Conversation, Person, Reply, Turn
from storage.database import Database
from storage.people import People
from storage.rows import GONE, Exchange, conversation_of, message_row, now_ms, reading_of, reply_of, with_conversation
from storage.tables import corrections, feedback, messages, readings, replies


class Conversations:
    def __init__(self, database: Database, people: People) -> None:
        self._database = database
        self._people = people

    async def conversation(self, message: int) -> Conversation:
        """Whose message it is. Raises Refusal("not_found")."""
        async with self._database.reading() as connection:
            return conversation_of(await message_row(connection, message))

    async def answers(self, message: int) -> str:
        """The platform's id of a message. Raises Refusal("not_found")."""
        async with self._database.reading() as connection:
            return str((await message_row(connection, message)).external_id)

    async def history(self, message: int, limit: int) -> list[Turn]:
        """Up to `limit` earlier turns of its talk and the message itself, oldest first, in its conversation alone.

        Of each earlier message the variant shown now is the answer; what the message itself was answered is left out.
        """
        async with self._database.reading() as connection:
            row = await message_row(connection, message)
            mine = messages.c.chat_id == row.chat_id, messages.c.person_id == row.person_id
            ended = select(func.max(messages.c.id)).where(
                *mine, messages.c.ends_talk.is_(True), messages.c.id < message
            )
            start = await connection.scalar(ended) or 0
            exchanges = await self._exchanges(connection, row, messages.c.id.between(start + 1, message), limit + 1)
        turns: list[Turn] = []
        for exchange in exchanges:
            turns.append(Turn("user", exchange.text, exchange.reading))
            if exchange.reply and exchange.message != message:
                turns.append(Turn("assistant", exchange.reply.text, exchange.reply.reading))
        return turns[-(limit + 1) :]

    async def transcript(self, conversation: Conversation, limit: int = 50) -> list[Exchange]:
        """The conversation's last exchanges, oldest first."""
        async with self._database.reading() as connection:
            chat_id = await self._people.known(connection, conversation.chat)
            person_id = await self._people.known(connection, conversation.person)
            if chat_id is None or person_id is None:
                return []
            query = with_conversation(select(messages), messages)
            query = query.where(messages.c.chat_id == chat_id, messages.c.person_id == person_id).limit(1)
            row = (await connection.execute(query)).first()
            return await self._exchanges(connection, row, messages.c.id > 0, limit) if row else []

    async def variants(self, message: int) -> list[Reply]:
        """All variants of a message's answer, in order."""
        async with self._database.reading() as connection:
            person = conversation_of(await message_row(connection, message)).person
            query = select(replies).where(replies.c.message_id == message).order_by(replies.c.variant)
            rows = (await connection.execute(query)).mappings().all()
            return [reply_of(dict(row), self._open(person, row["text"])) for row in rows]

    async def exchange(self, message: int) -> Exchange:
        """One message as it is shown now. Raises Refusal("not_found")."""
        async with self._database.reading() as connection:
            row = await message_row(connection, message)
            return (await self._exchanges(connection, row, messages.c.id == message, 1))[0]

    async def message_of(self, reply: int) -> int:
        """The message a variant answers. Raises Refusal("not_found")."""
        kept = replies.c.id == reply, replies.c.text != b""
        async with self._database.reading() as connection:
            message = await connection.scalar(select(replies.c.message_id).where(*kept))
        if message is None:
            raise Refusal("not_found")
        return int(message)

    async def select(self, message: int, variant: int) -> None:
        """Show another variant. Raises Refusal("no_variant")."""

        async def operation(connection: AsyncConnection) -> None:
            mine = replies.c.message_id == message
            found = await connection.scalar(select(replies.c.id).where(mine, replies.c.variant == variant))
            if found is None:
                count = await connection.scalar(select(func.count()).select_from(replies).where(mine))
                raise Refusal("no_variant", variant=variant, variants=count)
            await connection.execute(update(messages).where(messages.c.id == message).values(shown_reply_id=found))

        await self._database.write(operation)

    async def correct(self, message: int, label: str) -> None:
        """Keep what the person says they really felt."""

        async def operation(connection: AsyncConnection) -> None:
            row = await message_row(connection, message)
            previous = await connection.scalar(select(readings.c.label).where(readings.c.message_id == message))
            values = {"message_id": message, "person_id": row.person_id, "label": label, "previous": previous}
            await connection.execute(insert(corrections).values(at=now_ms(), **values))

        await self._database.write(operation)

    async def give_feedback(self, reply: int, value: int) -> None:
        """👍 1 or 👎 -1, the last one counts; 0 takes it back."""

        async def operation(connection: AsyncConnection) -> None:
            owner = select(messages.c.person_id).join(replies, replies.c.message_id == messages.c.id)
            person_id = await connection.scalar(owner.where(replies.c.id == reply))
            await connection.execute(delete(feedback).where(feedback.c.reply_id == reply))
            if value and person_id is not None:
                row = {"reply_id": reply, "person_id": person_id, "value": value, "at": now_ms()}
                await connection.execute(insert(feedback).values(row))

        await self._database.write(operation)

    async def _exchanges(self, connection: AsyncConnection, near: Row[Any], which: Any, limit: int) -> list[Exchange]:
        person = conversation_of(near).person
        variant, correction = replies.alias(), corrections.alias()
        count = select(func.count()).where(variant.c.message_id == messages.c.id).scalar_subquery()
        latest = select(func.max(correction.c.id)).where(correction.c.message_id == messages.c.id).scalar_subquery()
        reply_columns = [column.label(f"reply_{column.name}") for column in replies.c]
        query = (
            select(
                messages.c.id.label("message"),
                messages.c.text,
                messages.c.sent_at,
                *(readings.c[name] for name in ("label", "grp", "score", "sure", "model", "best", "groups")),
                corrections.c.label.label("corrected"),
                feedback.c.value.label("feedback"),
                count.label("variants"),
                *reply_columns,
            )
            .select_from(messages)
            .outerjoin(readings, readings.c.message_id == messages.c.id)
            .outerjoin(replies, replies.c.id == messages.c.shown_reply_id)
            .outerjoin(corrections, corrections.c.id == latest)
            .outerjoin(feedback, feedback.c.reply_id == replies.c.id)
            .where(messages.c.chat_id == near.chat_id, messages.c.person_id == near.person_id, which)
            .where(messages.c.text != b"")
            .order_by(messages.c.id.desc())
            .limit(limit)
        )
        rows = (await connection.execute(query)).mappings().all()
        return [self._exchange(dict(row), person) for row in reversed(rows)]

    def _exchange(self, row: dict[str, Any], person: Person) -> Exchange:
        reply = None
        if row["reply_id"] is not None:
            columns = {key.removeprefix("reply_"): value for key, value in row.items() if key.startswith("reply_")}
            reply = reply_of(columns, self._open(person, columns["text"]))
        reading = reading_of(row)
        if row["corrected"]:
            reading = corrected(row["corrected"], reading)
        return Exchange(
            message=row["message"],
            text=self._open(person, row["text"]),
            at=row["sent_at"],
            reading=reading,
            reply=reply,
            variants=row["variants"],
            feedback=row["feedback"] or 0,
        )

    def _open(self, person: Person, sealed: bytes) -> str:
        try:
            return self._people.open(person, sealed)
        except KeyError:
            return GONE
