"""While Discord is away, nobody waits for it: one tries, now and then, and the others are told at once."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import aiohttp
import discord

from bot.errors import Unreachable
from plugins.platforms.discord.trouble import trouble

T = TypeVar("T")

# between two tries; one takes up to 25 s by itself, as discord.py repeats it after most errors
FIRST_PAUSE_S, LONGEST_PAUSE_S, GROWTH = 0.4, 20.0, 4.0


class Outage:
    """`back`: what to do when Discord can be reached again."""

    def __init__(self, back: Callable[[], None]) -> None:
        self._back = back
        self._next_try: float | None = None
        self._pause_s = FIRST_PAUSE_S

    async def reach(self, request: Callable[[], Awaitable[T]]) -> T:
        """Do a request.

        Raises:
            Unreachable: Discord is away, or wants us to wait for long.
        """
        if self._next_try is not None:
            if time.monotonic() < self._next_try:
                raise Unreachable("it was a moment ago")
            self._next_try = time.monotonic() + LONGEST_PAUSE_S
        try:
            answer = await request()
        except discord.RateLimited as error:
            raise Unreachable(trouble(error)) from error
        except Exception as error:
            if not _is_away(error):
                self._end()
                raise
            self._next_try = time.monotonic() + self._pause_s
            self._pause_s = min(LONGEST_PAUSE_S, self._pause_s * GROWTH)
            raise Unreachable(trouble(error)) from error
        self._end()
        return answer

    def _end(self) -> None:
        if self._next_try is not None:
            self._next_try, self._pause_s = None, FIRST_PAUSE_S
            self._back()


def _is_away(error: Exception) -> bool:
    """Not reached, answered with a server's error, or turned away by Cloudflare, whose 429 has no `Via`.

    A 429 of Discord's own is no absence: who was refused five times over tries again soon, as after any other error.
    """
    if isinstance(error, discord.HTTPException):
        return error.status >= 500 or (error.status == 429 and "Via" not in error.response.headers)
    return isinstance(error, OSError | aiohttp.ClientError)
