"""The baselines that stand beside every model in its metrics.json: logistic regression on character n-grams.

(a) `comments`: learnt from KOTE's and GoEmotions' labels, mapped to groups; it has read no chat.
(b) `slice`: learnt from the same rows of maum-58 as the model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from training import linear, metrics
from training.linear import Matrix
from training.maum58 import LABELS, Row


def main(
    train: Sequence[Row], parts: Mapping[str, Sequence[Row]], folder: Path
) -> dict[str, dict[str, tuple[dict[str, Any], Matrix]]]:
    """For each part of the corpus and each baseline: its report, and its group probabilities of shape (N, 7)."""
    comments, of_slice = linear.of_comments(folder), linear.of_rows(train)
    found: dict[str, dict[str, tuple[dict[str, Any], Matrix]]] = {}
    for part, rows in parts.items():
        texts = [row.text for row in rows]
        groups = comments.predict(texts, 7)
        labels = of_slice.predict(texts, len(LABELS))
        summed = labels @ linear.group_matrix(LABELS)
        found[part] = {
            "comments": (metrics.of_groups(groups, rows), groups),
            "slice": (metrics.of_labels(labels, summed, rows), summed),
        }
    return found
