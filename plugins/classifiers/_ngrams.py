"""What a text's letters say by themselves: a linear reader over character n-grams and words, beside the network.

A small network knows what words mean alike, n-grams know how our writers spell what; together they are right more often
than either (training/LOG.md). `ngrams.safetensors` in a model folder holds one, its weight stands in calibration.json:
logits = network's / temperature + weight · n-grams' (a product of experts, Hinton 2002).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from bot.errors import OperatorError
from plugins.classifiers._hashes import Hashes, Index, hashed

FILE = "ngrams.safetensors"
OWN = np.int64(1 << 40)  # columns of one text; there are fewer of them

Floats: TypeAlias = npt.NDArray[np.float32]


class Said(list[int]):
    """A text's token ids, and beside them the n-grams' logits, shape (labels,), times their weight."""

    def __init__(self, tokens: Sequence[int], logits: Floats) -> None:
        super().__init__(tokens)
        self.logits = logits


@dataclass(frozen=True, slots=True)
class Ngrams:
    """`known` n-grams' hashes in rising order, how rare each is, and its weights, shape (known, labels)."""

    known: Hashes
    rarity: Floats
    weights: Floats
    bias: Floats
    index: Index = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "index", Index(self.known))

    def logits(self, texts: Sequence[str]) -> Floats:
        """Shape (texts, labels)."""
        columns, values, starts = weighed(texts, self.index, self.rarity)
        found = np.tile(self.bias, (len(texts), 1))
        for row, start, end in zip(found, starts, np.append(starts, len(columns))[1:], strict=True):
            row += values[start:end] @ self.weights[columns[start:end]]
        return found


def weighed(texts: Sequence[str], index: Index, rarity: Floats) -> tuple[Hashes, Floats, Hashes]:
    """Each text's known n-grams: their columns and values, all texts' after each other, and where a text's begin.

    A value is (1 + ln count) · rarity, and a text's values have length 1, as in scikit-learn's TF-IDF.
    """
    hashes, owners = hashed(texts)
    places, columns = index.find(hashes)
    keys = owners[places] * OWN + columns
    keys.sort()
    first = np.flatnonzero(np.diff(keys, prepend=-1))  # of equal ones
    owners, columns = keys[first] // OWN, keys[first] % OWN
    values = (1 + np.log(np.diff(first, append=len(keys)))) * rarity[columns]
    norms = np.sqrt(np.bincount(owners, values**2, len(texts)))
    starts = np.searchsorted(owners, np.arange(len(texts)))
    return columns, (values / norms[owners]).astype(np.float32), starts


def write(folder: Path, ngrams: Ngrams) -> None:
    """With 8-bit weights, one scale an n-gram: they take a quarter of the room."""
    scales = np.maximum(np.abs(ngrams.weights).max(1), 1e-12) / 127
    content = {
        "known": ngrams.known,
        "rarity": ngrams.rarity.astype(np.float16),
        "weights": np.rint(ngrams.weights / scales[:, None]).astype(np.int8),
        "scales": scales.astype(np.float16),
        "bias": ngrams.bias,
    }
    save_file(content, folder / FILE)


def read(folder: Path, labels: int, several: bool) -> Ngrams | None:
    """A model folder's n-grams, if it has some.

    Raises:
        OperatorError: they do not fit the model, or each other.
    """
    if not (folder / FILE).is_file():
        return None
    wrong = OperatorError(f"{folder / FILE} is not for this model: take it away, or train the model anew")
    try:
        content = load_file(folder / FILE)
        known = content["known"]
    except (SafetensorError, KeyError, OSError, TypeError) as error:
        raise wrong from error
    count = known.size
    shapes = {"known": (count,), "rarity": (count,), "scales": (count,), "weights": (count, labels), "bias": (labels,)}
    fits = all(name in content and content[name].shape == shape for name, shape in shapes.items())
    if several or not count or not fits or known.dtype != np.int64 or (known[1:] <= known[:-1]).any():
        raise wrong
    if not all(np.isfinite(content[name]).all() for name in ("rarity", "scales", "bias")):
        raise wrong
    weights = content["weights"] * content["scales"].astype(np.float32)[:, None]
    try:
        return Ngrams(known, content["rarity"].astype(np.float32), weights, content["bias"])
    except ValueError as error:
        raise wrong from error
