"""What happens when memory runs out: half the batch, a quarter, … then the next device, then no emotion.

Each step is logged and counted, and after a while everything is tried again as it was.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence

import torch

from bot import metrics
from plugins.classifiers._network import Item, Network, Row

log = logging.getLogger(__name__)

RETRY_S = 60.0


class Ladder:
    """Runs batches on the first of `rungs` that has the memory for them; several threads may use it where there is one.

    Args:
        rungs: networks from the best device to the last resort; each is built when it is first needed.
        max_batch: the most items of one pass.
        retry_s: after so long the first rung and full batches are tried again.
    """

    def __init__(self, rungs: Sequence[Callable[[], Network]], max_batch: int, retry_s: float = RETRY_S) -> None:
        self._rungs: list[Network | Callable[[], Network]] = [*rungs]
        self._max_batch, self._retry_s = max_batch, retry_s
        self._limit, self._rung = max_batch, 0
        self._short_since: float | None = None

    @property
    def network(self) -> Network:
        """The one that serves now; built if it is not yet."""
        rung = self._rungs[self._rung]
        if not isinstance(rung, Network):
            rung = self._rungs[self._rung] = rung()
        return rung

    def forward(self, items: Sequence[Item]) -> list[Row]:
        """One row per item.

        Raises:
            MemoryError: not even one text fits on the last device.
        """
        trying = self._try_again()
        rows: list[Row] = []
        while len(rows) < len(items):
            piece = items[len(rows) : len(rows) + self._limit]
            try:
                rows += self.network.forward(piece)
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                self._step_down(len(piece) if isinstance(self._rungs[self._rung], Network) else 1)
        if trying and self._short_since is None:
            _count("undone", "memory is there again: full batches on %s", self.network.device)
        return rows

    def _step_down(self, size: int) -> None:
        self._short_since = time.monotonic()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        if size > 1:
            self._limit = size // 2
            _count("halved", "out of memory with %d texts: batches of %d from now on", size, self._limit)
        elif self._rung + 1 < len(self._rungs):
            self._rung, self._limit = self._rung + 1, self._max_batch
            _count("moved", "out of memory with one text: the model moves to the next device")
        else:
            _count("none", "out of memory with one text on the last device: it is answered without an emotion")
            raise MemoryError("not even one text fits")

    def _try_again(self) -> bool:
        if self._short_since is None or time.monotonic() - self._short_since < self._retry_s:
            return False
        self._short_since, self._rung, self._limit = None, 0, self._max_batch
        return True


def is_out_of_memory(error: Exception) -> bool:
    """CUDA's allocator has an error of its own; Apple's and the CPU's (c10/core/impl/alloc_cpu.cpp) say it in words."""
    words = ("out of memory", "DefaultCPUAllocator")
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or any(word in str(error) for word in words)


def _count(step: str, words: str, *facts: object) -> None:
    metrics.classifier_memory.labels(step).inc()
    log.warning(words, *facts)
