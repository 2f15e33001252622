"""Is the event loop late? Everything here runs in it, so whoever holds it up holds up everybody."""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
import time
from traceback import walk_stack

from bot import metrics

log = logging.getLogger(__name__)

EVERY_S = 0.25
LATE_S = 1.0
MAX_PLACES = 8


async def watch_loop(every_s: float = EVERY_S, late_s: float = LATE_S) -> None:
    """Measure how late the loop is, until cancelled; more than `late_s` is logged with the place that held it up."""
    lookout = Lookout(threading.get_ident(), late_s + every_s)
    lookout.start()
    try:
        while True:
            start = lookout.seen_at = time.monotonic()
            await asyncio.sleep(every_s)
            late = time.monotonic() - start - every_s
            metrics.loop_lag_s.observe(max(late, 0.0))
            if late > late_s:
                log.warning("the event loop stood still for %.1f s in %s", late, lookout.place or "an unknown place")
            lookout.place = ""
    finally:
        lookout.stop()


class Lookout(threading.Thread):
    """A thread of its own, as the loop cannot say what it is doing while it does it."""

    def __init__(self, watched: int, late_s: float) -> None:
        super().__init__(name="lookout", daemon=True)
        self.seen_at = time.monotonic()
        self.place = ""
        self._watched = watched
        self._late_s = late_s
        self._stopped = threading.Event()

    def run(self) -> None:
        while not self._stopped.wait(self._late_s / 4):
            if time.monotonic() - self.seen_at > self._late_s and not self.place:
                self.place = _place_of(self._watched)

    def stop(self) -> None:
        self._stopped.set()
        self.join()


def _place_of(thread: int) -> str:
    """Where a thread is, innermost first: places alone, no value."""
    frame = sys._current_frames().get(thread)
    if frame is None:
        return ""
    frames = [f"{one.f_code.co_filename.rpartition('/')[2]}:{line}" for one, line in walk_stack(frame)]
    return " < ".join(frames[:MAX_PLACES])
