"""The baselines that stand beside every model in its metrics.json: logistic regression on character n-grams.

(a) `comments`: learnt from KOTE's and GoEmotions' labels, mapped to groups; it has read no chat.
(b) `slice`: learnt from the same rows of maum-58 as the model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from safetensors.numpy import load_file, save_file

from training import linear, metrics
from training.linear import Matrix
from training.maum58 import LABELS, Row


def main(
    train: Sequence[Row], parts: Mapping[str, Sequence[Row]], folder: Path, keep: Path | None = None
) -> dict[str, dict[str, tuple[dict[str, Any], Matrix]]]:
    """For each part of the corpus and each baseline: its report, and its group probabilities of shape (N, 7).

    `keep` is a file for what they predict, read back when it is there: both take minutes to fit.
    """
    if keep is None or not keep.exists():
        predicted = _predict(train, parts, folder)
        if keep:
            save_file(predicted, keep)
    else:
        predicted = load_file(keep)
    found: dict[str, dict[str, tuple[dict[str, Any], Matrix]]] = {}
    for part, rows in parts.items():
        groups, labels = predicted[f"{part}/comments"], predicted[f"{part}/slice"]
        summed = labels @ linear.group_matrix(LABELS)
        found[part] = {
            "comments": (metrics.of_groups(groups, rows), groups),
            "slice": (metrics.of_labels(labels, summed, rows), summed),
        }
    return found


def _predict(train: Sequence[Row], parts: Mapping[str, Sequence[Row]], folder: Path) -> dict[str, Matrix]:
    comments, of_slice = linear.of_comments(folder), linear.of_rows(train)
    found: dict[str, Matrix] = {}
    for part, rows in parts.items():
        texts = [row.text for row in rows]
        found[f"{part}/comments"] = comments.predict(texts, 7)
        found[f"{part}/slice"] = of_slice.predict(texts, len(LABELS))
    return found
