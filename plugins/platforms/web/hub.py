"""Who is looking at which conversation right now: snapshots go to every page and every waiting request."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

from bot.types import Conversation, Outgoing

Watch = asyncio.Queue[Outgoing]


class Hub:
    def __init__(self) -> None:
        self._watching: defaultdict[Conversation, list[Watch]] = defaultdict(list)

    @contextmanager
    def watch(self, conversation: Conversation) -> Iterator[Watch]:
        """A queue of the snapshots shown in a conversation from now on."""
        queue: Watch = asyncio.Queue()
        self._watching[conversation].append(queue)
        try:
            yield queue
        finally:
            self._watching[conversation].remove(queue)
            if not self._watching[conversation]:
                del self._watching[conversation]

    def publish(self, outgoing: Outgoing) -> None:
        for queue in self._watching.get(outgoing.conversation, ()):
            queue.put_nowait(outgoing)


async def until_final(queue: Watch, message: int) -> AsyncIterator[Outgoing]:
    """The snapshots of the answer to `message`, or to the burst it became part of; ends after the final one."""
    while True:
        outgoing = await queue.get()
        if outgoing.message >= message:
            yield outgoing
            if outgoing.final:
                return
