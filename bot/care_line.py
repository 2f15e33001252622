"""The first line of the crisis detector: a linear model over character n-grams, words and signs, run by numpy.

Terms are hashes, so no vocabulary is kept. Each of the four groups is weighted by sublinear tf-idf and brought
to length one, as scikit-learn's TfidfVectorizer does; three heads share the terms. Fitted by training/care.py.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import numpy.typing as npt

from bot import care_signs
from bot.care_text import plain

HEADS = ("risk", "explicit", "other")
SCALES = {"joined": 1.0, "words": 1.0, "last": 0.5, "signs": 0.2}  # how much a group may say; chosen on unseen authors
GROUP = np.uint32(3)  # the bits of a term's hash that say its group, as its place in SCALES
LONGEST = 5  # characters of an n-gram
TURN_END = " ¶ "
MODEL = Path(__file__).with_name("care_line.bin")

_WORD = re.compile(r"[가-힣]+|[a-z']+|[ㄱ-ㅣ]+|\d+|[^\s\w]")
_MULTIPLIERS = np.random.Generator(np.random.PCG64(5)).integers(2**63, size=LONGEST, dtype=np.uint64) * 2 + 1

Hashes = npt.NDArray[np.uint32]


@dataclass(frozen=True, slots=True, eq=False)
class Terms:
    """The terms of a talk, in order, and how often each is there. Their hashes end in the group's place (`GROUP`)."""

    keys: Hashes
    counts: npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """`keys`: the known terms, in order; for each its `idf` and a weight a head (8-bit numbers with a scale).

    A talk counts as a risk above the log-odds `risk_at`, and as explicit above `explicit_at`.
    """

    keys: Hashes
    idf: npt.NDArray[np.uint8]
    idf_scale: float
    biases: Mapping[str, float]
    weights: npt.NDArray[np.int8]  # shape (terms, heads)
    scales: Mapping[str, float]
    risk_at: float = 0.0
    explicit_at: float = 0.0

    def scores(self, found: Terms) -> dict[str, float]:
        """The log-odds of each head."""
        rows, values = self.features(found)
        totals = values @ self.weights[rows]
        return {head: self.biases[head] + self.scales[head] * float(totals[at]) for at, head in enumerate(HEADS)}

    def features(self, found: Terms) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float64]]:
        """The rows of the terms that are known, and what each says: tf-idf, a group's length being its scale."""
        rows = np.minimum(np.searchsorted(self.keys, found.keys), len(self.keys) - 1)
        known = self.keys[rows] == found.keys
        rows, groups = rows[known], (found.keys[known] & GROUP).astype(np.intp)
        values = self.idf[rows] * (1 + np.log(found.counts[known]))
        lengths = np.sqrt(np.bincount(groups, values * values, len(SCALES)))
        values *= (np.array(list(SCALES.values())) / np.maximum(lengths, 1e-9))[groups]
        return rows, values


def terms(turns: Sequence[str]) -> Terms:
    """The terms of a talk: a person's turns, oldest first; the last is the one that is judged."""
    plains = [plain(turn) for turn in turns]
    signs = [care_signs.look(text) for text in plains]
    hashes = {
        "joined": _ngrams(TURN_END.join(plains)),
        "words": _hashed(_words(TURN_END.join(turns).lower())),
        "last": _ngrams(plains[-1]),
        "signs": _hashed(care_signs.terms(signs)),
    }
    keys = np.sort(np.concatenate([hashes[group] & ~GROUP | np.uint32(at) for at, group in enumerate(SCALES)]))
    starts = np.concatenate([[True], keys[1:] != keys[:-1], [True]]).nonzero()[0]
    return Terms(keys[starts[:-1]], starts[1:] - starts[:-1])


def _hashed(found: Iterable[str]) -> Hashes:
    return np.fromiter((crc32(term.encode(errors="surrogatepass")) for term in found), np.uint32)


def _ngrams(text: str) -> Hashes:
    """All n-grams at once, by multilinear hashing: the high half of Σ character · multiplier (Lemire & Kaser 2014)."""
    letters = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4").astype(np.uint64)
    sums = np.zeros_like(letters)
    sizes = [sums[:0]]
    for size, multiplier in enumerate(_MULTIPLIERS[: len(letters)]):
        sums = sums[: len(letters) - size] + letters[size:] * multiplier
        sizes.append(sums)
    return (np.concatenate(sizes) >> np.uint64(32)).astype(np.uint32)


def _words(text: str) -> Iterable[str]:
    words = _WORD.findall(text)
    yield from words
    yield from (f"{one} {two}" for one, two in pairwise(words))


def left_out(path: Path = MODEL) -> dict[str, Any]:
    """The counts on authors whose items were left out of the fit, as training/care.py wrote them beside the model."""
    with path.open("rb") as file:
        figures: dict[str, Any] = json.loads(file.readline())["left_out"]
    return figures


@cache
def load(path: Path = MODEL) -> Line:
    """The fitted model: a line of JSON, then hashes, idf and weights as raw little-endian numbers."""
    with path.open("rb") as file:
        head = json.loads(file.readline())
        count = head["terms"]
        keys = np.frombuffer(file.read(4 * count), "<u4")
        idf = np.frombuffer(file.read(count), np.uint8)
        weights = np.frombuffer(file.read(len(HEADS) * count), np.int8).reshape(count, len(HEADS))
    thresholds = head["risk_at"], head["explicit_at"]
    return Line(keys, idf, head["idf_scale"], head["biases"], weights, head["scales"], *thresholds)
