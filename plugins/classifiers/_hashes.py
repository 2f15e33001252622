"""The hashes of a text's n-grams and words, counted without a loop over letters, and where known ones stand.

Texts are laid end to end as code points, and hashed n by n.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

LONGEST = 4  # letters; an n-gram may begin or end with the space beside a word, and holds none inside
MAX_CHARS = 1_000  # of a text; what comes later is not counted
SPACE = 32
SEED, FACTOR = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xD6E8FEB86659FD93)  # odd, of many bits; 64-bit sums wrap
POWERS = np.cumprod(np.full(MAX_CHARS + 2, FACTOR))
BITS = 18  # of a hash, its first: so many lead to its place among some 100,000

Hashes: TypeAlias = npt.NDArray[np.int64]


class Index:
    """Finds hashes among `known` ones, in rising order: the first bits lead next to them, a few steps are left.

    A binary search takes 17 steps through memory for each, and three times as long in all.
    """

    def __init__(self, known: Hashes) -> None:
        self._known, self._shift, self._half = known, 64 - BITS, 1 << (BITS - 1)
        edges = (np.arange(1 << BITS) - self._half) << self._shift
        self._first = np.append(np.searchsorted(known, edges), len(known)).astype(np.int32)

    def find(self, hashes: Hashes) -> tuple[Hashes, Hashes]:
        """Which of the hashes are known, by their places in the array, and where each of them stands."""
        parts = (hashes >> self._shift) + self._half
        at, ends, left = self._first[parts], self._first[parts + 1], np.arange(len(hashes))
        places, columns = [left[:0]], [left[:0]]
        while len(left := left[at < ends]):
            at, ends = at[at < ends], ends[at < ends]
            hits = np.flatnonzero(self._known[at] == hashes[left])
            places.append(left[hits])
            columns.append(at[hits])
            at = at + 1
        return np.concatenate(places), np.concatenate(columns)


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
