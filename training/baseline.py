"""The baselines that stand beside every model in its metrics.json: logistic regression on character n-grams.

(a) `comments`: learnt from KOTE's and GoEmotions' labels, mapped to groups; it has read no chat.
(b) `slice`: learnt from the same rows of maum-58 as the model.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from training import linear, metrics
from training.linear import Matrix
from training.maum58 import LABELS, Row


def main(train: Sequence[Row], rows: Sequence[Row], folder: Path) -> tuple[dict[str, Any], dict[str, Matrix]]:
    """Reports of both baselines on `rows`, and their group probabilities, each of shape (N, 7)."""
    texts = [row.text for row in rows]
    comments = linear.of_comments(folder).predict(texts, 7)
    of_slice = linear.of_rows(train).predict(texts, len(LABELS))
    groups = {"comments": comments, "slice": of_slice @ linear.group_matrix(LABELS)}
    reports = {
        "comments": metrics.of_groups(comments, rows),
        "slice": metrics.of_labels(of_slice, groups["slice"], rows),
    }
    return reports, groups
