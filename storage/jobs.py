"""Jobs: what has been accepted and not yet answered. Few and whole operations, each one short transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Row, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.errors import MessageDeleted
from bot.types import Chat, Conversation, Incoming, Reading, Reply
from storage.database import Database
from storage.people import People
from storage.process import is_alive
from storage.rows import (
    Job,
    JobState,
    burst_of,
    conversation_of,
    job_of,
    message_row,
    now_ms,
    reading_values,
    reply_values,
    with_conversation,
)
from storage.tables import OPEN_STATES, jobs, messages, readings, replies

#: jobs that a conversation's worker does; a wish to be forgotten is storage/records.py's
IS_OPEN = jobs.c.state.in_(OPEN_STATES), jobs.c.kind != "forget"


class Jobs:
    """`owner` names this process in leases, which last `lease_s`."""

    def __init__(self, database: Database, people: People, owner: str, lease_s: float) -> None:
        self._database = database
        self._people = people
        self._owner = owner
        self._lease_ms = int(lease_s * 1000)

    async def accept(self, incoming: Incoming) -> int | None:
        """Keep a message and the job to answer it, in one commit.

        Returns:
            Our id of the message; None when the platform delivered it before.
        """

        async def operation(connection: AsyncConnection) -> int | None:
            chat_id, person_id = await self._people.ids(connection, incoming.conversation)
            known = select(messages.c.id).where(
                messages.c.chat_id == chat_id, messages.c.external_id == incoming.message_id
            )
            if await connection.scalar(known) is not None:
                return None
            row = {
                "chat_id": chat_id,
                "person_id": person_id,
                "external_id": incoming.message_id,
                "text": self._people.seal(incoming.person, incoming.text),
                "reply_to": incoming.reply_to,
                "sent_at": int(incoming.sent_at.timestamp() * 1000),
                "received_at": now_ms(),
            }
            message = (await connection.execute(insert(messages).values(row).returning(messages.c.id))).scalar_one()
            await self._add_job(connection, "answer", message, (chat_id, person_id), incoming.chat, lone=incoming.lone)
            return int(message)

        return await self._database.write(operation)

    async def accept_regenerate(self, message: int, emotion: str = "", tone: str = "") -> bool:
        """Keep a job for one more variant. False when the message has an open job already."""

        async def operation(connection: AsyncConnection) -> bool:
            row = await message_row(connection, message)
            ids, chat = (row.chat_id, row.person_id), conversation_of(row).chat
            latest = select(jobs.c.handles).where(jobs.c.message_id == message).order_by(jobs.c.id.desc()).limit(1)
            handles = await connection.scalar(latest) or []
            value = f"{emotion}/{tone}"
            try:
                async with connection.begin_nested():
                    await self._add_job(connection, "regenerate", message, ids, chat, value=value, handles=handles)
            except IntegrityError:
                return False
            return True

        return await self._database.write(operation)

    async def take(self, conversation: Conversation) -> Job | None:
        """Lease the conversation's oldest open job; new messages that follow each other are read as one thought.

        The job is then the last message's, and the earlier messages' jobs are done with it.
        """

        async def operation(connection: AsyncConnection) -> Job | None:
            chat_id, person_id = await self._people.ids(connection, conversation)
            mine = *IS_OPEN, jobs.c.chat_id == chat_id, jobs.c.person_id == person_id
            rows = (await connection.execute(select(jobs).where(*mine).order_by(jobs.c.id))).all()
            rows = [row for row in rows if self._is_free(row)]
            if not rows:
                return None
            burst = burst_of(rows)
            last = burst[-1]
            handles: list[str] = next((row.handles for row in burst if row.handles), [])
            await self._lease(connection, last.id, handles)
            for row in burst[:-1]:
                await self._close(connection, row.id, "done")
                joined = update(messages).where(messages.c.id == row.message_id)
                await connection.execute(joined.values(read_with=last.message_id))
            answers = await connection.scalar(select(messages.c.external_id).where(messages.c.id == last.message_id))
            return job_of(last, conversation, str(answers), handles)

        return await self._database.write(operation)

    async def place(self, job: Job, handle: str) -> None:
        """Keep the platform's handle, so that whoever goes on with the job edits what is already shown."""

        async def operation(connection: AsyncConnection) -> None:
            await connection.execute(update(jobs).where(jobs.c.id == job.id).values(handles=[handle]))

        await self._database.write(operation)

    async def finish(self, job: Job, reading: Reading | None, reply: Reply) -> Reply:
        """Reading, variant and state in one commit; the new variant becomes the shown one.

        Args:
            reading: the message's reading, or None when the person does not want it kept.

        Raises:
            MessageDeleted: it is not there any more.
        """

        async def operation(connection: AsyncConnection) -> Reply:
            if await connection.scalar(select(messages.c.id).where(messages.c.id == job.message)) is None:
                raise MessageDeleted
            if reading and reading.model != "person":
                await self._keep_reading(connection, job, reading)
            count = select(func.coalesce(func.max(replies.c.variant), 0)).where(replies.c.message_id == job.message)
            variant = int(await connection.scalar(count) or 0) + 1
            row = {
                "message_id": job.message,
                "variant": variant,
                "text": self._people.seal(job.conversation.person, reply.text),
                **reply_values(reply),
            }
            reply_id = (await connection.execute(insert(replies).values(row).returning(replies.c.id))).scalar_one()
            shown = update(messages).where(messages.c.id == job.message)
            await connection.execute(shown.values(shown_reply_id=reply_id))
            await connection.execute(update(jobs).where(jobs.c.id == job.id).values(state="sending"))
            return replace(reply, id=int(reply_id), variant=variant)

        return await self._database.write(operation)

    async def close(self, job: Job, state: JobState, error: str = "") -> None:
        """The job's end: `done`, `failed` with an error code, or `new` again."""
        await self._database.write(lambda connection: self._close(connection, job.id, state, error))

    async def abandon(self, conversation: Conversation) -> list[Job]:
        """Close the conversation's jobs that nobody has begun, and say which they were."""

        async def operation(connection: AsyncConnection) -> list[Job]:
            chat_id = await self._people.known(connection, conversation.chat)
            person_id = await self._people.known(connection, conversation.person)
            query = select(jobs, messages.c.external_id).join(messages, messages.c.id == jobs.c.message_id)
            mine = *IS_OPEN, jobs.c.state == "new", jobs.c.chat_id == chat_id, jobs.c.person_id == person_id
            rows = (await connection.execute(query.where(*mine))).all()
            for row in rows:
                await self._close(connection, row.id, "failed", "stopped")
            return [job_of(row, conversation, row.external_id, row.handles) for row in rows]

        return await self._database.write(operation)

    async def handle(self, message: int) -> str | None:
        """Where the answer to a message is shown."""
        async with self._database.reading() as connection:
            latest = select(jobs.c.handles).where(jobs.c.message_id == message).order_by(jobs.c.id.desc()).limit(1)
            handles: list[str] = await connection.scalar(latest) or []
            return handles[0] if handles else None

    async def open_messages(self, conversation: Conversation) -> frozenset[int]:
        """The conversation's messages that wait for an answer, or for one more variant of it."""
        async with self._database.reading() as connection:
            chat_id = await self._people.known(connection, conversation.chat)
            person_id = await self._people.known(connection, conversation.person)
            mine = *IS_OPEN, jobs.c.chat_id == chat_id, jobs.c.person_id == person_id
            return frozenset((await connection.scalars(select(jobs.c.message_id).where(*mine))).all())

    async def waiting(self, platforms: Sequence[str]) -> list[Conversation]:
        """Conversations on these platforms with open jobs that no living process works on."""
        async with self._database.reading() as connection:
            rows = await connection.execute(
                with_conversation(select(jobs.c.owner, jobs.c.lease_until, jobs.c.state), jobs)
                .where(*IS_OPEN, jobs.c.platform.in_(platforms))
                .order_by(jobs.c.id)
            )
            return list(dict.fromkeys(conversation_of(row) for row in rows if self._is_free(row)))

    async def _add_job(
        self,
        connection: AsyncConnection,
        kind: str,
        message: int,
        ids: tuple[int, int],
        chat: Chat,
        value: str = "",
        lone: bool = False,
        handles: Sequence[str] = (),
    ) -> None:
        row = {
            "kind": kind,
            "message_id": message,
            "chat_id": ids[0],
            "person_id": ids[1],
            "platform": chat.platform,
            "value": value,
            "lone": lone,
            "state": "new",
            "handles": list(handles),
            "created_at": now_ms(),
        }
        await connection.execute(insert(jobs).values(row))

    def _is_free(self, row: Row[Any]) -> bool:
        if row.state == "new":
            return True
        return row.owner != self._owner and (row.lease_until < now_ms() or not is_alive(row.owner))

    async def _lease(self, connection: AsyncConnection, job: int, handles: list[str]) -> None:
        values = {
            "state": "working",
            "owner": self._owner,
            "lease_until": now_ms() + self._lease_ms,
            "attempts": jobs.c.attempts + 1,
            "handles": handles,
        }
        # a job that was being sent has its reply already: it stays in that state and is only shown again
        await connection.execute(update(jobs).where(jobs.c.id == job, jobs.c.state != "sending").values(**values))
        sending = {key: values[key] for key in ("owner", "lease_until", "attempts")}
        await connection.execute(update(jobs).where(jobs.c.id == job, jobs.c.state == "sending").values(**sending))

    async def _close(self, connection: AsyncConnection, job: int, state: JobState, error: str = "") -> None:
        values: dict[str, Any] = {"state": state, "error": error or None, "lease_until": None, "owner": None}
        if state in ("done", "failed"):
            values |= {"done_at": now_ms(), "value": ""}
        await connection.execute(update(jobs).where(jobs.c.id == job).values(**values))

    async def _keep_reading(self, connection: AsyncConnection, job: Job, reading: Reading) -> None:
        kept = select(readings.c.id).where(readings.c.message_id == job.message)
        if await connection.scalar(kept) is not None:
            return
        chat_id, person_id = await self._people.ids(connection, job.conversation)
        chat = job.conversation.chat
        row = {
            "message_id": job.message,
            "person_id": person_id,
            "chat_id": chat_id,
            "space": f"{chat.platform}:{chat.space_id}" if chat.space_id else None,
            "at": now_ms(),
            **reading_values(reading),
        }
        await connection.execute(insert(readings).values(row))
