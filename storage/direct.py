"""A synchronous connection with the face of an asynchronous one, and a way to run what is written for either.

Storage's operations are coroutines over a connection. On SQLite they run from begin to end in one thread, where a
statement costs 25 µs; through an asynchronous driver, which hands each one to a thread and back, it costs 350 µs.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from sqlalchemy import Connection

T = TypeVar("T")


class Direct:
    """What storage's operations use of an AsyncConnection; everything is done when it is called."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def execute(self, *statement: Any) -> Any:
        return self._connection.execute(*statement)

    async def scalar(self, *statement: Any) -> Any:
        return self._connection.scalar(*statement)

    async def scalars(self, *statement: Any) -> Any:
        return self._connection.scalars(*statement)

    async def run_sync(self, work: Callable[[Connection], T]) -> T:
        return work(self._connection)

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[None]:
        with self._connection.begin():
            yield

    @asynccontextmanager
    async def begin_nested(self) -> AsyncIterator[None]:
        with self._connection.begin_nested():
            yield


def run(work: Awaitable[T]) -> T:
    """Run a coroutine that waits for nothing but a Direct connection, without an event loop."""
    steps = work.__await__()
    try:
        while True:
            next(steps)
    except StopIteration as end:
        result: T = end.value
        return result
