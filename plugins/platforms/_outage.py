"""While a platform is away, nobody waits for it: one tries, now and then, and the others are told at once."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from bot.errors import Unreachable

T = TypeVar("T")

# between two tries; one takes up to half a minute by itself, as the client libraries repeat it and wait for an answer
FIRST_PAUSE_S, LONGEST_PAUSE_S, GROWTH = 0.4, 20.0, 4.0


class Outage:
    """`absence` says of an error why the platform is away, in a few words; empty: it is there.

    `back`: what to do when it can be reached again.
    """

    def __init__(self, absence: Callable[[Exception], str], back: Callable[[], None]) -> None:
        self._absence = absence
        self._back = back
        self._next_try: float | None = None
        self._pause_s = FIRST_PAUSE_S

    async def reach(self, request: Callable[[], Awaitable[T]]) -> T:
        """Do a request.

        Raises:
            Unreachable: the platform is away, or the request raised so itself, which says nothing of the others.
        """
        if self._next_try is not None:
            if time.monotonic() < self._next_try:
                raise Unreachable("it was a moment ago")
            self._next_try = time.monotonic() + LONGEST_PAUSE_S
        try:
            answer = await request()
        except Unreachable:
            raise
        except Exception as error:
            if not (why := self._absence(error)):
                self.end()
                raise
            self._next_try = time.monotonic() + self._pause_s
            self._pause_s = min(LONGEST_PAUSE_S, self._pause_s * GROWTH)
            raise Unreachable(why) from error
        self.end()
        return answer

    def end(self) -> None:
        """The platform was reached."""
        if self._next_try is not None:
            self._next_try, self._pause_s = None, FIRST_PAUSE_S
            self._back()
