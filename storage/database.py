"""The engine: one writer with group commit (storage/writer.py), readers beside it, the same on SQLite and PostgreSQL.

An operation is a coroutine function of a connection, and awaits nothing else. When one fails, the others of its group
are run again apart from it, so operations must not keep state of their own.

One writer holds across processes, too: on SQLite by BEGIN IMMEDIATE, on PostgreSQL by an advisory lock of the
transaction. So an operation may read, decide and write without anything changing in between.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from pathlib import Path
from typing import Any, TypeVar, cast

from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, DBAPIError, InvalidRequestError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool, QueuePool

from bot import metrics
from bot.errors import OperatorError
from storage.process import make_folder, turn
from storage.worker import ThreadReader
from storage.writer import WRITER, TaskWriter, ThreadWriter, Writer

T = TypeVar("T")
Operation = Callable[[AsyncConnection], Awaitable[T]]
READERS = 4
LOCK = 0x6D61756D  # “maum”: any number, as long as all processes use the same one
PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=10000", "foreign_keys=ON", "secure_delete=ON")
TRUNCATE_TRIES, TRUNCATE_WAIT_S = 20, 0.5


class Database:
    """Use as `async with Database(url) as db`. `write` commits; `read` looks up; `reading` is for what takes long."""

    def __init__(self, url: str) -> None:
        try:
            self.url = make_url(url)
        except ArgumentError:
            raise OperatorError(_bad_url(url)) from None
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        #: called when what somebody remembers of the database may not be true any more
        self.on_doubt: list[Callable[[], None]] = []
        self._engine: AsyncEngine | None = None
        self._direct: Engine | None = None
        self._reader: ThreadReader | None = None
        self._writer: Writer | None = None

    async def __aenter__(self) -> Database:
        self._engine = self._create_engine()
        if self.is_sqlite:
            self._direct = _sqlite_engine(self.url.set(drivername="sqlite"))
            self._writer = ThreadWriter(self._direct, self.doubt, self._turn)
            self._reader = ThreadReader(self._direct)
        else:
            self._writer = TaskWriter(self._engine, self.doubt)
        try:
            await self._writer.start()
            if self._reader:
                await self._reader.start()
        except (DBAPIError, OSError) as error:
            reason = str(getattr(error, "orig", error)).splitlines()[0]
            where = self.url.render_as_string(hide_password=True)
            await self._dispose()
            raise OperatorError(f"cannot open the database {where}: {reason}; check storage.url") from None
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._writer is not None
        await self._writer.stop()
        if self._reader:
            await self._reader.stop()
        await self._dispose()

    async def write(self, operation: Operation[T]) -> T:
        """Run an operation in the next group's transaction; returns when it is committed."""
        start = time.perf_counter()
        result: T = await self.begin_write(operation)
        metrics.write_s.observe(time.perf_counter() - start)
        return result

    def begin_write(self, operation: Operation[T]) -> asyncio.Future[T]:
        """As `write`, for who need not wait: later operations come after it in any case."""
        assert self._writer is not None, "the database is not open"
        return self._writer.put(operation)

    async def settled(self) -> None:
        """Returns when all that was asked to be written before is written, also for those who did not wait for it."""
        await self.begin_write(_nothing)

    async def read(self, operation: Operation[T]) -> T:
        """Look something up by its key, in one transaction that sees everything committed so far."""
        if self._reader:
            return cast(T, await self._reader.put(operation))
        async with self.reading() as connection:
            return await operation(connection)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A connection for questions that may take long; it sees everything committed so far."""
        assert self._engine is not None, "the database is not open"
        async with self._engine.connect() as connection:
            yield connection

    async def truncate_wal(self) -> bool:
        """Write everything back into the file and empty the write-ahead log, where deleted rows would live on.

        The writer does it, between two commits: a checkpoint on a second connection could meet a commit, which older
        versions of SQLite do not survive (storage/sqlite.py).

        Returns:
            False when somebody still reads after a while; PostgreSQL sees to its own log.
        """
        if not isinstance(self._writer, ThreadWriter):
            return True
        for _ in range(TRUNCATE_TRIES):
            if await self._writer.truncate():
                return True
            await asyncio.sleep(TRUNCATE_WAIT_S)
        return False

    def doubt(self) -> None:
        """Let everybody forget what they remember of the database: it was changed beside them."""
        for forget in self.on_doubt:
            forget()

    async def probe(self) -> None:
        """Raises what reading or writing would raise now."""
        await self.read(_nothing)
        await self.write(_nothing)

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
            _listen(engine.sync_engine)
        else:
            event.listen(engine.sync_engine, "begin", _lock)
        return engine

    def _turn(self) -> AbstractContextManager[None]:
        """The turn to write and checkpoint, among the processes that share the file."""
        return turn(Path(f"{self.url.database}-turn")) if self.url.database else nullcontext()

    async def _dispose(self) -> None:
        if self._direct:
            self._direct.dispose()
        if self._engine:
            await self._engine.dispose()


def _sqlite_engine(url: Any) -> Engine:
    """For the threads that write and look things up: a connection each."""
    options = {"check_same_thread": False}  # disposed of by another thread than its own
    engine = create_engine(url, poolclass=QueuePool, pool_size=2, max_overflow=0, connect_args=options)
    _listen(engine)
    return engine


def _listen(engine: Engine) -> None:
    event.listen(engine, "connect", _set_pragmas)
    event.listen(engine, "begin", _begin)


async def _nothing(connection: AsyncConnection) -> None:
    await connection.execute(text("SELECT 1"))


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
