"""How a CPU's cores are shared out: in a crowd each of two threads runs passes of its own, a lone text may take all.

Two passes side by side need no barriers, so they read more texts than one pass on all cores, and cost less.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from plugins.classifiers._network import Item, Network
from plugins.classifiers._precision import CROWD, WORTH

log = logging.getLogger(__name__)

WORKERS = 2  # passes side by side; more of them would make batches smaller
TURNS = 8


@dataclass(frozen=True, slots=True)
class Cores:
    """`workers` passes side by side, each on `crowd` threads; a lone one on `lone`. 0 leaves torch's number."""

    workers: int = 1
    crowd: int = 0
    lone: int = 0


def share_out(network: Network, trial: list[Item], threads: int) -> Cores:
    """What a trial finds quickest on `threads` cores (0: all).

    More threads must be clearly quicker: on a machine that others use, or in a container with fewer cores than it sees,
    threads wait for each other. Only where a crowd's pass takes one thread may a lone one take more: libgomp's threads
    hardly spin any more when there are more of them than cores, and then every pass of several threads crawls
    (GCC's manual of libgomp, GOMP_SPINCOUNT). For the same reason the thread that tries this out must end.
    """
    if network.device.type != "cpu":
        return Cores()
    every = threads or torch.get_num_threads()
    if not network.packs:
        torch.set_num_threads(threads or _quicker(network, [*trial[:1], *CROWD * trial], 1, every))
        return Cores()
    workers = min(WORKERS, every)
    crowd = _quicker(network, CROWD * trial, 1, every // workers)
    lone = _quicker(network, trial[:1], 1, every) if crowd == 1 else crowd
    torch.set_num_threads(every)
    log.info("cores: %d passes of %d threads side by side, a lone text on %d", workers, crowd, lone)
    return Cores(workers, crowd, lone)


def _quicker(network: Network, items: Sequence[Item], few: int, many: int) -> int:
    """Tried by turns, so that what others do on the machine meanwhile hits both alike."""
    if many <= few:
        return few
    seconds = {few: math.inf, many: math.inf}
    for _ in range(TURNS):
        for number in seconds:
            torch.set_num_threads(number)
            began = time.perf_counter()
            network.forward(items)
            seconds[number] = min(seconds[number], time.perf_counter() - began)
    return many if seconds[few] > WORTH * seconds[many] else few
