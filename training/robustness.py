"""How much a model loses when people type as people do: `python -m training.robustness [MODEL]` prints a table.

The test part of maum-58 as written, then the same rows under each typing noise; and the challenge rows (jest, negation,
half Korean and half English), which stand beside the clean rows but are other rows.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np

from bot.emotions import entries
from bot.types import Language
from training import evaluate, maum58, noise
from training.maum58 import Row
from training.runs import save_json

CHALLENGES = Path(__file__).parent / "corpora" / "challenge" / "rows.tsv"


def main(model: str, rows: Sequence[Row], seed: int = 0) -> dict[str, dict[str, object]]:
    """Group accuracy and top-1 with intervals: for clean rows, each noise, each kind of challenge."""
    sets = {"as written": list(rows), **noisy(rows, seed), **challenges()}
    return {name: report(model, found) for name, found in sets.items()}


def report(model: str, rows: Sequence[Row]) -> dict[str, object]:
    """Rows, group accuracy and top-1 of a model on rows."""
    found, _ = evaluate.main(model, rows)
    return {"rows": len(rows), "group": found["group"], "top1": found["top1"]}


def noisy(rows: Sequence[Row], seed: int = 0) -> dict[str, list[Row]]:
    """The rows under one noise at a time; rows that a noise leaves as they are stay in."""
    random = np.random.default_rng(seed)

    def under(*noises: noise.Noise) -> list[Row]:
        return [replace(row, text=_typed(row.text, noises, random)) for row in rows]

    slip = noise.jamo_slip
    return {
        "one jamo mistyped": under(slip),
        "two jamo mistyped": under(slip, slip),
        "lazy finals (했어 → 햇어)": under(noise.lazy_finals),
        "no spaces": under(lambda text, _: text.replace(" ", "")),
        "letters repeated (너무 → 너무우우)": under(noise.drawn_out),
        "ㅋㅋㅋ at the end": under(lambda text, _: text + " ㅋㅋㅋ"),
        "ㅠㅠㅠ at the end": under(lambda text, _: text + " ㅠㅠㅠ"),
        "no ㅋㅋ, ㅠㅠ or punctuation at the end": under(noise.cut_tail),
    }


def challenges(path: Path = CHALLENGES) -> dict[str, list[Row]]:
    """The challenge rows by kind."""
    found: dict[str, list[Row]] = {}
    for row in _read(path):
        found.setdefault(row.reason, []).append(row)
    return found


def table(found: dict[str, dict[str, object]]) -> str:
    """As Markdown."""
    lines = ["| rows | count | 7 groups | top-1 of 59 |", "|---|---|---|---|"]
    lines += [f"| {name} | {r['rows']} | {_value(r['group'])} | {_value(r['top1'])} |" for name, r in found.items()]
    return "\n".join(lines)


def _typed(text: str, noises: Sequence[noise.Noise], random: np.random.Generator) -> str:
    for one in noises:
        text = one(text, random)
    return text


def _read(path: Path) -> Iterator[Row]:
    with path.open(encoding="utf-8", newline="") as lines:
        for number, found in enumerate(csv.DictReader(lines, delimiter="\t")):
            name, label, lang = f"challenge-{number:03d}", found["label"], cast(Language, found["lang"])
            group = entries()[label].group
            yield Row(name, name, 1, lang, found["text"], label, group, "test", reason=found["kind"])


def _value(measure: object) -> str:
    found = cast(dict[str, float | list[float]], measure)
    low, high = cast(list[float], found["interval"])
    return f"{found['value']:.3f} ({low:.3f}–{high:.3f})"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", nargs="?", default="models/maum-small")
    wanted = parser.parse_args()
    result = main(wanted.model, maum58.read(split="test"))
    save_json(Path(wanted.model) / "robustness.json", result)
    print(table(result))
