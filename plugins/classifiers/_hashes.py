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
CROWDED = 64  # hashes with the same first bits; of real ones there are four or five at most
LEAST = np.int64(-1 << 63)

Hashes: TypeAlias = npt.NDArray[np.int64]


class Index:
    """Finds hashes among `known` ones, which stand in rising order: the first bits lead to the few that share them.

    A binary search takes 17 steps through memory for each, and in a crowd half as long again in all.

    Raises:
        ValueError: too many share their first bits: they are no hashes, and the table would fill the memory.
    """

    def __init__(self, known: Hashes) -> None:
        bits = len(known).bit_length() + 1  # at least two rows a hash
        self._shift, self._half = 64 - bits, 1 << (bits - 1)
        edges = (np.arange(-self._half, self._half) << self._shift).astype(np.int64)  # the least hash of each row
        self._first = np.searchsorted(known, edges)
        most = int(np.diff(self._first, append=len(known)).max())
        if most > CROWDED:
            raise ValueError(f"{most} of {len(known)} hashes begin alike")
        self._rows = np.repeat((edges ^ LEAST)[:, None], most, 1)  # room is filled with what belongs to another row
        rows = self._row(known)
        self._rows[rows, np.arange(len(known)) - self._first[rows]] = known

    def find(self, hashes: Hashes) -> tuple[Hashes, Hashes]:
        """Which of the hashes are known, by their places in the array, and where each of them stands."""
        rows = self._row(hashes)
        places, columns = np.nonzero(self._rows[rows] == hashes[:, None])
        return places, self._first[rows[places]] + columns

    def _row(self, hashes: Hashes) -> Hashes:
        return (hashes >> self._shift) + self._half


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
