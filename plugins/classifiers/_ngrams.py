"""What a text's letters say by themselves: a linear reader over character n-grams and words, beside the network.

A small network knows what words mean alike, n-grams know how our writers spell what; together they are right more often
than either (training/LOG.md). `ngrams.safetensors` in a model folder holds one, its weight stands in calibration.json:
logits = network's / temperature + weight · n-grams' (a product of experts, Hinton 2002).

Features are counted without a loop over letters: texts are laid end to end as code points, and hashed n by n.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from bot.errors import OperatorError

FILE = "ngrams.safetensors"
LONGEST = 4  # letters; an n-gram may begin or end with the space beside a word, and holds none inside
MAX_CHARS = 1_000  # of a text; what comes later is not counted
SPACE = 32
SEED, FACTOR = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xD6E8FEB86659FD93)  # odd, of many bits; 64-bit sums wrap
POWERS = np.cumprod(np.full(MAX_CHARS + 2, FACTOR))

Hashes: TypeAlias = npt.NDArray[np.int64]
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

    def logits(self, texts: Sequence[str]) -> Floats:
        """Shape (texts, labels)."""
        columns, values, starts = weighed(texts, self.known, self.rarity)
        found = np.tile(self.bias, (len(texts), 1))
        for row, start, end in zip(found, starts, np.append(starts, len(columns))[1:], strict=True):
            row += values[start:end] @ self.weights[columns[start:end]]
        return found


def weighed(texts: Sequence[str], known: Hashes, rarity: Floats) -> tuple[Hashes, Floats, Hashes]:
    """Each text's known n-grams: their columns and values, all texts' after each other, and where a text's begin.

    A value is (1 + ln count) · rarity, and a text's values have length 1, as in scikit-learn's TF-IDF.
    """
    hashes, owners = hashed(texts)
    if not len(known):
        return np.zeros(0, np.int64), np.zeros(0, np.float32), np.zeros(len(texts), np.int64)
    columns = np.searchsorted(known, hashes)
    columns[columns == len(known)] = 0
    fits = known[columns] == hashes
    keys = owners[fits] * len(known) + columns[fits]
    keys.sort()
    first = np.flatnonzero(np.diff(keys, prepend=-1))  # of equal ones
    owners, columns = np.divmod(keys[first], len(known))
    values = (1 + np.log(np.diff(first, append=len(keys)))) * rarity[columns]
    norms = np.sqrt(np.bincount(owners, values**2, len(texts)))
    starts = np.searchsorted(owners, np.arange(len(texts)))
    return columns, (values / norms[owners]).astype(np.float32), starts


def hashed(texts: Sequence[str]) -> tuple[Hashes, Hashes]:
    """The hash of every n-gram and word of all texts, and which text it is of."""
    lower = (text[:MAX_CHARS].lower()[:MAX_CHARS] for text in texts)  # some letters are two when they are small
    spaced = [f" {' '.join(text.split())} " for text in lower]
    letters = np.frombuffer("".join(spaced).encode("utf-32-le", "replace"), dtype=np.uint32).astype(np.uint64)
    owners = np.repeat(np.arange(len(texts)), [len(text) for text in spaced])
    blank = letters == SPACE
    found, whose = [], []
    rolled, inside = np.full(len(letters), SEED), ~blank
    for size in range(1, min(LONGEST, len(letters)) + 1):
        until = len(letters) - size + 1
        rolled = (rolled[:until] ^ letters[size - 1 :]) * FACTOR
        if size > 3:  # all letters between the first and the last are inside a word
            inside = inside[:until] & ~blank[size - 2 : until + size - 2]
        elif size == 3:
            inside = ~blank[1:-1]
        fits = inside if size > 2 else ~(blank[:until] & blank[size - 1 :])
        found.append(rolled[fits])
        whose.append(owners[:until][fits])
    words, places = _words(letters, blank)
    found.append(words)
    whose.append(owners[places])
    return np.concatenate(found).view(np.int64), np.concatenate(whose)


def _words(letters: npt.NDArray[np.uint64], blank: npt.NDArray[np.bool_]) -> tuple[npt.NDArray[np.uint64], Hashes]:
    """Each word's hash, a polynomial of its letters, and where it begins."""
    places = np.arange(len(letters))
    starts = np.flatnonzero(~blank & np.roll(blank, 1))
    lasts = np.flatnonzero(~blank & np.roll(blank, -1))
    since = places - np.maximum.accumulate(np.where(blank, places, 0))
    sums = np.cumsum(np.where(blank, np.uint64(0), letters * POWERS[since]))
    return (sums[lasts] - sums[starts - 1]) ^ SEED, starts


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
    return Ngrams(known, content["rarity"].astype(np.float32), weights, content["bias"])
