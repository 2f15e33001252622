"""Ends of jobs that nobody waits for: all that have gathered are written by one statement, with the next commit."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy import bindparam, update
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.database import Database
from storage.rows import now_ms
from storage.tables import jobs

log = logging.getLogger(__name__)

CLOSE = (
    update(jobs)
    .where(jobs.c.id.in_(bindparam("those", expanding=True)))
    .values(state="done", error=None, lease_until=None, owner=None, done_at=bindparam("now"), value="")
)


class Endings:
    """Jobs that are done, and are not written as such yet.

    Should we be killed before that, their answers are shown once more, which changes nothing.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._gathered: set[int] = set()
        self._is_queued = False
        self._watching: list[set[int]] = []

    def __contains__(self, job: int) -> bool:
        return job in self._gathered

    def add(self, job: int) -> None:
        """The job is done from now on for this process, and with the next commit for all."""
        self._gathered.add(job)
        for seen in self._watching:
            seen.add(job)
        if self._is_queued:  # it has not begun, so it will see this one, too
            return
        written: list[int] = []

        async def operation(connection: AsyncConnection) -> None:
            self._is_queued = False
            written[:] = list(self._gathered)
            await connection.execute(CLOSE, {"those": written, "now": now_ms()})

        self._is_queued = True
        self._database.begin_write(operation).add_done_callback(lambda done: self._ended(written, done))

    @contextmanager
    def watched(self) -> Iterator[set[int]]:
        """What is done and not written yet, and all that will be done meanwhile: for who reads beside the writes."""
        seen = set(self._gathered)
        self._watching.append(seen)
        try:
            yield seen
        finally:
            self._watching = [other for other in self._watching if other is not seen]

    def _ended(self, written: Sequence[int], done: asyncio.Future[None]) -> None:
        if not written:  # it never began
            self._is_queued = False
            self._gathered.clear()
        self._gathered.difference_update(written)
        if not done.cancelled() and (error := done.exception()):
            log.error("the end of jobs could not be written (%s): they are shown once more", type(error).__name__)
