"""A thread with a connection of its own: it takes all that came in while it was busy, and does that in one go.

No timer: a lone operation waits for nobody. A group costs one transaction, and one call into the event loop when it is
done, where a pool of threads costs both for each operation.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any, cast

from sqlalchemy import Connection, Engine
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.errors import OperatorError
from storage import direct

log = logging.getLogger(__name__)

MAX_GROUP = 256
STOPPED = "the database has stopped: restart, and see the log for the reason"
Operation = Callable[[AsyncConnection], Awaitable[Any]]
Work = tuple[Operation, asyncio.Future[Any]]
Outcome = tuple[asyncio.Future[Any], Any, Exception | None]


class Worker(ABC):
    """`options` are the connection's execution options."""

    def __init__(self, engine: Engine, name: str, options: Mapping[str, Any]) -> None:
        self._engine = engine
        self._options = options
        self._queue: queue.SimpleQueue[Work | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    async def start(self) -> None:
        """Connect; raises what connecting raises."""
        self._loop = asyncio.get_running_loop()
        self._open: asyncio.Future[None] = self._loop.create_future()
        self._thread.start()
        await self._open

    async def stop(self) -> None:
        """Do what is queued, then end."""
        self._queue.put(None)
        await asyncio.to_thread(self._thread.join)

    def put(self, operation: Operation) -> asyncio.Future[Any]:
        """Queue an operation; the future has its result when its transaction is over.

        Raises:
            OperatorError: the thread has ended.
        """
        if not self._thread.is_alive():
            raise OperatorError(STOPPED)
        future = self._loop.create_future()
        self._queue.put((operation, future))
        return future

    @abstractmethod
    def do(self, connection: Connection, group: list[Work]) -> list[Outcome]:
        """In the thread: do a group, and say what became of each."""

    def _run(self) -> None:
        try:
            connection = self._engine.connect().execution_options(**self._options)
        except Exception as error:
            self._loop.call_soon_threadsafe(self._open.set_exception, error)
            return
        self._loop.call_soon_threadsafe(self._open.set_result, None)
        with connection:
            while group := self._next():
                with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                    self._loop.call_soon_threadsafe(deliver, self.do(connection, group))
                del group  # while it waits, it holds nobody's words

    def _next(self) -> list[Work]:
        """What waits, until the sign to stop; nothing more comes after it."""
        group: list[Work] = []
        while len(group) < MAX_GROUP and (not group or not self._queue.empty()):
            work = self._queue.get()
            if work is None:
                if group:
                    self._queue.put(None)
                return group
            group.append(work)
        return group


class ThreadReader(Worker):
    """Looks things up on SQLite. One that fails does not disturb the others of its group."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine, "storage-reader", {})

    def do(self, connection: Connection, group: list[Work]) -> list[Outcome]:
        try:
            with connection.begin():
                return [self._look_up(connection, *work) for work in group]
        except Exception as error:  # the transaction itself: nobody has been answered yet
            return [(future, None, error) for _, future in group]

    @staticmethod
    def _look_up(connection: Connection, operation: Operation, future: asyncio.Future[Any]) -> Outcome:
        try:
            return future, direct.run(operation(cast(AsyncConnection, direct.Direct(connection)))), None
        except Exception as error:
            return future, None, error


def deliver(outcomes: list[Outcome]) -> None:
    """In the event loop: give every caller what became of their operation."""
    for future, result, error in outcomes:
        if future.done():
            if error:
                log.error("an operation failed after its caller had gone: %s", type(error).__name__)
        elif error:
            future.set_exception(error)
        else:
            future.set_result(result)
