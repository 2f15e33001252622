"""Is a message read better with the one before it? `python -m training.context [MODEL] [--write]`.

The weight of the message before (plugins/classifiers/_context.py) is chosen on calibration rows that no model has
learnt, then judged on dev and test, on the messages that have one before them. `--write` puts it into the model's
calibration.json, and what it is worth into its metrics.json, from which the card is made.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeAlias

import numpy as np

from bot.types import Scores, Text
from plugins.classifiers import _context, _ngrams
from plugins.classifiers.transformers import TransformersClassifier
from training import calibrate, default, evaluate, maum58, metrics, ngrams
from training.linear import Matrix
from training.maum58 import Row
from training.runs import save_json

Read: TypeAlias = tuple[list[Text], list[Scores], list[Row]]
WEIGHTS = np.linspace(0.0, 0.6, 13)  # no more: in our dialogues a mood changes less often than in people's


def main(model: str) -> dict[str, Any]:
    """The weight, and on dev and test: what is read with it and without, and the gain with its interval."""
    parts = {part: pairs(maum58.read(split=part)) for part in ("dev", "test")}
    sure_at, found = asyncio.run(_read(model, parts))
    weight = best_weight(*_unseen(model))
    report: dict[str, Any] = {"weight": round(weight, 2)}
    for name, (texts, scores, rows) in found.items():
        alone, both = (of(texts, scores, one) for one in (0.0, weight))
        report[name] = {
            "rows": len(rows),
            "gain": metrics.lead(metrics.group_hits(both[1], rows), metrics.group_hits(alone[1], rows), rows),
            **{
                way: metrics.of_labels(*values, rows, sure_at)
                for way, values in (("alone", alone), ("with before", both))
            },
        }
    return report


def _unseen(model: str) -> Read:
    """The calibration rows, read by the model with n-grams that have not learnt them, as when it was calibrated."""
    rows = default.training_rows()
    learnt, kept = ([row for row in rows if calibrate.seen(row) is seen] for seen in (True, False))
    with TemporaryDirectory() as place:
        folder = Path(shutil.copytree(model, Path(place) / "model"))
        if (folder / _ngrams.FILE).exists():
            _ngrams.write(folder, ngrams.of_rows(learnt, default.BESIDE))
        _, found = asyncio.run(_read(str(folder), {"chosen on": pairs(kept)}))
    return found["chosen on"]


def pairs(rows: Sequence[Row]) -> tuple[list[Text], list[Row]]:
    """Messages that have one before them in their dialogue, with it."""
    texts = {(row.dialogue, row.turn): row.text for row in rows}
    later = [row for row in rows if (row.dialogue, row.turn - 1) in texts]
    return [Text(row.text, (texts[row.dialogue, row.turn - 1],)) for row in later], later


async def _read(model: str, parts: dict[str, tuple[list[Text], list[Row]]]) -> tuple[float, dict[str, Read]]:
    """Each part's texts with the model's scores of all that `_context` asks for."""
    async with TransformersClassifier(model, precision="fp32") as classifier:
        found = {
            name: (texts, await evaluate.ask(classifier, _context.asked(texts, 1.0)), rows)
            for name, (texts, rows) in parts.items()
        }
        return classifier.sure_at, found


def of(texts: list[Text], scores: list[Scores], weight: float) -> tuple[Matrix, Matrix]:
    """Probabilities of labels, shape (N, 59), and of groups, shape (N, 7)."""
    read = _context.mixed(texts, scores, weight)
    return evaluate.in_order(read), evaluate.of_groups(read)


def best_weight(texts: list[Text], scores: list[Scores], rows: Sequence[Row]) -> float:
    """Of WEIGHTS the one with the most hits; of equals the smallest."""
    hits = [metrics.group_hits(of(texts, scores, float(weight))[1], rows).mean() for weight in WEIGHTS]
    return float(WEIGHTS[int(np.argmax(hits))])


def write(folder: Path, report: dict[str, Any]) -> None:
    """Into the model's calibration.json and metrics.json."""
    for name, key, value in (("calibration", "context", report["weight"]), ("metrics", "context", report)):
        path = folder / f"{name}.json"
        save_json(path, {**json.loads(path.read_text(encoding="utf-8")), key: value})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", nargs="?", default="models/maum-small")
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args()
    made = main(asked.model)
    print(json.dumps(made, indent=1))
    if asked.write:
        write(Path(asked.model), made)
