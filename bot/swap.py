"""A thing that can be exchanged while it is in use: new users get the new one, the old one waits for its last user."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

T = TypeVar("T")


class Swappable(Generic[T]):
    def __init__(self, value: T) -> None:
        self.value = value
        self._users = _Users()

    @contextmanager
    def use(self) -> Iterator[T]:
        """Hold what is current now; it stays whole until this ends."""
        users = self._users
        users.enter()
        try:
            yield self.value
        finally:
            users.leave()

    async def swap(self, value: T) -> T:
        """`value` is current from here on; returns the old one when nothing of it is in flight."""
        old, users = self.value, self._users
        self.value, self._users = value, _Users()
        await users.gone.wait()
        return old


class _Users:
    def __init__(self) -> None:
        self._count = 0
        self.gone = asyncio.Event()
        self.gone.set()

    def enter(self) -> None:
        self._count += 1
        self.gone.clear()

    def leave(self) -> None:
        self._count -= 1
        if not self._count:
            self.gone.set()
