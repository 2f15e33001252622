"""Calibration: a temperature, how much n-grams count, and from which group probability a reading counts as sure.

They are fitted on dialogues of the training part that the model has never seen (a fixed tenth, by hash), never on the
part that the reported figures come from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import minimize

from training.labelled import is_foreign
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
    return is_foreign(row) or fold_of(row.dialogue, TENTHS) != 0


def main(
    probabilities: Matrix,
    rows: Sequence[Row],
    folder: Path,
    settings: Settings | None = None,
    said: Matrix | None = None,
) -> dict[str, Any]:
    """Fit on uncalibrated probabilities (N, 59) of unseen rows; writes `calibration.json` into a model folder.

    `said` are the logits of n-grams that have not seen these rows either, of the same shape; None: there are none.
    """
    settings = settings or Settings()
    said = np.zeros_like(probabilities) if said is None else said
    if settings.plain:
        chosen = [at for at, row in enumerate(rows) if row.dialogue.startswith("plain")]
        probabilities, said, rows = probabilities[chosen], said[chosen], [rows[at] for at in chosen]
    heat, weight = temperature(probabilities, said, rows)
    groups = tempered(probabilities, heat, weight * said) @ group_matrix(LABELS)
    sure_at, share, covered = (promised if settings.expected else threshold)(groups, rows)
    dialogues = len({row.dialogue for row in rows})
    content = {
        "temperature": round(heat, 4),
        "ngrams": round(weight, 4),
        "sure_at": round(sure_at, 4),
        "how": "temperature and n-grams' weight by likelihood, sure_at for "
        f"{'an expected' if settings.expected else 'a'} group precision of {WANTED}; "
        f"on {len(rows)} {'plain ' if settings.plain else ''}rows of {dialogues} training dialogues "
        f"that the model did not see, where sure readings were {share:.3f} right at {covered:.3f} coverage",
    }
    save_json(folder / "calibration.json", content)
    return content


def tempered(probabilities: Matrix, heat: float, said: Matrix | float = 0.0) -> Matrix:
    """Probabilities as if the logits had been divided by `heat`, and other logits added to them."""
    logits = np.log(np.maximum(probabilities, 1e-12)) / heat + said
    scaled: Matrix = np.exp(logits - logits.max(1, keepdims=True))
    scaled /= scaled.sum(1, keepdims=True)
    return scaled


def temperature(probabilities: Matrix, said: Matrix, rows: Sequence[Row]) -> tuple[float, float]:
    """Temperature and n-grams' weight of least negative log-likelihood (Guo et al. 2017, with one more expert).

    The temperature is between 0.2 and 5, the weight between 0 and 3; of logits that are all 0 it is 0.
    """
    truth, at = [LABELS.index(row.label) for row in rows], np.arange(len(rows))

    def surprise(values: Matrix) -> float:
        found = tempered(probabilities, np.exp(values[0]), values[1] * said)[at, truth]
        return float(-np.log(np.maximum(found, 1e-12)).mean())

    most = 3.0 if said.any() else 0.0
    found = minimize(surprise, (0.0, most / 6), bounds=((np.log(0.2), np.log(5.0)), (0.0, most)), method="Nelder-Mead")
    return float(np.exp(found.x[0])), float(found.x[1])


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
