"""How often the bot may identify at Discord's gateway.

Discord resets the token of a bot that identifies more than 1,000 times in 24 hours (gateway#identifying), and answers
“invalid session” to two within five seconds (gateway#rate-limiting). The times lie on disk, because it is the bot that
crashes and starts again, over and over, that gets there: a few are free, then one every 90 s, 960 a day.
"""

from __future__ import annotations

import fcntl
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

SPACING_S = 5.0


class IdentifyBudget:
    """`free` identifies in a row for each of `shards`, then one every `every_s`; never two within `spacing_s`, or
    `every_s` if that is shorter."""

    def __init__(
        self, file: Path, free: int = 5, every_s: float = 90.0, spacing_s: float = SPACING_S, shards: int = 1
    ) -> None:
        self._file = file
        self._free = free * shards
        self._every_s = every_s
        self._spacing_s = min(spacing_s, every_s)

    def wait_s(self) -> float:
        """Seconds until the next identify is allowed."""
        with self._opened() as file:
            return self._wait_s(self._times(file))

    def take(self) -> float:
        """Note an identify that is sent now; or return the seconds to wait for it, and note nothing."""
        with self._opened() as file:
            times = self._times(file)
            if wait_s := self._wait_s(times):
                return wait_s
            file.seek(0)
            file.truncate()
            json.dump([*times, time.time()], file)
            return 0.0

    def _wait_s(self, times: list[float]) -> float:
        if not times:
            return 0.0
        apart_s = self._every_s if len(times) >= self._free else self._spacing_s
        return max(0.0, times[-1] + apart_s - time.time())

    def _times(self, file: TextIO) -> list[float]:
        """Those that still count: as many as are free, plus one, take this long at the slow pace."""
        try:
            known: list[float] = json.loads(file.read() or "[]")
        except ValueError:  # cut off by a crash: the slow pace is the safe one
            known = [time.time()] * self._free
        now = time.time()
        return [at for at in known if now - (self._free + 1) * self._every_s < at <= now]

    @contextmanager
    def _opened(self) -> Iterator[TextIO]:
        self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self._file.open("a+", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            yield file
