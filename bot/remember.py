"""What was read lately, so that it need not be read again: bounded, safe from any thread, and forgotten on demand."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Remembered(Generic[K, V]):
    """The `most` last used values; each for `for_s` seconds at most, which is how late another process is noticed.

    A value that is read while somebody changes it must not be remembered. So: `at = r.now()`, read, `r.put(…, at)`;
    what was dropped since `at` is not taken.
    """

    def __init__(self, most: int, for_s: float = float("inf")) -> None:
        self._most = most
        self._for_s = for_s
        self._values: OrderedDict[K, tuple[float, V]] = OrderedDict()
        self._drops = 0
        self._lock = threading.Lock()

    def now(self) -> int:
        return self._drops

    def get(self, key: K) -> V | None:
        with self._lock:
            found = self._values.get(key)
            if found is None:
                return None
            if time.monotonic() - found[0] > self._for_s:
                del self._values[key]
                return None
            self._values.move_to_end(key)
            return found[1]

    def put(self, key: K, value: V, at: int) -> None:
        with self._lock:
            if at != self._drops:
                return
            self._values[key] = (time.monotonic(), value)
            self._values.move_to_end(key)
            if len(self._values) > self._most:
                self._values.popitem(last=False)

    def drop(self, key: K) -> None:
        with self._lock:
            self._drops += 1
            self._values.pop(key, None)

    def clear(self) -> None:
        with self._lock:
            self._drops += 1
            self._values.clear()
