"""Calibration: one temperature, and from which group probability a reading counts as sure.

Both are fitted on dialogues of the training part that the model has never seen (a fixed tenth, by hash), never on the
part that the reported figures come from.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import minimize_scalar

from training.linear import Matrix, group_matrix
from training.maum58 import LABELS, Row, fold_of
from training.metrics import group_hits
from training.runs import save_json

TENTHS = 10  # one tenth of the training part's dialogues is for calibration
WANTED = 0.85  # share of sure readings whose group must be right
FEWEST = 25  # sure rows below which a share says nothing


def seen(row: Row) -> bool:
    """Is this training row one to learn from (and not one of the calibration tenth of maum-58)?"""
    return row.id == row.dialogue or fold_of(row.dialogue, TENTHS) != 0


def main(probabilities: Matrix, rows: Sequence[Row], folder: Path) -> dict[str, Any]:
    """Fit on uncalibrated probabilities (N, 59) of unseen rows; writes `calibration.json` into a model folder."""
    heat = temperature(probabilities, rows)
    sure_at, share, covered = threshold(tempered(probabilities, heat) @ group_matrix(LABELS), rows)
    dialogues = len({row.dialogue for row in rows})
    content = {
        "temperature": round(heat, 4),
        "sure_at": round(sure_at, 4),
        "how": f"temperature by likelihood, sure_at for a group precision of {WANTED}; on {len(rows)} rows "
        f"of {dialogues} training dialogues that the model did not see, where sure readings were "
        f"{share:.3f} right at {covered:.3f} coverage",
    }
    save_json(folder / "calibration.json", content)
    return content


def tempered(probabilities: Matrix, heat: float) -> Matrix:
    """Probabilities as if the logits had been divided by `heat`."""
    logits = np.log(np.maximum(probabilities, 1e-12)) / heat
    scaled: Matrix = np.exp(logits - logits.max(1, keepdims=True))
    scaled /= scaled.sum(1, keepdims=True)
    return scaled


def temperature(probabilities: Matrix, rows: Sequence[Row]) -> float:
    """The temperature of least negative log-likelihood (Guo et al. 2017), between 0.2 and 5."""
    truth = [LABELS.index(row.label) for row in rows]
    at = np.arange(len(rows))
    found = minimize_scalar(
        lambda log_heat: -np.log(np.maximum(tempered(probabilities, np.exp(log_heat))[at, truth], 1e-12)).mean(),
        bounds=(np.log(0.2), np.log(5.0)),
        method="bounded",
    )
    return float(np.exp(found.x))


def threshold(groups: Matrix, rows: Sequence[Row], wanted: float = WANTED) -> tuple[float, float, float]:
    """The lowest threshold above which at least `wanted` of the groups are right, its precision and coverage.

    Where no threshold with FEWEST rows above it reaches that, the one with the best precision: honest, and rare.
    """
    order = np.argsort(-groups.max(1))
    right = np.cumsum(group_hits(groups, rows)[order]) / np.arange(1, len(order) + 1)
    first = min(FEWEST, len(order)) - 1
    enough = np.flatnonzero(right[first:] >= wanted)
    at = first + (int(enough[-1]) if len(enough) else int(right[first:].argmax()))
    return float(groups.max(1)[order[at]]), float(right[at]), (at + 1) / len(order)
