"""Where a platform told us to be silent, and until when; on disk, as whoever is killed and restarted is to obey, too.

The name of a place stands there only as long as its ban lasts.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Mapping
from pathlib import Path

log = logging.getLogger("maum.platforms")


class Bans:
    """`file` None: nothing is kept. Times on disk are of the wall clock, the only one that outlives a process."""

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        self._until = _read(file) if file and file.exists() else {}
        for seconds in self.left_s().values():
            asyncio.get_running_loop().call_later(seconds, self._write)
        if self._until:
            self._write()

    def left_s(self) -> Mapping[str, float]:
        """The seconds that are left, by place."""
        now = time.time()
        return {place: until - now for place, until in self._until.items() if until > now}

    def add(self, place: str, seconds: float) -> None:
        """Keep a ban until it is over. When this returns, it holds also for the next process."""
        self._until[place] = max(self._until.get(place, 0.0), time.time() + seconds)
        self._write()
        asyncio.get_running_loop().call_later(seconds, self._write)

    def _write(self) -> None:
        now = time.time()
        self._until = {place: until for place, until in self._until.items() if until > now}
        if self._file:
            draft = self._file.with_suffix(".new")
            draft.write_text(json.dumps(self._until), encoding="utf-8")
            draft.replace(self._file)


def _read(file: Path) -> dict[str, float]:
    try:
        return {place: float(until) for place, until in json.loads(file.read_text(encoding="utf-8")).items()}
    except (ValueError, TypeError, AttributeError):  # nothing that a start should fail for
        log.warning("%s cannot be read: what we were told to wait before this start is not known", file)
        return {}
