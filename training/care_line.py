"""Fits the crisis detector's first line: logistic regression with three heads that share the terms of bot.care_line.

Is there a risk; is it said outright; is it about somebody else. training/care.py is the command.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression

from bot import care_line
from bot.care import TURNS, WINDOW
from bot.care_line import HEADS, MODEL, Line, Terms
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
    every = np.concatenate([one.keys for one in found])
    keys, frequency = np.unique(every, return_counts=True)
    keys, frequency = keys[frequency >= SEEN_IN], frequency[frequency >= SEEN_IN]
    idf = np.log((1 + len(items)) / (1 + frequency)) + 1
    scale = float(idf.max() / 255)
    weightless = np.zeros((len(keys), len(HEADS)), np.int8)
    line = Line(keys, np.round(idf / scale).astype(np.uint8), scale, {}, weightless, {})
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


def matrix(line: Line, found: Sequence[Terms]) -> csr_matrix:
    """One row a talk, one column a term."""
    features = [line.features(one) for one in found]
    ends = np.cumsum([0, *(len(rows) for rows, _ in features)])
    columns, values = (np.concatenate(part) for part in zip(*features, strict=True))
    return csr_matrix((values, columns, ends), shape=(len(found), len(line.keys)))


@cache
def _terms(turns: tuple[str, ...]) -> Terms:
    return care_line.terms([turn[-WINDOW:] for turn in turns])


def _head(features: csr_matrix, target: npt.NDArray[np.bool_], weights: Floats) -> tuple[float, Floats]:
    model = LogisticRegression(C=STRENGTH, solver="liblinear", max_iter=300, tol=1e-3, random_state=0)
    model.fit(features, target, sample_weight=weights)
    return float(model.intercept_[0]), model.coef_[0]


def _rounded(line: Line, heads: Mapping[str, tuple[float, Floats]]) -> Line:
    """Eight bits a weight."""
    scales = {name: float(np.abs(weights).max() / 127) for name, (_, weights) in heads.items()}
    weights = np.stack([np.round(heads[name][1] / scales[name]).astype(np.int8) for name in HEADS], axis=1)
    return replace(line, biases={name: bias for name, (bias, _) in heads.items()}, weights=weights, scales=scales)


def risk(line: Line, item: Item) -> float:
    """The log-odds of an item's last turn."""
    return line.scores(_terms(tuple(item["turns"][-TURNS:])))["risk"]


def write(line: Line, report: Mapping[str, Any], path: Path = MODEL) -> None:
    """One line of JSON, then the terms (32 bits), the idf and the weights (8 bits each), as `care_line.load` reads."""
    head = {
        "fitted_on": care_data.fingerprint(SOURCES),
        "terms": len(line.keys),
        "risk_at": line.risk_at,
        "explicit_at": line.explicit_at,
    }
    head |= {"idf_scale": line.idf_scale, "biases": line.biases, "scales": line.scales, "left_out": report}
    with path.open("wb") as file:
        file.write(json.dumps(head).encode() + b"\n")
        for numbers in (line.keys.astype("<u4"), line.idf, line.weights):
            file.write(numbers.tobytes())
