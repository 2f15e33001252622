"""Texts laid end to end in a few rows, each token seeing its own text only: no padding, whatever the texts' lengths.

Where padding stays small without sorting, texts can be taken in the order they came (compare `_splitting`).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

import torch

from plugins.classifiers._encoders import Encoder
from plugins.classifiers._network import Head, Item, Network

WIDTH = 64  # tokens of a row, at least: attention costs its square, gaps at the rows' ends cost more the shorter it is
STEP = 8  # widths are multiples of this, so that oneDNN meets few shapes; it prepares for each anew


class PackedNetwork(Network):
    """A Network on the CPU over an Encoder; any number of threads may use it at once."""

    packs = True

    def __init__(self, encoder: Encoder, pad: int, head: Head, precision: str) -> None:
        super().__init__(torch.nn.Identity(), torch.device("cpu"), pad, head, precision)
        self._encoder = encoder

    def probabilities(self, items: Sequence[Item]) -> torch.Tensor:
        sizes = [len(item) for item in items]
        starts, rows, width = rows_of(sizes)
        ids = torch.tensor([*chain.from_iterable(items)])
        return self._calibrated(self._encoder.logits(ids, torch.tensor(sizes), torch.tensor(starts), rows, width))


def rows_of(sizes: Sequence[int]) -> tuple[list[int], int, int]:
    """Where each text begins in the flattened rows, how many rows there are, how wide they are.

    Longest texts first, each in the first row with room for it.
    """
    width = max(min(sum(sizes), WIDTH), max(sizes))
    width = -(-width // STEP) * STEP
    used: list[int] = []
    begins = [0] * len(sizes)
    for text in sorted(range(len(sizes)), key=sizes.__getitem__, reverse=True):
        row = next((row for row, tokens in enumerate(used) if tokens + sizes[text] <= width), len(used))
        if row == len(used):
            used.append(0)
        begins[text] = row * width + used[row]
        used[row] += sizes[text]
    return begins, len(used), width
