"""One writer, group commit, no lost update."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.errors import OperatorError
from storage import upgrade
from storage.database import Database
from tests.proofs.size import size, write_down

EACH = size(50, 500)


async def _counter(database: Database) -> None:
    async def make(connection: AsyncConnection) -> None:
        await connection.execute(text("CREATE TABLE counter (n INTEGER NOT NULL)"))
        await connection.execute(text("INSERT INTO counter VALUES (0)"))

    await database.write(make)


async def _value(database: Database) -> int:
    async with database.reading() as connection:
        return int(await connection.scalar(text("SELECT n FROM counter")) or 0)


async def test_twenty_writers_that_read_before_they_write_lose_no_update(database: Database) -> None:
    await _counter(database)

    async def add(connection: AsyncConnection) -> None:
        value = int(await connection.scalar(text("SELECT n FROM counter")) or 0)
        await asyncio.sleep(0)
        await connection.execute(text("UPDATE counter SET n = :n"), {"n": value + 1})

    async def writer() -> None:
        for _ in range(EACH):
            await database.write(add)

    await asyncio.gather(*(writer() for _ in range(20)))
    assert await _value(database) == 20 * EACH
    if database.is_sqlite:
        write_down("lost updates", f"20 writers × {EACH} reads, each followed by a write", "0 lost, 0 “locked”")


async def test_two_processes_worth_of_writers_lose_no_update(url: str) -> None:
    async with Database(url) as one, Database(url) as two:
        await _counter(one)

        async def add(connection: AsyncConnection) -> None:
            value = int(await connection.scalar(text("SELECT n FROM counter")) or 0)
            await connection.execute(text("UPDATE counter SET n = :n"), {"n": value + 1})

        await asyncio.gather(*(database.write(add) for _ in range(100) for database in (one, two)))
        assert await _value(one) == 200


async def test_an_operation_that_fails_fails_alone_and_leaves_nothing_behind(database: Database) -> None:
    await _counter(database)

    async def add(connection: AsyncConnection) -> None:
        await connection.execute(text("UPDATE counter SET n = n + 1"))

    async def fail(connection: AsyncConnection) -> None:
        await connection.execute(text("UPDATE counter SET n = n + 100"))
        raise RuntimeError("mine")

    results = await asyncio.gather(
        *(database.write(fail if number == 3 else add) for number in range(8)), return_exceptions=True
    )
    assert [str(result) for result in results if result] == ["mine"]
    assert await _value(database) == 7


async def test_after_the_server_cut_the_connection_writing_and_reading_go_on(database: Database) -> None:
    if database.is_sqlite:
        pytest.skip("SQLite has no server")
    await _counter(database)
    others = "datname = current_database() AND pid <> pg_backend_pid()"
    cut = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}"

    async def add(connection: AsyncConnection) -> None:
        await connection.execute(text("UPDATE counter SET n = n + 1"))

    async with database.reading() as connection:
        await connection.execute(text(cut))
    await database.write(add)
    assert await _value(database) == 1


async def test_a_server_that_is_not_there_is_said_in_one_line() -> None:
    with pytest.raises(OperatorError, match=r"cannot open the database postgresql\+asyncpg://maum@127.0.0.1:1/maum"):
        async with Database("postgresql+asyncpg://maum@127.0.0.1:1/maum"):
            pass


async def test_a_database_that_the_server_does_not_have_is_said_in_one_line(postgres_server: str) -> None:
    with pytest.raises(OperatorError, match=r"cannot open the database .*does not exist"):
        async with Database(f"{postgres_server}/nowhere"):
            pass


async def test_a_cancelled_writer_does_not_stop_the_others(database: Database) -> None:
    await _counter(database)

    async def add(connection: AsyncConnection) -> None:
        await connection.execute(text("UPDATE counter SET n = n + 1"))

    impatient = asyncio.create_task(database.write(add))
    await asyncio.sleep(0)
    impatient.cancel()
    await database.write(add)
    assert await _value(database) in (1, 2)


async def test_sqlite_is_set_up_to_survive_a_power_cut_and_to_erase_what_is_deleted(database: Database) -> None:
    if not database.is_sqlite:
        pytest.skip("PRAGMAs are SQLite's")
    wanted = {"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "secure_delete": "1"}
    async with database.reading() as connection:
        for pragma, value in wanted.items():
            assert str(await connection.scalar(text(f"PRAGMA {pragma}"))) == value


async def test_the_first_start_makes_the_schema_and_the_second_leaves_it_alone(url: str) -> None:
    for _ in range(2):
        async with Database(url) as database:
            await upgrade.upgrade(database)
            await upgrade.check(database)


async def test_the_migrations_make_exactly_the_tables_that_the_code_speaks_of(database: Database) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.runtime.migration import MigrationContext
    from sqlalchemy import Connection

    from storage.tables import metadata

    def differences(connection: Connection) -> list[object]:
        return list(compare_metadata(MigrationContext.configure(connection), metadata))

    assert await database.write(lambda connection: connection.run_sync(differences)) == []


async def test_a_database_of_a_newer_version_is_refused_in_one_line(database: Database) -> None:
    async def age(connection: AsyncConnection) -> None:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    await database.write(age)
    with pytest.raises(OperatorError, match="written by a newer Maum"):
        await upgrade.upgrade(database)


async def test_a_file_that_is_no_database_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello " * 100)
    with pytest.raises(OperatorError, match="cannot open the database"):
        async with Database(f"sqlite+aiosqlite:///{tmp_path}/notes.txt"):
            pass


async def test_a_folder_that_cannot_be_made_is_named_with_the_cure(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OperatorError, match=r"cannot create the state folder .*MAUM_STATE_DIR"):
        async with Database(f"sqlite+aiosqlite:///{tmp_path}/file/db/maum.db"):
            pass


async def test_the_write_ahead_log_is_emptied_as_soon_as_nobody_reads_any_more(database: Database) -> None:
    if not database.is_sqlite:
        pytest.skip("PostgreSQL sees to its own log")
    assert database.url.database
    log = Path(database.url.database + "-wal")
    async with database.reading() as connection:
        await connection.execute(text("SELECT * FROM people"))  # from here on this state must stay readable
        await _counter(database)
        emptying = asyncio.create_task(database.truncate_wal())
        await asyncio.sleep(0.3)
        assert not emptying.done()
        await asyncio.wait_for(database.write(lambda other: other.execute(text("UPDATE counter SET n = 1"))), 5)
    assert await asyncio.wait_for(emptying, 10)
    assert log.stat().st_size == 0


async def test_looking_up_and_writing_work_side_by_side(database: Database) -> None:
    await _counter(database)

    async def look(connection: AsyncConnection) -> int:
        return int(await connection.scalar(text("SELECT n FROM counter")) or 0)

    async def add(connection: AsyncConnection) -> None:
        await connection.execute(text("UPDATE counter SET n = n + 1"))

    seen = []
    for _ in range(20):
        await database.write(add)
        seen.append(sorted({*await asyncio.gather(*(database.read(look) for _ in range(8)))}))
    assert seen == [[number] for number in range(1, 21)], "who looks sees all that is committed"


async def test_what_nobody_waits_for_is_written_before_what_is_asked_for_later(database: Database) -> None:
    await _counter(database)
    database.begin_write(lambda connection: connection.execute(text("UPDATE counter SET n = 5")))
    await database.settled()
    assert await _value(database) == 5
