"""Steps of a streamed answer, no oftener than one a second: one that comes too soon waits, and a later one, or the end,
takes its place."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from plugins.platforms.discord.trouble import trouble

log = logging.getLogger("maum.discord")


class Steps:
    """What waits to be shown, by message."""

    def __init__(self) -> None:
        self._waiting: dict[int, asyncio.TimerHandle] = {}
        self._showing: dict[int, asyncio.Task[None]] = {}

    def later(self, message: int, rest_s: float, show: Callable[[], Awaitable[object]]) -> None:
        """Show it after `rest_s`, unless something newer comes."""
        loop = asyncio.get_running_loop()
        self._waiting[message] = loop.call_later(rest_s, self._begin, message, show)

    async def settle(self, message: int) -> None:
        """Drop what waits; let what is on its way arrive, so that it cannot arrive after what comes next."""
        if waiting := self._waiting.pop(message, None):
            waiting.cancel()
        if showing := self._showing.get(message):
            await asyncio.wait({showing})

    def _begin(self, message: int, show: Callable[[], Awaitable[object]]) -> None:
        self._waiting.pop(message, None)
        task = self._showing[message] = asyncio.create_task(_shown(show), name="step")
        task.add_done_callback(lambda _: self._showing.pop(message, None))


async def _shown(show: Callable[[], Awaitable[object]]) -> None:
    try:
        await show()
    except Exception as error:  # a step only; the end will be shown in earnest
        log.warning("a step was not shown: %s", trouble(error))
