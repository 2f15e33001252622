"""What a set of predictions is worth, with intervals. Pure numbers: no model is loaded here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from bot.emotions import GROUPS
from training.linear import Matrix
from training.maum58 import LABELS, Row

Hits = npt.NDArray[np.float64]
RESAMPLES = 1000
BINS = 15


def of_labels(probabilities: Matrix, groups: Matrix, rows: Sequence[Row], sure_at: float = 1.1) -> dict[str, Any]:
    """Everything that is reported about one model on one part of the corpus.

    Args:
        probabilities: shape (N, 59).
        groups: probability of each group, shape (N, 7).
        rows: the truth. A group hit is strict: the label's own group, also where the map gives a label two.
        sure_at: group probability from which a reading counts as sure.
    """
    truth = np.array([LABELS.index(row.label) for row in rows])
    ranked = np.argsort(-probabilities, axis=1)
    top1, top5 = ranked[:, 0] == truth, (ranked[:, :5] == truth[:, None]).any(1)
    found = of_groups(groups, rows, sure_at)
    return {
        "top1": with_interval(top1, rows),
        "top5": with_interval(top5, rows),
        "macro_f1": round(macro_f1(ranked[:, 0], truth, len(LABELS)), 4),
        "ece": round(calibration_error(probabilities.max(1), top1), 4),
        **found,
    }


def of_groups(groups: Matrix, rows: Sequence[Row], sure_at: float = 1.1) -> dict[str, Any]:
    """The part of the report that a model of groups alone can have."""
    hits = group_hits(groups, rows)
    sure = groups.max(1) >= sure_at
    by: dict[str, dict[str, list[bool]]] = {
        "by_language": {lang: [row.lang == lang for row in rows] for lang in ("ko", "en")},
        "by_group": {group: [row.group == group for row in rows] for group in GROUPS},
    }
    return {
        "group": with_interval(hits, rows),
        "group_macro_f1": round(macro_f1(groups.argmax(1), _groups(rows), len(GROUPS)), 4),
        "group_ece": round(calibration_error(groups.max(1), hits), 4),
        "sure": {
            "at": round(sure_at, 4),
            "coverage": round(float(sure.mean()), 4),
            "precision": round(float(hits[sure].mean()), 4) if sure.any() else None,
            "rows": int(sure.sum()),
        },
        **{
            name: {key: round(float(hits[np.array(where)].mean()), 4) for key, where in parts.items() if any(where)}
            for name, parts in by.items()
        },
    }


def group_hits(groups: Matrix, rows: Sequence[Row]) -> Hits:
    """1 where the most probable group is the row's own, else 0."""
    hits: Hits = (groups.argmax(1) == _groups(rows)).astype(np.float64)
    return hits


def with_interval(hits: npt.NDArray[Any], rows: Sequence[Row]) -> dict[str, float | list[float]]:
    """Mean and 95 % interval, resampling whole dialogues (rows of one dialogue are not independent)."""
    low, high = interval(lambda counts: float((hits * counts).sum() / counts.sum()), rows)
    return {"value": round(float(hits.mean()), 4), "interval": [round(low, 4), round(high, 4)]}


def interval(statistic: Callable[[Hits], float], rows: Sequence[Row], seed: int = 0) -> tuple[float, float]:
    """The percentile bootstrap's 2.5 and 97.5 % of a statistic of how often each row was drawn."""
    _, dialogue = np.unique([row.dialogue for row in rows], return_inverse=True)
    count = int(dialogue.max()) + 1
    random = np.random.default_rng(seed)
    drawn = (np.bincount(random.integers(count, size=count), minlength=count)[dialogue] for _ in range(RESAMPLES))
    found = [statistic(counts.astype(np.float64)) for counts in drawn]
    low, high = np.percentile(found, [2.5, 97.5])
    return float(low), float(high)


def lead(better: Hits, worse: Hits, rows: Sequence[Row]) -> dict[str, float | list[float]]:
    """By how much one model's hits exceed another's on the same rows, with the interval of the difference."""
    return with_interval(better - worse, rows)


def macro_f1(found: npt.NDArray[np.int64], truth: npt.NDArray[np.int64], width: int) -> float:
    """Mean F1 over the classes that occur."""
    scores = []
    for label in range(width):
        hit = float(((found == label) & (truth == label)).sum())
        claimed, there = float((found == label).sum()), float((truth == label).sum())
        if there:
            scores.append(2 * hit / (claimed + there))
    return float(np.mean(scores))


def calibration_error(confidence: Matrix, hits: npt.NDArray[Any]) -> float:
    """Expected calibration error over 15 equal-width bins (Guo et al. 2017)."""
    places = np.minimum((confidence * BINS).astype(int), BINS - 1)
    gaps = [
        abs(float(hits[places == b].mean()) - float(confidence[places == b].mean())) * float((places == b).mean())
        for b in range(BINS)
        if (places == b).any()
    ]
    return sum(gaps)


def _groups(rows: Sequence[Row]) -> npt.NDArray[np.int64]:
    return np.array([GROUPS.index(row.group) for row in rows])
