"""Processes that share one SQLite file write one after the other."""

from __future__ import annotations

import asyncio
import errno
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.errors import OperatorError
from storage.database import Database
from storage.process import turn
from tests.forked import fork

EACH = 300


async def test_two_processes_that_write_at_once_lose_no_update(tmp_path: Path) -> None:
    async with _counting(tmp_path) as database:
        ends = [fork(_count, str(database.url.database)) for _ in range(2)]
        for _, hears in ends:
            assert await asyncio.to_thread(hears.recv) == EACH
        assert await database.read(_value) == 2 * EACH


async def test_a_write_waits_for_the_turn_of_another_process_which_ends_with_that_process(tmp_path: Path) -> None:
    async with _counting(tmp_path) as database:
        holder, hears = fork(_hold, f"{database.url.database}-turn")
        assert await asyncio.to_thread(hears.recv) == "held"
        writing = asyncio.create_task(database.write(_add))
        assert not (await asyncio.wait({writing}, timeout=0.3))[0]
        assert await database.read(_value) == 0, "who only looks waits for nobody"
        holder.kill()
        await writing
        assert await database.read(_value) == 1


async def test_where_files_cannot_be_locked_the_operator_reads_why_and_writing_goes_on_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with _counting(tmp_path) as database:
        with monkeypatch.context() as broken:
            broken.setattr("fcntl.flock", _no_locks)
            with pytest.raises(OperatorError, match="No locks available; the state folder has to be on a local disk"):
                await database.write(_add)
        await database.write(_add)
        assert await database.read(_value) == 1


def _no_locks(*_: object) -> None:
    raise OSError(errno.ENOLCK, "No locks available")


@asynccontextmanager
async def _counting(folder: Path) -> AsyncIterator[Database]:
    """A database with a counter in it."""
    async with Database(f"sqlite+aiosqlite:///{folder}/maum.db") as database:
        await database.write(_make)
        yield database


async def _make(connection: AsyncConnection) -> None:
    await connection.execute(text("CREATE TABLE counter (n INTEGER)"))
    await connection.execute(text("INSERT INTO counter VALUES (0)"))


async def _value(connection: AsyncConnection) -> int:
    return int(await connection.scalar(text("SELECT n FROM counter")) or 0)


async def _add(connection: AsyncConnection) -> None:
    await connection.execute(text("UPDATE counter SET n = :n"), {"n": await _value(connection) + 1})


def _count(say: Callable[[object], None], file: str) -> None:
    async def count() -> None:
        async with Database(f"sqlite+aiosqlite:///{file}") as database:
            await asyncio.gather(*(database.write(_add) for _ in range(EACH)))

    asyncio.run(count())
    say(EACH)


def _hold(say: Callable[[object], None], file: str) -> None:
    with turn(Path(file)):
        say("held")
        time.sleep(60)
