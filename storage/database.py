"""The engine: one writer with group commit, many readers, the same on SQLite and PostgreSQL.

Writes queue up while the last commit runs and then share the next one: no timer, so a lone write waits for nobody.
An operation is a coroutine function of a connection; when one fails, the others of its group are run again apart from
it, so operations must not keep state of their own.

One writer holds across processes, too: on SQLite by BEGIN IMMEDIATE, on PostgreSQL by an advisory lock of the
transaction. So an operation may read, decide and write without anything changing in between.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, InvalidRequestError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool

from bot.errors import OperatorError
from storage.process import make_folder

log = logging.getLogger(__name__)

T = TypeVar("T")
Operation = Callable[[AsyncConnection], Awaitable[T]]
MAX_GROUP = 256
READERS = 4
WRITER = "maum_writer"
LOCK = 0x6D61756D  # “maum”: any number, as long as all processes use the same one
PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=10000", "foreign_keys=ON", "secure_delete=ON")


class Database:
    """Use as `async with Database(url) as db`; then `await db.write(op)` or `async with db.reading() as connection`."""

    def __init__(self, url: str) -> None:
        try:
            self.url = make_url(url)
        except ArgumentError:
            raise OperatorError(_bad_url(url)) from None
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self._queue: asyncio.Queue[tuple[Operation[Any], asyncio.Future[Any]]] = asyncio.Queue()
        self._engine: AsyncEngine | None = None
        self._writer: asyncio.Task[None] | None = None
        self.on_rollback: list[Callable[[], None]] = []  # for those who remember what a transaction told them

    async def __aenter__(self) -> Database:
        self._engine = self._create_engine()
        connection = await self._connect()
        self._writer = asyncio.create_task(self._write_forever(connection), name="storage-writer")
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._writer is not None
        assert self._engine is not None
        if not self._writer.done():
            await self._queue.join()
        self._writer.cancel()
        await asyncio.gather(self._writer, return_exceptions=True)
        await self._engine.dispose()

    async def write(self, operation: Operation[T]) -> T:
        """Run an operation in the next group's transaction; returns when it is committed."""
        if self._writer is None or self._writer.done():
            raise OperatorError("the database's writer has stopped: restart, and see the log for the reason")
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._queue.put_nowait((operation, future))
        return await future

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A connection that sees everything committed so far."""
        assert self._engine is not None, "the database is not open"
        async with self._engine.connect() as connection:
            yield connection

    async def truncate_wal(self) -> bool:
        """Write everything back into the file and empty the write-ahead log, where deleted rows would live on.

        Returns:
            False when somebody still reads; PostgreSQL sees to its own log.
        """
        if not self.is_sqlite:
            return True
        assert self._engine is not None, "the database is not open"
        async with self._engine.connect() as connection:
            driver = (await connection.get_raw_connection()).driver_connection
            assert driver is not None
            cursor = await driver.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            (busy, _, _) = await cursor.fetchone()
            await cursor.close()
        return not busy

    def _create_engine(self) -> AsyncEngine:
        options: dict[str, Any] = {"poolclass": AsyncAdaptedQueuePool, "pool_size": READERS + 1, "max_overflow": 0}
        options["pool_pre_ping"] = not self.is_sqlite  # a server may have been restarted since
        if self.is_sqlite and self.url.database:
            make_folder(Path(self.url.database).parent)
        try:
            engine = create_async_engine(self.url, **options)
        except (ArgumentError, InvalidRequestError):
            raise OperatorError(_bad_url(self.url.render_as_string(hide_password=True))) from None
        except ModuleNotFoundError as error:
            raise OperatorError(f"storage.url needs the package {error.name!r}: pip install 'maum[postgres]'") from None
        if self.is_sqlite:
            event.listen(engine.sync_engine, "connect", _set_pragmas)
        event.listen(engine.sync_engine, "begin", _begin if self.is_sqlite else _lock)
        return engine

    async def _connect(self) -> AsyncConnection:
        assert self._engine is not None
        try:
            connection = await self._engine.connect()
            return await connection.execution_options(**{WRITER: True})
        except (DBAPIError, OSError) as error:
            reason = str(getattr(error, "orig", error)).splitlines()[0]
            where = self.url.render_as_string(hide_password=True)
            await self._engine.dispose()
            raise OperatorError(f"cannot open the database {where}: {reason}; check storage.url") from None

    async def _write_forever(self, connection: AsyncConnection) -> None:
        try:
            while True:
                group = [await self._queue.get()]
                while len(group) < MAX_GROUP and not self._queue.empty():
                    group.append(self._queue.get_nowait())
                await self._commit(connection, group)
                for _ in group:
                    self._queue.task_done()
        finally:
            await connection.close()

    async def _commit(
        self, connection: AsyncConnection, group: list[tuple[Operation[Any], asyncio.Future[Any]]], tries: int = 2
    ) -> None:
        results = []
        try:
            async with connection.begin():
                for operation, _ in group:
                    results.append(await operation(connection))
        except Exception as error:  # each caller gets its own error; the writer itself goes on
            for forget in self.on_rollback:
                forget()
            if len(group) == 1 and tries > 1 and _is_worth_another_try(error):
                await self._commit(connection, group, tries - 1)
                return
            if len(group) == 1:
                _fail(group[0][1], error)
                return
            for one in group:
                await self._commit(connection, [one])
            return
        for (_, future), result in zip(group, results, strict=True):
            if not future.done():
                future.set_result(result)


def _is_worth_another_try(error: Exception) -> bool:
    """A row that another process has just deleted was remembered here, or the server closed the connection."""
    return isinstance(error, IntegrityError) or (isinstance(error, DBAPIError) and error.connection_invalidated)


def _fail(future: asyncio.Future[Any], error: Exception) -> None:
    if future.done():
        log.error("a write failed after its caller had gone: %s", type(error).__name__)
    else:
        future.set_exception(error)


def _bad_url(url: str) -> str:
    return f"storage.url {url!r} is none: sqlite+aiosqlite:///path/maum.db or postgresql+asyncpg://user@host/maum"


def _set_pragmas(connection: DBAPIConnection, _: object) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves: the driver's own begins too late (a read before it)
    cursor = connection.cursor()
    for pragma in PRAGMAS:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: Connection) -> None:
    # a transaction that reads before it writes must hold the write lock from its start, or its update can be lost
    connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get(WRITER) else "BEGIN")


def _lock(connection: Connection) -> None:
    if connection.get_execution_options().get(WRITER):
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK})")
