"""Evaluation: a model folder, loaded by the very plugin that serves it, against rows of maum-58."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import numpy as np

from bot.contracts import Classifier
from bot.emotions import GROUPS, read
from bot.errors import OperatorError
from bot.types import Scores, Text
from plugins.classifiers.transformers import TransformersClassifier
from training import metrics
from training.linear import Matrix
from training.maum58 import LABELS, Row

AT_ONCE = 256  # texts handed to the plugin in one call


def main(model: str, rows: Sequence[Row], device: str = "auto") -> tuple[dict[str, Any], Matrix]:
    """The report on one model (see `metrics.of_labels`), and its group probabilities of shape (N, 7).

    Raises:
        OperatorError: the model's labels are not those of maum-58.
    """
    name, sure_at, probabilities, groups = asyncio.run(_score(model, rows, device))
    return {"model": name, **metrics.of_labels(probabilities, groups, rows, sure_at)}, groups


def scores(model: str, rows: Sequence[Row], device: str = "auto") -> Matrix:
    """Probabilities of labels, shape (N, 59), through the plugin."""
    return asyncio.run(_score(model, rows, device))[2]


async def _score(model: str, rows: Sequence[Row], device: str) -> tuple[str, float, Matrix, Matrix]:
    async with TransformersClassifier(model, device, precision="fp32") as classifier:
        if set(classifier.labels) - set(LABELS):
            raise OperatorError(f"{model} has labels that maum-58 has not: it cannot be scored on it")
        found = await ask(classifier, [row.text for row in rows])
        return classifier.model, classifier.sure_at, in_order(found), of_groups(found)


async def ask(classifier: Classifier, texts: Sequence[str]) -> list[Scores]:
    """Scores of texts, a few hundred at a time."""
    found: list[Scores] = []
    for at in range(0, len(texts), AT_ONCE):
        found += await classifier.classify([Text(text) for text in texts[at : at + AT_ONCE]])
    return found


def in_order(found: Sequence[Scores]) -> Matrix:
    """Shape (N, 59) in maum-58's own order, whatever the order of the model's labels."""
    matrix = np.zeros((len(found), len(LABELS)))
    for row, score in zip(matrix, found, strict=True):
        row[[LABELS.index(label) for label in score.labels]] = score.values
    return matrix


def of_groups(found: Sequence[Scores]) -> Matrix:
    """Shape (N, 7): what the bot itself makes of the scores."""
    readings = (read(score, "", 1.0) for score in found)
    return np.array([[reading.groups[group] for group in GROUPS] for reading in readings])
