"""Ends of jobs that nobody waits for: all that have gathered are written by one statement, with the next commit."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

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

    def __contains__(self, job: int) -> bool:
        return job in self._gathered

    def add(self, job: int) -> None:
        """The job is done from now on for this process, and with the next commit for all."""
        self._gathered.add(job)
        if self._is_queued:  # it has not begun, so it will see this one, too
            return
        written: list[int] = []

        async def operation(connection: AsyncConnection) -> None:
            self._is_queued = False
            written[:] = list(self._gathered)
            await connection.execute(CLOSE, {"those": written, "now": now_ms()})

        self._is_queued = True
        self._database.begin_write(operation).add_done_callback(lambda done: self._ended(written, done))

    def _ended(self, written: Sequence[int], done: asyncio.Future[None]) -> None:
        self._gathered.difference_update(written)
        if not done.cancelled() and (error := done.exception()):
            self._is_queued = False
            self._gathered.clear()
            log.error("the end of jobs could not be written (%s): they are shown once more", type(error).__name__)
