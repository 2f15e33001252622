"""A loaded model on one device: token ids in, calibrated probabilities out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import torch

from plugins.classifiers._ngrams import Said

Item: TypeAlias = list[int]
Row: TypeAlias = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Head:
    """How logits become probabilities: divided by a temperature, then a sigmoid each (`several`) or one softmax."""

    several: bool = False
    temperature: float | tuple[float, ...] = 1.0


class Network:
    """`module` is a transformers model for sequence classification; used by one thread only."""

    packs = False  # texts of any lengths go together without padding

    def __init__(
        self, module: torch.nn.Module, device: torch.device, pad: int, head: Head, precision: str = "fp32"
    ) -> None:
        self.module, self.device, self.pad, self.precision = module.to(device).eval(), device, pad, precision
        self._several, self._temperature = head.several, torch.tensor(head.temperature, device=device)

    def forward(self, items: Sequence[Item]) -> list[Row]:
        """Probabilities, one tuple of all labels per item.

        Raises:
            FloatingPointError: the model returned no numbers.
            torch.OutOfMemoryError: the batch does not fit.
        """
        with torch.inference_mode():
            values = mixed(self.probabilities(items).cpu(), items).numpy()
        if not np.isfinite(values).all():
            raise FloatingPointError("the model returned no numbers")
        rows: list[list[float]] = values.tolist()
        return [*map(tuple, rows)]

    def probabilities(self, items: Sequence[Item]) -> torch.Tensor:
        """Shape (items, labels)."""
        ids, mask = padded(items, self.pad)
        even = bool(mask.all())  # without padding there is nothing to mask, and attention is quicker
        return self._pass(ids.to(self.device), None if even else mask.to(self.device))

    def _pass(self, ids: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        logits: torch.Tensor = self.module(input_ids=ids, attention_mask=mask).logits.float()
        return self._calibrated(logits)

    def _calibrated(self, logits: torch.Tensor) -> torch.Tensor:
        logits = logits / self._temperature
        return logits.sigmoid() if self._several else logits.softmax(-1)


def mixed(probabilities: torch.Tensor, items: Sequence[Item]) -> torch.Tensor:
    """The network's probabilities, shape (items, labels), times what n-grams say, where there are any."""
    said = [item.logits for item in items if isinstance(item, Said)]
    return (probabilities.log() + torch.from_numpy(np.stack(said))).softmax(-1) if said else probabilities


def padded(items: Sequence[Item], pad: int, rows: int = 0, width: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Ids and mask of shape (rows, width), or as small as they can be; rows of nothing show one padding token."""
    width = max(width, max(map(len, items)))
    empty = [pad] * width
    ids = [item + empty[len(item) :] for item in items] + [empty] * (rows - len(items))
    lengths = [len(item) for item in items] + [1] * (rows - len(items))
    mask = torch.arange(width) < torch.tensor(lengths)[:, None]
    return torch.tensor(ids), mask.long()
