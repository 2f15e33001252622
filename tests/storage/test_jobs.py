"""Jobs and leases: who may work on what, also after a crash."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest
from sqlalchemy import Executable
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.types import Chat, Incoming, Person, Reply
from storage import process
from storage.conversations import Conversations
from storage.database import Database
from storage.jobs import Jobs
from storage.people import People

PERSON, CHAT = Person("test", "minji"), Chat("test", "room")
DEAD = f"{process.HOST}/999999999/abcdef"


def _incoming(number: int, text: str = "안녕", lone: bool = False) -> Incoming:
    return Incoming(CHAT, PERSON, f"m{number}", text, datetime.now(UTC), lone=lone)


async def test_a_job_is_taken_once(jobs: Jobs) -> None:
    await jobs.accept(_incoming(1))
    assert await jobs.take(_incoming(1).conversation) is not None
    assert await jobs.take(_incoming(1).conversation) is None


async def test_a_job_of_a_process_that_died_is_taken_over_with_its_handle(
    jobs: Jobs, database: Database, people: People
) -> None:
    dead = Jobs(database, people, DEAD, lease_s=60)
    await dead.accept(_incoming(1))
    job = await dead.take(_incoming(1).conversation)
    assert job is not None
    await dead.place(job, "handle")
    assert await jobs.waiting(["test"]) == [_incoming(1).conversation]
    again = await jobs.take(_incoming(1).conversation)
    assert again is not None
    assert (again.id, again.handle, again.state) == (job.id, "handle", "working")


async def test_a_job_that_a_living_process_holds_is_left_to_it(jobs: Jobs, database: Database, people: People) -> None:
    elsewhere = Jobs(database, people, "other-host/1/abcdef", lease_s=60)
    await elsewhere.accept(_incoming(1))
    await elsewhere.take(_incoming(1).conversation)
    assert await jobs.waiting(["test"]) == []
    assert await jobs.take(_incoming(1).conversation) is None


async def test_a_lease_of_another_machine_ends_by_itself(jobs: Jobs, database: Database, people: People) -> None:
    elsewhere = Jobs(database, people, "other-host/1/abcdef", lease_s=-1)
    await elsewhere.accept(_incoming(1))
    await elsewhere.take(_incoming(1).conversation)
    assert await jobs.take(_incoming(1).conversation) is not None


async def test_a_job_whose_reply_is_stored_is_only_shown_again(jobs: Jobs, database: Database, people: People) -> None:
    dead = Jobs(database, people, DEAD, lease_s=60)
    await dead.accept(_incoming(1))
    job = await dead.take(_incoming(1).conversation)
    assert job is not None
    await dead.finish(job, None, Reply("답이야.", finish="stop"))
    again = await jobs.take(_incoming(1).conversation)
    assert again is not None
    assert again.state == "sending"
    assert len(await Conversations(database, people).variants(job.message)) == 1


async def test_the_same_pid_after_a_restart_is_not_the_same_process() -> None:
    host, pid, token = process.owner().split("/")
    assert process.is_alive(process.owner())
    assert not process.is_alive(f"{host}/{pid}/{'0' * len(token)}")
    assert not process.is_alive(DEAD)


async def test_waiting_lines_become_one_job_but_a_lone_one_stays_alone(jobs: Jobs) -> None:
    first, second = [await jobs.accept(_incoming(number)) for number in (1, 2)]
    third = await jobs.accept(_incoming(3, lone=True))
    conversation = _incoming(1).conversation
    job = await jobs.take(conversation)
    assert job is not None
    assert job.message == second
    assert first != second
    await jobs.close(job, "done")
    job = await jobs.take(conversation)
    assert job is not None
    assert job.message == third


async def test_only_one_open_job_a_message(jobs: Jobs) -> None:
    message = await jobs.accept(_incoming(1))
    assert message is not None
    assert not await jobs.accept_regenerate(message)
    job = await jobs.take(_incoming(1).conversation)
    assert job is not None
    await jobs.close(job, "done")
    assert await jobs.accept_regenerate(message, "lonely", "softer")
    again = await jobs.take(_incoming(1).conversation)
    assert again is not None
    assert (again.kind, again.emotion, again.tone) == ("regenerate", "lonely", "softer")


async def test_a_message_id_is_never_given_out_twice(jobs: Jobs, database: Database) -> None:
    from sqlalchemy import delete

    from storage.tables import messages

    first = await jobs.accept(_incoming(1))
    await database.write(lambda connection: connection.execute(delete(messages)))
    second = await jobs.accept(_incoming(2))
    assert first is not None
    assert second is not None
    assert second > first


class Held:
    """A connection whose answers come when they are let go."""

    def __init__(self, connection: AsyncConnection, read: asyncio.Event, go: asyncio.Event) -> None:
        self._connection, self._read, self._go = connection, read, go

    async def execute(self, query: Executable) -> object:
        found = await self._connection.execute(query)
        self._read.set()
        await self._go.wait()
        return found


async def test_a_job_that_ends_while_open_ones_are_looked_for_is_not_among_them(
    jobs: Jobs, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await jobs.accept(_incoming(1))
    job = await jobs.take(_incoming(1).conversation)
    assert job is not None
    read, go, reading = asyncio.Event(), asyncio.Event(), database.reading

    @asynccontextmanager
    async def held() -> AsyncIterator[Held]:
        async with reading() as connection:
            yield Held(connection, read, go)

    monkeypatch.setattr(database, "reading", held)
    looking = asyncio.create_task(jobs.waiting(["test"], own=True))
    await read.wait()
    jobs.done(job)
    await database.settled()
    go.set()
    assert await looking == []
