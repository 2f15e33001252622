"""Jobs: what has been accepted and not yet answered. Few and whole operations, each one short transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Row, bindparam, func, insert, literal_column, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from bot import metrics
from bot.errors import MessageDeleted
from bot.types import Chat, Conversation, Incoming, Reading, Reply
from storage.database import Database
from storage.endings import Endings
from storage.people import People
from storage.process import is_alive
from storage.rows import (
    Job,
    JobState,
    as_kept,
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
IS_OPEN = jobs.c.state.in_([literal_column(f"'{state}'") for state in OPEN_STATES]), jobs.c.kind != "forget"
# Statements on every message's way are built once: building one takes ten times as long as running it.
CHANGE_JOB = update(jobs).where(jobs.c.id == bindparam("job"))
CHANGE_MESSAGE = update(messages).where(messages.c.id == bindparam("message"))
LEASE = CHANGE_JOB.values(attempts=jobs.c.attempts + 1)
ADD_JOB, ADD_READING = insert(jobs), insert(readings)
ADD_MESSAGE, ADD_REPLY = insert(messages).returning(messages.c.id), insert(replies).returning(replies.c.id)
KNOWN_MESSAGE = select(messages.c.id).where(
    messages.c.chat_id == bindparam("chat"), messages.c.external_id == bindparam("external")
)
MINE = (
    select(jobs, messages.c.external_id)
    .join(messages, messages.c.id == jobs.c.message_id)
    .where(*IS_OPEN, jobs.c.chat_id == bindparam("chat"), jobs.c.person_id == bindparam("person"))
    .where(jobs.c.platform == bindparam("platform"))
    .order_by(jobs.c.id)
)
#: of a message: is it there, how many variants has it, is its reading kept?
VARIANTS = select(func.max(replies.c.variant)).where(replies.c.message_id == messages.c.id).scalar_subquery()
READING = select(readings.c.id).where(readings.c.message_id == messages.c.id).scalar_subquery()
SO_FAR = select(messages.c.id, VARIANTS.label("variants"), READING.label("reading")).where(
    messages.c.id == bindparam("message")
)
HANDLES = select(jobs.c.handles).where(jobs.c.message_id == bindparam("message")).order_by(jobs.c.id.desc()).limit(1)


class Jobs:
    """`owner` names this process in leases, which last `lease_s`."""

    def __init__(self, database: Database, people: People, owner: str, lease_s: float) -> None:
        self._database = database
        self._people = people
        self._owner = owner
        self._lease_ms = int(lease_s * 1000)
        self._endings = Endings(database)

    async def accept(self, incoming: Incoming) -> int | None:
        """Keep a message and the job to answer it, in one commit.

        Returns:
            Our id of the message; None when the platform delivered it before.
        """

        async def operation(connection: AsyncConnection) -> int | None:
            chat_id, person_id = await self._people.ids(connection, incoming.conversation)
            known = {"chat": chat_id, "external": incoming.message_id}
            if await connection.scalar(KNOWN_MESSAGE, known) is not None:
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
            message = (await connection.execute(ADD_MESSAGE, row)).scalar_one()
            await self._add_job(connection, "answer", message, (chat_id, person_id), incoming.chat, lone=incoming.lone)
            return int(message)

        return await self._database.write(operation)

    async def accept_regenerate(self, message: int, emotion: str = "", tone: str = "") -> bool:
        """Keep a job for one more variant. False when the message has an open job already."""

        async def operation(connection: AsyncConnection) -> bool:
            row = await message_row(connection, message)
            ids, chat = (row.chat_id, row.person_id), conversation_of(row).chat
            handles = await connection.scalar(HANDLES, {"message": message}) or []
            value = f"{emotion}/{tone}"
            try:
                async with connection.begin_nested():
                    await self._add_job(connection, "regenerate", message, ids, chat, value=value, handles=handles)
            except IntegrityError:
                return False
            return True

        return await self._database.write(operation)

    async def take(self, conversation: Conversation, *, own: bool = False) -> Job | None:
        """Lease the conversation's oldest open job; new messages that follow each other are read as one thought.

        The job is then the last message's, and the earlier messages' jobs are done with it.

        Args:
            own: a job that this process holds already is free, too: who worked on it here has failed.
        """

        async def operation(connection: AsyncConnection) -> Job | None:
            chat_id, person_id = await self._people.ids(connection, conversation)
            mine = {"chat": chat_id, "person": person_id, "platform": conversation.chat.platform}
            rows = (await connection.execute(MINE, mine)).all()
            rows = [row for row in rows if self._is_free(row, own=own)]
            if not rows:
                return None
            burst = burst_of(rows)
            last = burst[-1]
            handles: list[str] = next((row.handles for row in burst if row.handles), [])
            await self._lease(connection, last)
            metrics.queue_wait_s.observe((now_ms() - last.created_at) / 1000)
            for row in burst[:-1]:
                await self._close(connection, row.id, "done")
                joined = {"message": row.message_id, "read_with": last.message_id}
                await connection.execute(CHANGE_MESSAGE, joined)
            if handles != last.handles:
                await connection.execute(CHANGE_JOB, {"job": last.id, "handles": handles})
            return job_of(last, conversation, last.external_id, handles, more=len(rows) > len(burst))

        return await self._database.write(operation)

    async def place(self, job: Job, handle: str) -> None:
        """Keep the platform's handle, so that whoever goes on with the job edits what is already shown."""

        async def operation(connection: AsyncConnection) -> None:
            await connection.execute(CHANGE_JOB, {"job": job.id, "handles": [handle]})

        await self._database.write(operation)

    async def finish(self, job: Job, reading: Reading | None, reply: Reply) -> Reply:
        """Reading, variant and state in one commit; the new variant becomes the shown one.

        Args:
            reading: the message's reading, or None when the person does not want it kept.

        Raises:
            MessageDeleted: it is not there any more.
        """

        async def operation(connection: AsyncConnection) -> Reply:
            so_far = (await connection.execute(SO_FAR, {"message": job.message})).first()
            if so_far is None:
                raise MessageDeleted
            if reading and reading.model != "person" and so_far.reading is None:
                await self._keep_reading(connection, job, reading)
            variant = (so_far.variants or 0) + 1
            row = {
                "message_id": job.message,
                "variant": variant,
                "text": self._people.seal(job.conversation.person, reply.text),
                **reply_values(reply),
            }
            reply_id = int((await connection.execute(ADD_REPLY, row)).scalar_one())
            await connection.execute(CHANGE_MESSAGE, {"message": job.message, "shown_reply_id": reply_id})
            await connection.execute(CHANGE_JOB, {"job": job.id, "state": "sending"})
            return replace(reply, id=reply_id, variant=variant, reading=as_kept(reply.reading))

        return await self._database.write(operation)

    def done(self, job: Job) -> None:
        """The job's end; it is written with the next commit, and nobody waits for it."""
        self._endings.add(job.id)

    async def close(self, job: Job, state: JobState, error: str = "") -> None:
        """The job's end: `done`, `failed` with an error code, or `new` again."""
        await self._database.write(lambda connection: self._close(connection, job.id, state, error))

    async def keep(self, job: Job) -> None:
        """Open a job again that is closed: this process holds it, and it is taken up when nobody works on it."""
        values: dict[str, Any] = {"state": "working", "owner": self._owner, "lease_until": now_ms() + self._lease_ms}
        values |= {"error": None, "done_at": None, "value": f"{job.emotion}/{job.tone}"}
        await self._database.write(lambda connection: connection.execute(CHANGE_JOB, {"job": job.id, **values}))

    async def abandon(self, conversation: Conversation, *, begun: bool = False) -> list[Job]:
        """Close the conversation's jobs that nobody has begun, and say which they were.

        Args:
            begun: also those that this process has begun and has not written an answer to.
        """
        held = (jobs.c.state == "working") & (jobs.c.owner == self._owner)
        which = or_(jobs.c.state == "new", held) if begun else jobs.c.state == "new"

        async def operation(connection: AsyncConnection) -> list[Job]:
            chat_id = await self._people.known(connection, conversation.chat)
            person_id = await self._people.known(connection, conversation.person)
            query = select(jobs, messages.c.external_id).join(messages, messages.c.id == jobs.c.message_id)
            mine = *IS_OPEN, which, jobs.c.chat_id == chat_id, jobs.c.person_id == person_id
            rows = (await connection.execute(query.where(*mine))).all()
            for row in rows:
                await self._close(connection, row.id, "failed", "stopped")
            return [job_of(row, conversation, row.external_id, row.handles) for row in rows]

        return await self._database.write(operation)

    async def handle(self, message: int) -> str | None:
        """Where the answer to a message is shown."""
        latest = await self._database.read(lambda connection: connection.scalar(HANDLES, {"message": message}))
        return str(latest[0]) if latest else None

    async def move(self, message: int, handle: str) -> None:
        """Keep where the answer to a message is shown now."""

        async def operation(connection: AsyncConnection) -> None:
            latest = select(func.max(jobs.c.id)).where(jobs.c.message_id == message).scalar_subquery()
            await connection.execute(update(jobs).where(jobs.c.id == latest).values(handles=[handle]))

        await self._database.write(operation)

    async def open_messages(self, conversation: Conversation) -> frozenset[int]:
        """The conversation's messages that wait for an answer, or for one more variant of it."""
        async with self._database.reading() as connection:
            chat_id = await self._people.known(connection, conversation.chat)
            person_id = await self._people.known(connection, conversation.person)
            mine = *IS_OPEN, jobs.c.chat_id == chat_id, jobs.c.person_id == person_id
            return frozenset((await connection.scalars(select(jobs.c.message_id).where(*mine))).all())

    async def waiting(self, platforms: Sequence[str], idle_s: float = 0.0, *, own: bool = False) -> list[Conversation]:
        """Conversations on these platforms with open jobs that no living process works on.

        Args:
            idle_s: only jobs that are at least so old.
            own: also jobs that this process holds.
        """
        before = now_ms() - int(idle_s * 1000)
        with self._endings.watched() as ended:  # a read sees a job as open whose end is written meanwhile
            async with self._database.reading() as connection:
                rows = await connection.execute(
                    with_conversation(select(jobs.c.id, jobs.c.owner, jobs.c.lease_until, jobs.c.state), jobs)
                    .where(*IS_OPEN, jobs.c.platform.in_(platforms), jobs.c.created_at <= before)
                    .order_by(jobs.c.id)
                )
            free = [row for row in rows if row.id not in ended and self._is_free(row, own=own)]
        return list(dict.fromkeys(map(conversation_of, free)))

    async def backlog(self) -> tuple[int, float]:
        """How many jobs are open, and for how many seconds the oldest of them has been."""
        query = select(func.count(), func.min(jobs.c.created_at)).where(*IS_OPEN)
        async with self._database.reading() as connection:
            count, oldest = (await connection.execute(query)).one()
        return int(count), (now_ms() - oldest) / 1000 if count else 0.0

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
        await connection.execute(ADD_JOB, row)

    def _is_free(self, row: Row[Any], *, own: bool = False) -> bool:
        if row.id in self._endings:
            return False
        if row.state == "new":
            return True
        if row.owner == self._owner:
            return own
        return row.lease_until < now_ms() or not is_alive(row.owner)

    async def _lease(self, connection: AsyncConnection, row: Row[Any]) -> None:
        # a job that was being sent has its reply already: it stays in that state and is only shown again
        state = "sending" if row.state == "sending" else "working"
        lease = {"job": row.id, "state": state, "owner": self._owner, "lease_until": now_ms() + self._lease_ms}
        await connection.execute(LEASE, lease)

    async def _close(self, connection: AsyncConnection, job: int, state: JobState, error: str = "") -> None:
        values: dict[str, Any] = {"state": state, "error": error or None, "lease_until": None, "owner": None}
        if state in ("done", "failed"):
            values |= {"done_at": now_ms(), "value": ""}
        await connection.execute(CHANGE_JOB, {"job": job, **values})

    async def _keep_reading(self, connection: AsyncConnection, job: Job, reading: Reading) -> None:
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
        await connection.execute(ADD_READING, row)
