"""Figures for corpora whose rows carry several labels: thresholds per label, cross-fitted, and macro-F1."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from training.linear import Matrix

Truth: TypeAlias = npt.NDArray[Any]  # zeros and ones, shape (N, labels)

RESAMPLES = 1000
FOLDS = 2


def report(probabilities: Matrix, truth: Truth, seed: int = 0) -> dict[str, object]:
    """Macro-F1 with cross-fitted thresholds and its 95 % interval over rows, and with thresholds fitted on all rows.

    Both arguments have shape (N, labels); `truth` holds zeros and ones. One half of the rows is judged by the
    thresholds that serve the other half best, so that no row helps to choose its own.
    """
    chosen = cross_fitted(probabilities, truth, seed)
    random = np.random.default_rng(seed)
    drawn = (random.integers(len(truth), size=len(truth)) for _ in range(RESAMPLES))
    low, high = np.percentile([macro_f1(chosen[at], truth[at]) for at in drawn], [2.5, 97.5])
    interval = [round(float(low), 4), round(float(high), 4)]
    fitted = probabilities >= thresholds(probabilities, truth)
    return {
        "macro_f1": {"value": round(macro_f1(chosen, truth), 4), "interval": interval},
        "macro_f1_fitted": round(macro_f1(fitted, truth), 4),
        "macro_f1_at_0.3": round(macro_f1(probabilities >= 0.3, truth), 4),
        "average_precision": round(average_precision(probabilities, truth), 4),
    }


def cross_fitted(probabilities: Matrix, truth: Truth, seed: int = 0) -> npt.NDArray[np.bool_]:
    """The labels chosen, shape (N, labels); each half's thresholds come from the other half."""
    half = np.random.default_rng(seed).permutation(len(truth)) % FOLDS
    chosen = np.zeros(truth.shape, dtype=bool)
    for part in range(FOLDS):
        chosen[half == part] = probabilities[half == part] >= thresholds(
            probabilities[half != part], truth[half != part]
        )
    return chosen


def thresholds(probabilities: Matrix, truth: Truth) -> Matrix:
    """The threshold of best F1 for each label, shape (labels,)."""
    return np.array([_threshold(p, t) for p, t in zip(probabilities.T, truth.T, strict=True)])


def macro_f1(chosen: npt.NDArray[np.bool_], truth: Truth) -> float:
    """Mean F1 over the labels that occur; 0 where none does."""
    there = truth.sum(0) > 0
    hit, both = (chosen & (truth > 0)).sum(0)[there], (chosen.sum(0) + truth.sum(0))[there]
    return float((2 * hit / both).mean()) if there.any() else 0.0


def average_precision(probabilities: Matrix, truth: Truth) -> float:
    """Mean over labels of the precision at each true row, in the order of probability."""
    found = []
    for p, t in zip(probabilities.T, truth.T, strict=True):
        ranked = t[np.argsort(-p, kind="stable")] > 0
        if ranked.any():
            found.append(float((np.cumsum(ranked) / np.arange(1, len(ranked) + 1))[ranked].mean()))
    return float(np.mean(found))


def _threshold(probabilities: Matrix, truth: Truth) -> float:
    order = np.argsort(-probabilities, kind="stable")
    hit = np.cumsum(truth[order])
    f1 = 2 * hit / (np.arange(1, len(order) + 1) + truth.sum() + 1e-9)
    best = int(f1.argmax())
    after = probabilities[order[min(best + 1, len(order) - 1)]]
    return float((probabilities[order[best]] + after) / 2)
