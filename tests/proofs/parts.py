"""Plugins for proofs, which keep nothing: a platform to wait on, and what runs in the background of a real bot."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from bot.care import Care, Finding
from bot.types import Outgoing
from tests.house import House, MemoryPlatform

FAST: Mapping[str, Any] = {
    "consent": {"default": "trusted"},
    "delivery": {"burst_s": 0.0, "drain_s": 30.0, "workers": 64, "queue": 100_000},
    "limits": {"per_minute": 1_000_000, "burst": 1_000_000},
    "replier": {"closed_loop": False},
}

FINAL_S = 900  # a hundred thousand people may stand before one


class Unworried(Care):
    """Finds nothing, for proofs whose texts are made at random: a fixed answer to one of them would prove nothing."""

    def find(self, turns: Sequence[str]) -> Finding:
        return Finding("none", "self", 0.0)


class Ear(MemoryPlatform):
    """Remembers of each message only that, and how, its answer ended."""

    def __init__(self) -> None:
        super().__init__()
        self.ended: dict[int, Outgoing] = {}
        self._waiting: dict[int, asyncio.Future[Outgoing]] = {}

    async def show(self, outgoing: Outgoing, handle: str | None) -> str:
        if outgoing.final:
            waiting = self._waiting.pop(outgoing.message, None)
            if waiting is None:
                self.ended[outgoing.message] = outgoing
            elif not waiting.done():
                waiting.set_result(outgoing)
        return handle or f"handle-{outgoing.message}"

    async def final(self, message: int, count: int = 1) -> Outgoing:
        """The next final snapshot of a message that nobody has waited for."""
        if message in self.ended:
            return self.ended.pop(message)
        waiting = self._waiting[message] = asyncio.get_running_loop().create_future()
        return await asyncio.wait_for(waiting, FINAL_S)


class Errors(logging.Handler):
    """Every line of the log that is an error, and every exception that nobody caught."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.seen: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.seen.append(record.getMessage())

    def unhandled(self, _: object, context: Mapping[str, Any]) -> None:
        self.seen.append(f"{context['message']} {context.get('exception')!r}")


@asynccontextmanager
async def errors() -> AsyncIterator[list[str]]:
    handler = Errors()
    logging.getLogger().addHandler(handler)
    loop = asyncio.get_running_loop()
    before = loop.get_exception_handler()
    loop.set_exception_handler(handler.unhandled)
    try:
        yield handler.seen
    finally:
        loop.set_exception_handler(before)
        logging.getLogger().removeHandler(handler)


async def rest(house: House) -> None:
    """Wait until nobody is being answered."""
    while house.app.delivery._lanes:
        await asyncio.sleep(0)
