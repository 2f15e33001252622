"""What more rows are worth: `python -m training.curve` → docs/images/rows.png and rows.json beside it.

The quick n-gram model (seconds where an encoder takes hours) learns growing shares of maum-58's training rows and reads
dev and test. Shares are of dialogues, by hash, so that each holds the smaller ones.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import matplotlib
import numpy as np

from training import default, linear, maum58, metrics, ngrams
from training.maum58 import LABELS, Row
from training.runs import save_json

matplotlib.use("Agg")

SHARES = (1 / 32, 1 / 16, 1 / 8, 1 / 4, 1 / 2, 1.0)
PICTURE = Path("docs/images/rows.png")
Point = dict[str, float]


def main(rows: Sequence[Row], parts: dict[str, list[Row]], shares: Sequence[float] = SHARES) -> list[Point]:
    """One point a share: how many rows, group accuracy and top-1 on each part."""
    return [point([row for row in rows if place(row) < share], parts) for share in shares]


def point(rows: Sequence[Row], parts: dict[str, list[Row]]) -> Point:
    """A model of these rows, on each part."""
    model = ngrams.of_rows(rows)
    found: Point = {"rows": len(rows)}
    for part, wanted in parts.items():
        labels = ngrams.probabilities(model, [row.text for row in wanted])
        truth = np.array([LABELS.index(row.label) for row in wanted])
        groups = metrics.group_hits(labels @ linear.group_matrix(LABELS), wanted)
        found |= {
            f"{part} group": round(float(groups.mean()), 4),
            f"{part} top1": round(float((labels.argmax(1) == truth).mean()), 4),
        }
    return found


def place(row: Row) -> float:
    """Where a row's dialogue stands between 0 and 1, by a hash of its id."""
    return int.from_bytes(hashlib.sha256(b"curve:" + row.dialogue.encode()).digest()[:4], "big") / 2**32


def draw(points: Sequence[Point], path: Path) -> None:
    """The picture: accuracy against rows, one line a measure."""
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 4.2), layout="constrained")
    for name in (key for key in points[0] if key != "rows"):
        style = "-o" if name.startswith("test") else "--s"
        axes.plot([p["rows"] for p in points], [p[name] for p in points], style, label=name.replace("top1", "top-1"))
    axes.set_xscale("log", base=2)
    axes.set_xticks([p["rows"] for p in points], [f"{p['rows']:,.0f}" for p in points])
    axes.minorticks_off()
    axes.set(xlabel="labelled rows learnt", ylabel="accuracy", ylim=(0, 1), title="n-gram model, maum-58")
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


if __name__ == "__main__":
    found = main(default.training_rows(), {"dev": maum58.read(split="dev"), "test": maum58.read(split="test")})
    save_json(PICTURE.with_suffix(".json"), found)
    draw(found, PICTURE)
    print(*found, sep="\n")
