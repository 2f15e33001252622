"""Models whose passes are run on a GPU without transformers: their weights there, as `_flat` wants them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from plugins.classifiers import _flat
from plugins.classifiers._weights import Layout, Parts, plain, weights_of


@dataclass(frozen=True, slots=True)
class FlatEncoder:
    """A pass and the weights it runs with, on one device."""

    run: Callable[..., torch.Tensor]
    weights: Parts

    def logits(self, ids: torch.Tensor, places: torch.Tensor, bounds: torch.Tensor, most: int) -> torch.Tensor:
        """float32 of shape (texts, labels); for the arguments see `_flat.bert`."""
        return self.run(ids, places, bounds, most, *self.weights)


def flat_encoder_of(module: Any, dtype: torch.dtype, device: torch.device) -> FlatEncoder | None:
    """The encoder of a transformers model (in fp32, on the CPU); None where its kind is not known."""
    weights = weights_of(module, Layout(torch.float32, plain))
    if weights is None:
        return None
    if weights.family == "modernbert":
        return FlatEncoder(_flat.modernbert, _moved(_without_zeros(weights.parts), dtype, device))
    return FlatEncoder(_flat.bert, _moved(_folded(weights.parts), dtype, device))


def _folded(parts: Parts) -> Parts:
    """The biases of products that are added to the state stand in the norm before, so that such a product is all.

    The norm gives the state and that bias; the other layers that read it take what they would make of the bias away.
    """
    words, table, norm, layers, *rest = parts
    before = norm = [*norm]
    folded = []
    for qkv_w, qkv_b, own_w, own_b, norm_w, norm_b, wide_w, wide_b, narrow_w, narrow_b, last_w, last_b in layers:
        before[-1] = before[-1] + own_b
        before = [qkv_w, qkv_b - qkv_w @ own_b, own_w, norm_w, norm_b + narrow_b]
        before += [wide_w, wide_b - wide_w @ narrow_b, narrow_w, last_w, last_b]
        folded.append(before)
    return words, table, norm, folded, *rest


def _without_zeros(parts: Parts) -> Parts:
    """Most models have no biases: where all are 0, nothing is to be added to the state besides the products."""
    words, embedding, layers, *rest = parts
    return words, embedding, [[_none_if_zero(one, at) for at, one in enumerate(layer)] for layer in layers], *rest


def _none_if_zero(part: torch.Tensor, at: int) -> torch.Tensor | None:
    return None if at in _flat.ADDED and not part.any() else part


def _moved(part: Any, dtype: torch.dtype, device: torch.device) -> Any:
    """All tensors of a tree of lists and tuples in that type and on that device; other leaves stay."""
    if isinstance(part, torch.Tensor):
        return part.to(device, dtype)
    return type(part)(_moved(one, dtype, device) for one in part) if isinstance(part, list | tuple) else part
