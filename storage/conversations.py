"""Conversations: what was said, read and answered. History is only ever read within one conversation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import Row, Select, and_, bindparam, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.emotions import corrected
from bot.errors import Refusal
from bot.types import Conversation, Person, Reading, Reply, Turn
from storage.database import Database
from storage.people import People
from storage.rows import GONE, Exchange, conversation_of, message_row, now_ms, reading_of, reply_of, with_conversation
from storage.tables import corrections, feedback, messages, people, readings, replies

EVERY = 2**62  # no message has so high an id
# Statements on every message's way are built once: building one takes ten times as long as running it.
READING = tuple(readings.c[name] for name in ("label", "grp", "score", "sure", "model", "best", "groups"))


def _history_query() -> Select[Any]:
    """A message and what was said before it in the same talk, newest first, each with the answer shown now."""
    origin, ended = messages.alias("origin"), messages.alias("ended")
    here = messages.c.chat_id == origin.c.chat_id, messages.c.person_id == origin.c.person_id
    before = ended.c.chat_id == origin.c.chat_id, ended.c.person_id == origin.c.person_id, ended.c.id < origin.c.id
    start = select(func.coalesce(func.max(ended.c.id), 0)).where(*before, ended.c.ends_talk.is_(True))
    corrected_to = select(corrections.c.label).where(corrections.c.message_id == messages.c.id)
    corrected_to = corrected_to.order_by(corrections.c.id.desc()).limit(1)
    return (
        select(
            messages.c.id.label("message"),
            messages.c.text,
            messages.c.sent_at,
            people.c.platform,
            people.c.external_id,
            *READING,
            corrected_to.scalar_subquery().label("corrected"),
            replies.c.text.label("reply"),
        )
        .select_from(origin)
        .join(messages, and_(*here))
        .join(people, people.c.id == messages.c.person_id)
        .outerjoin(readings, readings.c.message_id == messages.c.id)
        .outerjoin(replies, replies.c.id == messages.c.shown_reply_id)
        .where(origin.c.id == bindparam("message"), origin.c.text != b"", messages.c.id <= origin.c.id)
        .where(messages.c.id > start.scalar_subquery(), messages.c.text != b"")
        .order_by(messages.c.id.desc())
        .limit(bindparam("most"))
    )


def _exchanges_query() -> Select[Any]:
    variant, correction = replies.alias(), corrections.alias()
    count = select(func.count()).where(variant.c.message_id == messages.c.id).scalar_subquery()
    latest = select(func.max(correction.c.id)).where(correction.c.message_id == messages.c.id).scalar_subquery()
    reply_columns = [column.label(f"reply_{column.name}") for column in replies.c]
    return (
        select(
            messages.c.id.label("message"),
            messages.c.text,
            messages.c.sent_at,
            *READING,
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
        .where(messages.c.chat_id == bindparam("chat"), messages.c.person_id == bindparam("person"))
        .where(messages.c.id.between(bindparam("first"), bindparam("last")), messages.c.text != b"")
        .order_by(messages.c.id.desc())
        .limit(bindparam("most"))
    )


# Statements on every message's way are built once: building one takes ten times as long as running it.
HISTORY, EXCHANGES = _history_query(), _exchanges_query()


class Conversations:
    def __init__(self, database: Database, people: People) -> None:
        self._database = database
        self._people = people

    async def conversation(self, message: int) -> Conversation:
        """Whose message it is. Raises Refusal("not_found")."""
        return conversation_of(await self._database.read(lambda connection: message_row(connection, message)))

    async def answers(self, message: int) -> str:
        """The platform's id of a message. Raises Refusal("not_found")."""
        return str((await self._database.read(lambda connection: message_row(connection, message))).external_id)

    async def history(self, message: int, limit: int) -> list[Turn]:
        """Up to `limit` earlier turns of its talk and the message itself, oldest first, in its conversation alone.

        Of each earlier message the variant shown now is the answer; what the message itself was answered is left out.

        Raises:
            Refusal: "not_found", also when its text was kept long enough and is gone.
        """

        async def look(connection: AsyncConnection) -> list[Turn]:
            rows = await connection.execute(HISTORY, {"message": message, "most": limit + 1})
            turns: list[Turn] = []
            open_: Callable[[bytes], str] | None = None
            for row in rows:  # newest first, and no more of them are opened than are wanted
                open_ = open_ or self._opener(Person(row.platform, row.external_id))
                if row.message != message and row.reply is not None:
                    turns.append(Turn("assistant", open_(row.reply)))
                turns.append(Turn("user", open_(row.text), _reading(row._mapping), row.sent_at))
                if len(turns) > limit:
                    break
            rows.close()
            return turns[limit::-1]

        turns = await self._database.read(look)
        if not turns:
            raise Refusal("not_found")
        return turns

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
            return await self._exchanges(connection, row, 0, EVERY, limit) if row else []

    async def variants(self, message: int) -> list[Reply]:
        """All variants of a message's answer, in order."""
        query = select(replies).where(replies.c.message_id == message).order_by(replies.c.variant)

        async def look(connection: AsyncConnection) -> list[Reply]:
            open_ = self._opener(conversation_of(await message_row(connection, message)).person)
            rows = (await connection.execute(query)).mappings().all()
            return [reply_of(dict(row), open_(row["text"])) for row in rows]

        return await self._database.read(look)

    async def exchange(self, message: int) -> Exchange:
        """One message as it is shown now. Raises Refusal("not_found")."""

        async def look(connection: AsyncConnection) -> Exchange:
            row = await message_row(connection, message)
            return (await self._exchanges(connection, row, message, message, 1))[0]

        return await self._database.read(look)

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

    async def _exchanges(
        self, connection: AsyncConnection, near: Row[Any], first: int, last: int, limit: int
    ) -> list[Exchange]:
        """The newest messages from `first` to `last` of the conversation that `near` belongs to, oldest first."""
        person = conversation_of(near).person
        which = {"chat": near.chat_id, "person": near.person_id, "first": first, "last": last, "most": limit}
        rows = (await connection.execute(EXCHANGES, which)).mappings().all()
        open_ = self._opener(person)
        return [_exchange(dict(row), open_) for row in reversed(rows)]

    def _opener(self, person: Person) -> Callable[[bytes], str]:
        try:
            return self._people.opener(person)
        except KeyError:
            return lambda _: GONE


def _exchange(row: dict[str, Any], open_: Callable[[bytes], str]) -> Exchange:
    reply = None
    if row["reply_id"] is not None:
        columns = {key.removeprefix("reply_"): value for key, value in row.items() if key.startswith("reply_")}
        reply = reply_of(columns, open_(columns["text"]))
    return Exchange(
        message=row["message"],
        text=open_(row["text"]),
        at=row["sent_at"],
        reading=_reading(row),
        reply=reply,
        variants=row["variants"],
        feedback=row["feedback"] or 0,
    )


def _reading(row: Mapping[str, Any]) -> Reading | None:
    """The model's reading, or what the person said they really felt."""
    reading = reading_of(row)
    return corrected(row["corrected"], reading) if row["corrected"] else reading
