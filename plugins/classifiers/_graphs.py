"""CUDA graphs for small batches: a GPU's time for them is the launching of some 200 kernels, and a graph is one launch.

Shapes are rounded up, so that a few graphs serve all batches; each is captured when it is first needed.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from plugins.classifiers._network import Head, Item, Network, padded

log = logging.getLogger(__name__)

MAX_TOKENS = 4096  # padded tokens; a larger batch keeps the GPU busy by itself
WIDTH_STEP = 16  # widths are multiples of this
WARM_UP = 3  # passes before a capture, as torch's own documentation of CUDA graphs has it


@dataclass(frozen=True, slots=True)
class _Captured:
    graph: torch.cuda.CUDAGraph
    ids: torch.Tensor
    mask: torch.Tensor
    values: torch.Tensor


class GraphNetwork(Network):
    """A Network on a CUDA device that replays small batches."""

    def __init__(
        self, module: torch.nn.Module, device: torch.device, pad: int, head: Head, precision: str = "fp32"
    ) -> None:
        super().__init__(module, device, pad, head, precision)
        self._captured: dict[tuple[int, int], _Captured] = {}
        self._pool = torch.cuda.graph_pool_handle()
        self._usable = True

    def probabilities(self, items: Sequence[Item]) -> torch.Tensor:
        shape = rounded(len(items), max(map(len, items)))
        if not self._usable or shape[0] * shape[1] > MAX_TOKENS:
            return super().probabilities(items)
        captured = self._captured.get(shape) or self._capture(shape)
        if captured is None:
            return super().probabilities(items)
        ids, mask = padded(items, self.pad, *shape)
        captured.ids.copy_(ids.pin_memory(), non_blocking=True)
        captured.mask.copy_(mask.pin_memory(), non_blocking=True)
        captured.graph.replay()
        return captured.values[: len(items)]

    def _capture(self, shape: tuple[int, int]) -> _Captured | None:
        """Record one pass of this shape. A model that cannot be recorded runs without graphs from then on."""
        ids, mask = (part.to(self.device) for part in padded([[self.pad]], self.pad, *shape))
        graph = torch.cuda.CUDAGraph()
        try:
            stream = torch.cuda.Stream(self.device)  # type: ignore[no-untyped-call]
            stream.wait_stream(torch.cuda.current_stream(self.device))
            with torch.cuda.stream(stream):
                for _ in range(WARM_UP):
                    self._pass(ids, mask)
            torch.cuda.current_stream(self.device).wait_stream(stream)
            with torch.cuda.graph(graph, pool=self._pool, capture_error_mode="thread_local"):
                values = self._pass(ids, mask)
        except torch.OutOfMemoryError:
            raise
        except RuntimeError as error:
            log.warning("no CUDA graphs for this model (%s): small batches are slower", type(error).__name__)
            self._usable = False
            return None
        return self._captured.setdefault(shape, _Captured(graph, ids, mask, values))


def rounded(rows: int, width: int) -> tuple[int, int]:
    """The shape a batch is padded to: rows to a power of two, width to a multiple of WIDTH_STEP."""
    return 1 << (rows - 1).bit_length(), -(-width // WIDTH_STEP) * WIDTH_STEP
