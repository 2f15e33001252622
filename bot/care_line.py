"""The first line of the crisis detector: a linear model over character n-grams, words and signs, in plain Python.

Terms are 32-bit hashes, so no vocabulary is kept. Each of the four groups is weighted by sublinear tf-idf and brought
to length one, as scikit-learn's TfidfVectorizer does; three heads share the terms. Fitted by training/care.py.
"""

from __future__ import annotations

import json
import re
from array import array
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from math import log, sqrt
from pathlib import Path
from typing import Any
from zlib import crc32

from bot import care_signs
from bot.care_text import plain

HEADS = ("risk", "explicit", "other")
SCALES = {"joined": 1.0, "words": 1.0, "last": 0.5, "signs": 0.2}  # how much a group may say; chosen on unseen authors
NGRAMS = range(1, 6)
TURN_END = " ¶ "
MODEL = Path(__file__).with_name("care_line.bin")

_WORD = re.compile(r"[가-힣]+|[a-z']+|[ㄱ-ㅣ]+|\d+|[^\s\w]")

Terms = Mapping[str, Mapping[int, int]]  # group → hash of a term → how often


@dataclass(frozen=True, slots=True)
class Line:
    """`rows`: hash → row; `idf` and, for each head, a bias and a weight a row as 8-bit numbers with their scale.

    A talk counts as a risk above the log-odds `risk_at`, and as explicit above `explicit_at`.
    """

    rows: Mapping[int, int]
    idf: Sequence[int]
    idf_scale: float
    biases: Mapping[str, float]
    weights: Mapping[str, Sequence[int]]
    scales: Mapping[str, float]
    risk_at: float = 0.0
    explicit_at: float = 0.0

    def scores(self, found: Terms) -> dict[str, float]:
        """The log-odds of each head."""
        scores = dict(self.biases)
        for group, counts in found.items():
            known = ((self.rows.get(key), count) for key, count in counts.items())
            rows = [(row, self.idf[row] * (1 + log(count))) for row, count in known if row is not None]
            length = sqrt(sum(value * value for _, value in rows)) or 1.0
            for head in HEADS:
                weights = self.weights[head]
                total = sum(weights[row] * value for row, value in rows)
                scores[head] += self.scales[head] * SCALES[group] * total / length
        return scores


def terms(turns: Sequence[str]) -> Terms:
    """The terms of a talk: a person's turns, oldest first; the last is the one that is judged."""
    plains = [plain(turn) for turn in turns]
    signs = [care_signs.look(text) for text in plains]
    return {
        "joined": _hashed("joined", _ngrams(TURN_END.join(plains))),
        "words": _hashed("words", _words(TURN_END.join(turns).lower())),
        "last": _hashed("last", _ngrams(plains[-1])),
        "signs": _hashed("signs", care_signs.terms(signs)),
    }


def _hashed(group: str, found: Iterable[str]) -> Counter[int]:
    start = crc32(group.encode())
    return Counter(crc32(term.encode(errors="surrogatepass"), start) for term in found)


def _ngrams(text: str) -> Iterable[str]:
    return (text[at : at + size] for size in NGRAMS for at in range(len(text) - size + 1))


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
        keys, idf = array("I", file.read(4 * count)), array("B", file.read(count))
        weights = {name: array("b", file.read(count)) for name in HEADS}
    rows = dict(zip(keys, range(count), strict=True))
    thresholds = head["risk_at"], head["explicit_at"]
    return Line(rows, idf, head["idf_scale"], head["biases"], weights, head["scales"], *thresholds)
