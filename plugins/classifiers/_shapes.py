"""Batches as arrays for a pass over texts that lie behind each other (`_flat`), rounded up to few shapes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from plugins.classifiers._network import Item

STEP = 16  # tokens: a small batch has a multiple of this many
STEPS = 8  # a larger one a multiple of its power of two's eighth, so that at most an eighth is added
TEXTS = 4  # texts are rounded to a power of this; an empty one costs next to nothing
LONGEST = 128  # tokens, at least, that a text is taken to have: fewer do not make attention quicker

Numbers: TypeAlias = npt.NDArray[np.int32]


class Shape(NamedTuple):
    """Room for so many tokens and texts, none of them longer than `longest`."""

    tokens: int
    texts: int
    longest: int

    @property
    def size(self) -> int:
        """How many numbers `laid` needs."""
        return 2 * self.tokens + self.texts + 1

    @property
    def parts(self) -> tuple[int, int, int]:
        """The sizes of ids, places and bounds, which lie behind each other."""
        return self.tokens, self.tokens, self.texts + 1


def shape_of(items: Sequence[Item]) -> Shape:
    sizes = [len(item) for item in items]
    return Shape(sum(sizes), len(sizes), max(sizes))


def rounded(shape: Shape) -> Shape:
    """A shape that others share: with room for more tokens, which belong to no text, and for empty texts at the end."""
    power = 1 << (shape.tokens - 1).bit_length()  # the least that is not below
    step = max(STEP, power // (2 * STEPS))
    texts = 1
    while texts < shape.texts:
        texts *= TEXTS
    longest = max(LONGEST, 1 << (shape.longest - 1).bit_length())
    return Shape(-(-shape.tokens // step) * step, texts, longest)


def laid(numbers: Numbers, items: Sequence[Item], shape: Shape) -> None:
    """Write ids, places and bounds of the items into `numbers`, one array of `shape.size`."""
    sizes = np.fromiter(map(len, items), np.int32, len(items))
    ids, places, bounds = np.split(numbers, (shape.tokens, 2 * shape.tokens))
    bounds[0] = 0
    np.cumsum(sizes, out=bounds[1 : len(items) + 1])
    used = int(bounds[len(items)])
    bounds[len(items) + 1 :] = used
    ids[:used] = np.fromiter(chain.from_iterable(items), np.int32, used)
    places[:used] = np.arange(used, dtype=np.int32) - np.repeat(bounds[: len(items)], sizes)
    ids[used:] = places[used:] = 0
