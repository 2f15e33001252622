"""A model on a CUDA device in passes without padding; small batches are replayed from CUDA graphs.

A GPU's time for a small batch is the launching of some 100 kernels, and a graph is one launch. Shapes are rounded up,
so that some graphs, a hundred at most by default, serve all batches; each is recorded when it is first needed.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from plugins.classifiers._flat_weights import FlatEncoder
from plugins.classifiers._folder import first_line
from plugins.classifiers._memory import is_out_of_memory
from plugins.classifiers._network import Head, Item, Network
from plugins.classifiers._shapes import Numbers, Shape, laid, rounded, shape_of

log = logging.getLogger(__name__)

MAX_TOKENS = 8192  # a larger batch keeps the GPU busy by itself
WARM_UP = 3  # passes before a recording, as torch's own documentation of CUDA graphs has it

_one_records = threading.Lock()  # two recordings at once, of two models, would get into each other's way


@dataclass(frozen=True, slots=True)
class _Recorded:
    """A pass of one shape; `numbers` is `staged` as numpy sees it, both in memory that the GPU reads by itself."""

    shape: Shape
    graph: torch.cuda.CUDAGraph
    numbers: Numbers
    staged: torch.Tensor
    inputs: torch.Tensor
    values: torch.Tensor
    found: torch.Tensor

    def replayed(self, items: Sequence[Item]) -> torch.Tensor:
        """Probabilities in the CPU's memory; good until the next replay. The interpreter is free while a GPU works."""
        laid(self.numbers, items, self.shape)
        self.inputs.copy_(self.staged, non_blocking=True)
        self.graph.replay()
        self.found.copy_(self.values, non_blocking=True)
        torch.cuda.current_stream(self.inputs.device).synchronize()
        return self.found[: len(items)]


class FlatNetwork(Network):
    """A Network over a FlatEncoder; used by one thread at a time. Where there is no CUDA, nothing is recorded."""

    packs = True

    def __init__(self, encoder: FlatEncoder, device: torch.device, pad: int, head: Head, precision: str) -> None:
        super().__init__(torch.nn.Identity(), device, pad, head, precision)
        self._encoder = encoder
        self._recorded: dict[Shape, _Recorded] = {}
        self._usable = device.type == "cuda"
        if self._usable:
            self._pool = torch.cuda.graph_pool_handle()
            self._stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]

    def probabilities(self, items: Sequence[Item]) -> torch.Tensor:
        exact = shape_of(items)
        if not self._usable or exact.tokens > MAX_TOKENS:
            return self._at_once(items, exact)
        shape = rounded(exact)
        recorded = self._recorded.get(shape) or self._record(shape)
        return recorded.replayed(items) if recorded else self._at_once(items, exact)

    def _at_once(self, items: Sequence[Item], shape: Shape) -> torch.Tensor:
        staged = self._staged(shape)
        laid(staged.numpy(), items, shape)
        return self._flat(staged.to(self.device, non_blocking=True), shape)[: len(items)]

    def _staged(self, shape: Shape) -> torch.Tensor:
        return torch.zeros(shape.size, dtype=torch.int32, pin_memory=self.device.type == "cuda")

    def _flat(self, inputs: torch.Tensor, shape: Shape) -> torch.Tensor:
        ids, places, bounds = torch.split(inputs, [*shape.parts])
        return self._calibrated(self._encoder.logits(ids, places, bounds, shape.longest))

    def _record(self, shape: Shape) -> _Recorded | None:
        """Record one pass of this shape. A model that cannot be recorded runs without graphs from then on.

        Raises:
            torch.OutOfMemoryError: there is no room for it.
        """
        try:
            with _one_records:
                recorded = self._recording(shape)
        except RuntimeError as error:
            self._pool = torch.cuda.graph_pool_handle()  # what failed may have left the other one open
            if lacks_memory(error):
                raise torch.OutOfMemoryError(f"no room to record a pass: {first_line(error)}") from error
            log.warning("no CUDA graphs for this model, small batches are slower: %s", first_line(error))
            self._usable = False
            return None
        self._recorded[shape] = recorded
        return recorded

    def _recording(self, shape: Shape) -> _Recorded:
        staged = self._staged(shape)
        inputs, graph = staged.to(self.device), torch.cuda.CUDAGraph()
        self._stream.wait_stream(torch.cuda.current_stream(self.device))
        with torch.cuda.stream(self._stream):  # cuBLAS keeps its workspace by stream: the recorded one must stay
            for _ in range(WARM_UP):
                self._flat(inputs, shape)
            with torch.cuda.graph(graph, self._pool, self._stream, capture_error_mode="thread_local"):
                values = self._flat(inputs, shape)
        found = torch.empty(values.shape, dtype=values.dtype, pin_memory=True)
        return _Recorded(shape, graph, staged.numpy(), staged, inputs, values, found)


def lacks_memory(error: BaseException | None) -> bool:
    """Is that behind an error? A recording that lacks memory fails once more when it is ended."""
    while isinstance(error, Exception):
        if is_out_of_memory(error):
            return True
        error = error.__context__
    return False
