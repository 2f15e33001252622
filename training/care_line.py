"""Fits the crisis detector's first line: logistic regression with three heads that share the terms of bot.care_line.

Is there a risk; is it said outright; is it about somebody else. training/care.py is the command.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from math import log
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix, diags
from sklearn.linear_model import LogisticRegression

from bot import care_line
from bot.care import TURNS, WINDOW
from bot.care_line import HEADS, MODEL, SCALES, Line
from training import care_data
from training.care_data import Item

SOURCES = "bot/care_[lst]*.*"  # what, beside the items, decides what the line reads: terms, signs and their texts
STRENGTH = 10.0
LATER = 2.5  # how much an item counts whose author is not the signs' author; chosen on left-out authors
SEEN_IN = 2  # a term must stand in so many items

Floats = npt.NDArray[np.float64]


def fit(items: Sequence[Item]) -> Line:
    """Terms, idf and the three heads, from labelled items."""
    found = [_terms(tuple(item["turns"][-TURNS:])) for item in items]
    frequency = Counter(key for one in found for counts in one.values() for key in counts)
    keys = sorted(key for key, count in frequency.items() if count >= SEEN_IN)
    idf = np.array([log((1 + len(items)) / (1 + frequency[key])) + 1 for key in keys])
    scale = float(idf.max() / 255)
    line = Line(
        {key: row for row, key in enumerate(keys)}, np.round(idf / scale).astype(int).tolist(), scale, {}, {}, {}
    )
    features = matrix(line, found)
    weights = np.array([1.0 if item["author"] in ("first", "everyday") else LATER for item in items])
    risky = np.array([item["level"] != "none" for item in items])
    explicit = np.array([item["level"] == "explicit" for item in items])
    other = np.array([item["about"] == "other" for item in items])
    heads = {
        "risk": _head(features, risky, weights),
        "explicit": _head(features[risky], explicit[risky], weights[risky]),
        "other": _head(features[risky], other[risky], weights[risky]),
    }
    return _rounded(line, heads)


def matrix(line: Line, found: Sequence[care_line.Terms]) -> csr_matrix:
    """One row a talk, one column a term; the groups are weighted as `Line.scores` does."""
    total = csr_matrix((len(found), len(line.rows)))
    idf = np.asarray(line.idf, dtype=float)
    for group, share in SCALES.items():
        rows, columns, values = [], [], []
        for at, one in enumerate(found):
            for key, count in one[group].items():
                if (column := line.rows.get(key)) is not None:
                    rows.append(at)
                    columns.append(column)
                    values.append(idf[column] * (1 + log(count)))
        part = csr_matrix((values, (rows, columns)), shape=total.shape)
        length = np.sqrt(np.asarray(part.multiply(part).sum(1)).ravel())
        total = total + diags(share / np.maximum(length, 1e-9)) @ part
    return total.tocsr()


@cache
def _terms(turns: tuple[str, ...]) -> care_line.Terms:
    return care_line.terms([turn[-WINDOW:] for turn in turns])


def _head(features: csr_matrix, target: npt.NDArray[np.bool_], weights: Floats) -> tuple[float, Floats]:
    model = LogisticRegression(C=STRENGTH, solver="liblinear", max_iter=300, tol=1e-3, random_state=0)
    model.fit(features, target, sample_weight=weights)
    return float(model.intercept_[0]), model.coef_[0]


def _rounded(line: Line, heads: Mapping[str, tuple[float, Floats]]) -> Line:
    """Eight bits a weight."""
    scales = {name: float(np.abs(weights).max() / 127) for name, (_, weights) in heads.items()}
    weights = {name: np.round(heads[name][1] / scales[name]).astype(int).tolist() for name in heads}
    return Line(line.rows, line.idf, line.idf_scale, {n: b for n, (b, _) in heads.items()}, weights, scales)


def risk(line: Line, item: Item) -> float:
    """The log-odds of an item's last turn."""
    return line.scores(_terms(tuple(item["turns"][-TURNS:])))["risk"]


def write(line: Line, report: Mapping[str, Any], path: Path = MODEL) -> None:
    """One line of JSON, then the hashes (32 bits), the idf and the weights (8 bits each), as `care_line.load` reads."""
    head = {
        "fitted_on": care_data.fingerprint(SOURCES),
        "terms": len(line.rows),
        "risk_at": line.risk_at,
        "explicit_at": line.explicit_at,
    }
    head |= {"idf_scale": line.idf_scale, "biases": line.biases, "scales": line.scales, "left_out": report}
    with path.open("wb") as file:
        file.write(json.dumps(head).encode() + b"\n")
        file.write(np.array(list(line.rows), dtype="<u4").tobytes())
        file.write(np.array(line.idf, dtype=np.uint8).tobytes())
        for name in HEADS:
            file.write(np.array(line.weights[name], dtype=np.int8).tobytes())
