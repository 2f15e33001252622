"""The one writer: operations that came in while a commit ran share the next one. No timer: a lone one waits for nobody.

On SQLite the writer is a thread, on PostgreSQL a task; what they do is the same.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, cast

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bot import metrics
from bot.errors import OperatorError
from storage import direct
from storage.worker import MAX_GROUP, STOPPED, Operation, Outcome, Work, Worker, deliver

WRITER = "maum_writer"  # an execution option: this connection's transactions take the write lock at their begin


class Writer(ABC):
    """`on_rollback` is for those who remember what a transaction told them."""

    def __init__(self, on_rollback: Callable[[], None]) -> None:
        self._on_rollback = on_rollback

    @abstractmethod
    async def start(self) -> None:
        """Connect; raises what connecting raises."""

    @abstractmethod
    async def stop(self) -> None:
        """Do what is queued, then end."""

    @abstractmethod
    def put(self, operation: Operation) -> asyncio.Future[Any]:
        """Queue an operation; the future is done when it is committed."""

    async def _commit(self, connection: AsyncConnection, group: list[Work], tries: int = 2) -> list[Outcome]:
        outcomes: list[Outcome] = []
        try:
            async with connection.begin():
                for operation, future in group:
                    outcomes.append((future, await operation(connection), None))
            return outcomes
        except Exception as error:  # each caller gets its own error; the writer itself goes on
            self._on_rollback()
            if len(group) > 1:
                return [outcome for one in group for outcome in await self._commit(connection, [one])]
            if tries > 1 and _is_worth_another_try(error):
                return await self._commit(connection, group, tries - 1)
            return [(group[0][1], None, error)]


class ThreadWriter(Worker, Writer):
    """For SQLite. The thread owns the connection: it alone commits and checkpoints, while it has the `turn`."""

    def __init__(
        self, engine: Engine, on_rollback: Callable[[], None], turn: Callable[[], AbstractContextManager[None]]
    ) -> None:
        Worker.__init__(self, engine, "storage-writer", {WRITER: True})
        Writer.__init__(self, on_rollback)
        self._turn = turn

    async def truncate(self) -> bool:
        """Empty the write-ahead log, between two commits; False when somebody still reads."""
        return bool(await self.put(_truncate))

    def do(self, connection: Connection, group: list[Work]) -> list[Outcome]:
        try:
            with self._turn():
                return self._do(connection, group)
        except OperatorError as error:  # of the turn itself: nothing of the group was begun
            return [(future, None, error) for _, future in group]

    def _do(self, connection: Connection, group: list[Work]) -> list[Outcome]:
        metrics.commit_size.observe(len(group))
        writes = [work for work in group if work[0] is not _truncate]
        outcomes: list[Outcome] = []
        if writes:
            outcomes = direct.run(self._commit(cast(AsyncConnection, direct.Direct(connection)), writes))
        for _, future in [work for work in group if work[0] is _truncate]:
            try:
                outcomes.append((future, _emptied(connection), None))
            except Exception as error:
                outcomes.append((future, None, error))
        return outcomes


class TaskWriter(Writer):
    """For PostgreSQL."""

    def __init__(self, engine: AsyncEngine, on_rollback: Callable[[], None]) -> None:
        super().__init__(on_rollback)
        self._engine = engine
        self._queue: asyncio.Queue[Work] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        connection = await self._engine.connect()
        connection = await connection.execution_options(**{WRITER: True})
        self._task = asyncio.create_task(self._run(connection), name="storage-writer")

    async def stop(self) -> None:
        assert self._task is not None
        if not self._task.done():
            await self._queue.join()
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    def put(self, operation: Operation) -> asyncio.Future[Any]:
        if self._task is None or self._task.done():
            raise OperatorError(STOPPED)
        future = asyncio.get_running_loop().create_future()
        self._queue.put_nowait((operation, future))
        return future

    async def _run(self, connection: AsyncConnection) -> None:
        try:
            while True:
                group = [await self._queue.get()]
                while len(group) < MAX_GROUP and not self._queue.empty():
                    group.append(self._queue.get_nowait())
                metrics.commit_size.observe(len(group))
                deliver(await self._commit(connection, group))
                for _ in group:
                    self._queue.task_done()
        finally:
            await connection.close()


async def _truncate(_: AsyncConnection) -> None:
    """Stands in the queue for emptying the write-ahead log."""


def _emptied(connection: Connection) -> bool:
    driver = connection.connection.driver_connection
    assert driver is not None
    (patience,) = driver.execute("PRAGMA busy_timeout").fetchone()
    driver.execute("PRAGMA busy_timeout=100")  # whoever reads is waited for elsewhere, not by all writers
    (busy, _, _) = driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    driver.execute(f"PRAGMA busy_timeout={patience}")
    return not busy


def _is_worth_another_try(error: Exception) -> bool:
    """A row that another process has just deleted was remembered here, or the server closed the connection."""
    return isinstance(error, IntegrityError) or (isinstance(error, DBAPIError) and error.connection_invalidated)
