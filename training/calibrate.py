"""Calibration: one temperature, and from which group probability a reading counts as sure.

Both are fitted on dialogues of the training part that the model has never seen (a fixed tenth, by hash), never on the
part that the reported figures come from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Settings:
    """What the fit goes by.

    Args:
        plain: only the second, plainer part's rows, which are nearer to what people type than the first writers'.
        expected: `sure_at` from the calibrated probabilities themselves: the lowest from which they promise WANTED on
            average. Few rows say too little about the precision of the surest ones.
    """

    plain: bool = False
    expected: bool = False


def seen(row: Row) -> bool:
    """Is this training row one to learn from (and not one of the calibration tenth of maum-58)?"""
    return row.id == row.dialogue or fold_of(row.dialogue, TENTHS) != 0


def main(probabilities: Matrix, rows: Sequence[Row], folder: Path, settings: Settings | None = None) -> dict[str, Any]:
    """Fit on uncalibrated probabilities (N, 59) of unseen rows; writes `calibration.json` into a model folder."""
    settings = settings or Settings()
    if settings.plain:
        chosen = [at for at, row in enumerate(rows) if row.dialogue.startswith("plain")]
        probabilities, rows = probabilities[chosen], [rows[at] for at in chosen]
    heat = temperature(probabilities, rows)
    groups = tempered(probabilities, heat) @ group_matrix(LABELS)
    sure_at, share, covered = (promised if settings.expected else threshold)(groups, rows)
    dialogues = len({row.dialogue for row in rows})
    content = {
        "temperature": round(heat, 4),
        "sure_at": round(sure_at, 4),
        "how": f"temperature by likelihood, sure_at for {'an expected' if settings.expected else 'a'} group precision "
        f"of {WANTED}; on {len(rows)} {'plain ' if settings.plain else ''}rows "
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


def promised(groups: Matrix, rows: Sequence[Row], wanted: float = WANTED) -> tuple[float, float, float]:
    """The lowest threshold above which the probabilities are at least `wanted` on average, its precision and coverage.

    The precision is the rows' own; where it is lower than `wanted`, the probabilities promised too much.
    """
    surest = np.sort(groups.max(1))[::-1]
    enough = np.flatnonzero(np.cumsum(surest) / np.arange(1, len(surest) + 1) >= wanted)
    at = int(enough[-1]) if len(enough) else 0
    sure = groups.max(1) >= surest[at]
    return float(surest[at]), float(group_hits(groups, rows)[sure].mean()), float(sure.mean())
