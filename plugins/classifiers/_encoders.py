"""Models whose passes are run on a CPU without transformers: their weights as oneDNN wants them, and `_passes`."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeAlias

import torch

from plugins.classifiers import _passes
from plugins.classifiers._layers import reordered
from plugins.classifiers._weights import Layout, weights_of

Pass: TypeAlias = Callable[..., torch.Tensor]

PASSES: dict[str, Pass] = {"bert": _passes.bert, "modernbert": _passes.modernbert}


@dataclass(frozen=True, slots=True)
class Encoder:
    """A pass and the weights it runs with."""

    run: Pass
    weights: tuple[Any, ...]

    def logits(
        self, ids: torch.Tensor, lengths: torch.Tensor, starts: torch.Tensor, rows: int, width: int
    ) -> torch.Tensor:
        """float32 of shape (texts, labels).

        Args:
            ids: the tokens of all texts, one after the other.
            lengths: how many tokens each text has.
            starts: where each text begins in the flattened rows.
            rows, width: how many rows there are, and how many tokens each has room for.
        """
        return self.run(ids, lengths, starts, rows, width, *self.weights)


def encoder_of(module: Any, dtype: torch.dtype) -> Encoder | None:
    """The encoder of a transformers model for sequence classification; None where its kind is not known."""
    onednn: bool = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    weights = weights_of(module, Layout(dtype, reordered)) if onednn else None
    return None if weights is None else Encoder(_scripted(PASSES[weights.family]), weights.parts)


@cache
def _scripted(function: Pass) -> Pass:
    """The same function without the interpreter. torch's newer ways to that want a C++ compiler beside the bot."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        scripted: Pass = torch.jit.script(function)
    return scripted
