"""What a person sees of one answer: snapshots go out one at a time, and only the latest waits its turn.

A platform that is slow (or told to slow down) so shows fewer steps of a streamed answer, never an older one later.
"""

from __future__ import annotations

import asyncio
import logging

from bot import metrics
from bot.contracts import Platform
from bot.errors import Unreachable
from bot.types import Outgoing
from storage.jobs import Jobs
from storage.rows import Job

log = logging.getLogger(__name__)

RETRIES_S = (0.5, 2.0, 5.0)


class Screen:
    """`begin` with a placeholder, `put` as often as you like, `end` with the final snapshot, then `close`."""

    def __init__(self, platform: Platform, job: Job, jobs: Jobs) -> None:
        self._platform = platform
        self._job = job
        self._jobs = jobs
        self._handle = job.handle
        self._next: Outgoing | None = None
        self._pump: asyncio.Task[None] | None = None

    async def begin(self, outgoing: Outgoing) -> None:
        """Show the placeholder and keep its handle, before anything is written."""
        await self._show(outgoing)

    def put(self, outgoing: Outgoing) -> None:
        self._next = outgoing
        if self._pump is None or self._pump.done():
            self._pump = asyncio.create_task(self._show_latest(), name="screen")

    async def end(self, outgoing: Outgoing) -> None:
        """Show the last snapshot, again if the platform fails; raises what the last try raised."""
        await self.close()
        for wait_s in (*RETRIES_S, None):
            try:
                await self._show(outgoing)
                return
            except Exception as error:
                waited = isinstance(error, Unreachable) and self._job.state == "sending"
                if wait_s is None or waited:  # who has waited already keeps no place from others
                    raise
                log.warning("showing failed (%s), trying again in %.1f s", type(error).__name__, wait_s)
                await asyncio.sleep(wait_s)

    async def close(self) -> None:
        """Let the snapshot that is on its way arrive; drop the one that waits."""
        self._next = None
        if self._pump:
            await asyncio.wait({self._pump})

    async def _show_latest(self) -> None:
        while outgoing := self._next:
            self._next = None
            try:
                await self._show(outgoing)
            except Exception as error:  # a step of a stream; the final snapshot will be tried in earnest
                log.warning("a step was not shown: %s", type(error).__name__)
                return

    async def _show(self, outgoing: Outgoing) -> None:
        """A long answer may take a further message, which changes the handle."""
        name = self._job.conversation.chat.platform
        try:
            with metrics.show_s.labels(name).time():
                handle = await self._platform.show(outgoing, self._handle)
        except Exception:
            metrics.show_errors.labels(name).inc()
            raise
        if handle != self._handle:
            self._handle = handle
            await self._jobs.place(self._job, handle)
