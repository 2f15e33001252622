"""Is a message read better with the one before it? `python -m training.context [MODEL]` measures it, once.

The reading of the message before is mixed into the reading of this one: log p(group | this) + weight × log p(group |
before), the weight chosen on the calibration rows that no model has learnt. Only messages with one before them count.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import numpy as np

from training import calibrate, default, evaluate, maum58, metrics
from training.linear import Matrix, group_matrix
from training.maum58 import LABELS, Row

WEIGHTS = np.linspace(-0.3, 0.6, 19)


def main(model: str) -> dict[str, object]:
    """The weight, and on dev and test: accuracy without, and what the message before adds, with its interval."""
    kept = [row for row in default.training_rows() if not calibrate.seen(row)]
    weight = best_weight(*pairs(model, kept))
    found: dict[str, object] = {"weight": round(weight, 2)}
    for part, everything in (("dev", maum58.read(split="dev")), ("test", maum58.read(split="test"))):
        now, before, rows = pairs(model, everything)
        alone, both = metrics.group_hits(now, rows), metrics.group_hits(mixed(now, before, weight), rows)
        found[part] = {
            "rows": len(rows),
            "alone": round(float(alone.mean()), 4),
            "gain": metrics.lead(both, alone, rows),
        }
    return found


def pairs(model: str, rows: Sequence[Row]) -> tuple[Matrix, Matrix, list[Row]]:
    """Group probabilities of messages and of the messages before them, and the rows of the former."""
    groups = evaluate.scores(model, rows) @ group_matrix(LABELS)
    places = {(row.dialogue, row.turn): at for at, row in enumerate(rows)}
    found = [(at, places[key]) for at, row in enumerate(rows) if (key := (row.dialogue, row.turn - 1)) in places]
    now, before = (list(places) for places in zip(*found, strict=True))
    return groups[now], groups[before], [rows[at] for at in now]


def mixed(now: Matrix, before: Matrix, weight: float) -> Matrix:
    """Not scaled to sum to 1: only the order matters here."""
    found: Matrix = np.log(np.maximum(now, 1e-9)) + weight * np.log(np.maximum(before, 1e-9))
    return found


def best_weight(now: Matrix, before: Matrix, rows: Sequence[Row]) -> float:
    """Of WEIGHTS the one with the most hits; of equals the one nearest to none."""
    hits = {float(w): metrics.group_hits(mixed(now, before, float(w)), rows).mean() for w in WEIGHTS}
    return max(sorted(hits, key=abs), key=lambda w: hits[w])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", nargs="?", default="models/maum-small")
    print(main(parser.parse_args().model))
