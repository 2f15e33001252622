"""Fits the crisis detector: `python -m training.care`; `--score FILE` counts on a labelled file and shows no text.

The first line (bot.care_line) is logistic regression with three heads that share the terms: is there a risk; is it said
outright; is it about somebody else. Honest figures come from leaving an author out: everything but that author's items
is fitted, and the threshold is set where so many of the left-out authors' harmless items pass (`FALSE_ALARMS`).
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from math import log
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix, diags
from sklearn.linear_model import LogisticRegression

from bot import care_line
from bot.care import TURNS, WINDOW, Care, Finding
from bot.care_line import HEADS, MODEL, SCALES, Line
from training import care_data
from training.care_data import Item

STRENGTH = 10.0
LATER = 2.5  # how much an item counts whose author is not the signs' author; chosen on left-out authors
SEEN_IN = 2  # a term must stand in so many items
FALSE_ALARMS = 0.05  # of the hard negatives of authors that were left out; a gentle question too many does less harm

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
    model = LogisticRegression(C=STRENGTH, solver="liblinear", max_iter=300, tol=1e-3)
    model.fit(features, target, sample_weight=weights)
    return float(model.intercept_[0]), model.coef_[0]


def _rounded(line: Line, heads: Mapping[str, tuple[float, Floats]]) -> Line:
    """Eight bits a weight."""
    scales = {name: float(np.abs(weights).max() / 127) for name, (_, weights) in heads.items()}
    weights = {name: np.round(heads[name][1] / scales[name]).astype(int).tolist() for name in heads}
    return Line(line.rows, line.idf, line.idf_scale, {n: b for n, (b, _) in heads.items()}, weights, scales)


def left_out(items: Sequence[Item], background: Sequence[Item]) -> list[tuple[Item, Line]]:
    """Every item of the independent authors, with a line that was fitted without its author."""
    pairs: list[tuple[Item, Line]] = []
    for author in care_data.INDEPENDENT:
        line = fit([*(item for item in items if item["author"] != author), *background])
        pairs += [(item, line) for item in items if item["author"] == author]
    return pairs


def threshold(pairs: Sequence[tuple[Item, Line]], false_alarms: float = FALSE_ALARMS) -> float:
    """The score that so many harmless items of left-out authors pass."""
    harmless = [
        line.scores(_terms(tuple(item["turns"][-TURNS:])))["risk"] for item, line in pairs if item["level"] == "none"
    ]
    return float(np.quantile(harmless, 1 - false_alarms))


def figures(items: Sequence[Item], judge: Callable[[Item], Finding]) -> dict[str, Any]:
    """Counts as [found, of]: by level, language and whom it is about; and false alarms among the harmless."""
    table: dict[str, Any] = {}
    for item in items:
        found = judge(item)
        alarm = found.level != "none"
        for lang in ("all", item["lang"]):
            rows = table.setdefault(lang, {})
            if item["level"] == "none":
                _count(rows, "false_alarms", alarm)
                continue
            _count(rows, f"{item['level']}_found", alarm)
            _count(rows, f"{item['level']}_{item['about']}_found", alarm)
            if alarm:
                _count(rows, "about_right", found.about == item["about"])
                _count(rows, f"{item['level']}_level_right", found.level == item["level"])
    return table


def _count(rows: dict[str, list[int]], name: str, right: bool) -> None:
    found, of = rows.get(name, [0, 0])
    rows[name] = [found + right, of + 1]


def write(line: Line, report: Mapping[str, Any], path: Path = MODEL) -> None:
    """One line of JSON, then the hashes (32 bits), the idf and the weights (8 bits each), as `care_line.load` reads."""
    head = {
        "fitted_on": fingerprint(),
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


def fingerprint() -> str:
    """Tells from which items a model was fitted, and with which signs."""
    read = [*sorted(care_data.HOME.glob("dev*.jsonl")), *sorted(Path("bot").glob("care_[lst]*.*"))]
    return hashlib.sha256(b"".join(path.read_bytes() for path in read if path != MODEL)).hexdigest()


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--score", type=Path, help="count on a labelled file with the fitted model, and fit nothing")
    options = parser.parse_args(arguments)
    if options.score:
        care = Care()
        print(json.dumps(figures(care_data.read(options.score), lambda item: care.find(item["turns"]))))
        return
    items = care_data.development()
    background, quiet = care_data.held_out(care_data.everyday())
    pairs = left_out(items, background)
    risk_at = threshold(pairs)
    report = {}
    for author in care_data.INDEPENDENT:
        own = {id(item): Care(replace(line, risk_at=risk_at)) for item, line in pairs if item["author"] == author}

        def judge(item: Item, own: Mapping[int, Care] = own) -> Finding:
            return own[id(item)].find(item["turns"])

        rows = [item for item, _ in pairs if item["author"] == author]
        report[author] = figures(rows, judge)
        print(author, json.dumps(report[author]), flush=True)
    line = replace(fit([*items, *background]), risk_at=risk_at)
    report["everyday"] = figures(quiet, lambda item: Care(line).find(item["turns"]))
    print("everyday", json.dumps(report["everyday"]), flush=True)
    write(line, report)


if __name__ == "__main__":
    main()
