"""Fits the crisis detector: `python -m training.care`; `--score FILE` counts on a labelled file and shows no text.

Two lines (bot.care): training/care_line.py fits the first in minutes, training/care_encoder.py the second in a quarter
of an hour. Honest figures come from leaving authors out: the first line is fitted once without each independent author,
the second once without the four `JUDGES`, and how they decide together is chosen on these four. The thresholds are set
where so many of the left-out authors' harmless items pass (`FALSE_ALARMS`).
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bot.care import TURNS, WINDOW, Care, Finding
from bot.care_encoder import MODEL, Encoder, Together
from bot.care_line import Line
from training import care_data, care_line
from training.care_data import Item

JUDGES = ("c", "e", "f", "h")  # whose items the second line is judged by
BESIDE = Path("var/care/without-judges.npz")  # the second line without them
WEIGHTS = (0.25, 0.35, 0.5, 0.75, 1.0)
FALSE_ALARMS = 0.05  # of the hard negatives of authors that were left out; a gentle question too many does less harm
EVERYDAY_ALARMS = 0.02  # and at most so many of everyday talk
LOST = 0.005  # of what is found may be lost for asking the second line less often

Floats = npt.NDArray[np.float64]
Lines = Mapping[str, Line]  # author → a first line that was fitted without them


def left_out(items: Sequence[Item], background: Sequence[Item], authors: Sequence[str]) -> Lines:
    """For each author a first line that was fitted without their items."""
    lines: dict[str, Line] = {}
    for author in authors:
        lines[author] = care_line.fit([*(item for item in items if item["author"] != author), *background])
        print("fitted without", author, flush=True)
    return lines


def first_scores(lines: Lines, items: Sequence[Item]) -> Floats:
    """The first line's log-odds of a risk, each item's by the line without its author."""
    return np.array([care_line.risk(lines[item["author"]], item) for item in items])


def threshold(items: Sequence[Item], scores: Floats, false_alarms: float = FALSE_ALARMS) -> float:
    """The score that so many of the harmless items pass."""
    harmless = [score for item, score in zip(items, scores, strict=True) if item["level"] == "none"]
    return float(np.quantile(harmless, 1 - false_alarms))


def choose(items: Sequence[Item], scores: tuple[Floats, Floats], quiet: tuple[Floats, Floats]) -> Together:
    """How the lines decide together, from both lines' log-odds for items, and for everyday talk, new to both."""
    levels = np.array([item["level"] for item in items])
    first, second = scores

    def limit(weight: float) -> float:
        everyday = quiet[0] + weight * quiet[1]
        return max(threshold(items, first + weight * second), float(np.quantile(everyday, 1 - EVERYDAY_ALARMS)))

    def recall(weight: float) -> float:
        found = first + weight * second > limit(weight)
        return float(found[levels == "explicit"].mean() + found[levels == "veiled"].mean())

    weight = max(WEIGHTS, key=recall)
    found = (first + weight * second > limit(weight)) & (levels != "none")
    return Together(weight, float(np.quantile(first[found], LOST)), limit(weight))


def second_scores(encoder: Encoder, items: Sequence[Item]) -> Floats:
    """The second line's log-odds of a risk."""
    return np.array([encoder.scores([turn[-WINDOW:] for turn in item["turns"][-TURNS:]])["risk"] for item in items])


def figures(items: Sequence[Item], judge: Callable[[Item], Finding]) -> dict[str, Any]:
    """Counts as [found, of]: by level, language and whom it is about; and false alarms among the harmless."""
    table: dict[str, Any] = {}
    for item in items:
        found = judge(item)
        alarm = found.level != "none"
        for lang in ("all", item["lang"]):
            rows = table.setdefault(lang, {})
            if item["level"] == "none":
                _count(rows, "false_alarms", alarm)
                continue
            _count(rows, f"{item['level']}_found", alarm)
            _count(rows, f"{item['level']}_{item['about']}_found", alarm)
            if alarm:
                _count(rows, "about_right", found.about == item["about"])
                _count(rows, f"{item['level']}_level_right", found.level == item["level"])
    return table


def _count(rows: dict[str, list[int]], name: str, right: bool) -> None:
    found, of = rows.get(name, [0, 0])
    rows[name] = [found + right, of + 1]


def by_author(lines: Lines, items: Sequence[Item], second: Path | None) -> dict[str, Any]:
    """Figures for each author, by lines that have not learnt from them."""
    report: dict[str, Any] = {}
    for author, line in lines.items():
        care = Care(line, second)
        rows = [item for item in items if item["author"] == author]
        report[author] = figures(rows, lambda item, care=care: care.find(item["turns"]))  # type: ignore[misc]
        print(author, json.dumps(report[author]["all"]), flush=True)
    return report


def fit_first(lines: Lines, items: Sequence[Item], background: Sequence[Item], quiet: Sequence[Item]) -> None:
    """Fit and write the first line, with the threshold and figures for when it stands alone."""
    own = [item for item in items if item["author"] in lines]
    risk_at = threshold(own, first_scores(lines, own))
    line = replace(care_line.fit([*items, *background]), risk_at=risk_at)
    report = by_author({author: replace(one, risk_at=risk_at) for author, one in lines.items()}, own, None)
    care = Care(line, None)
    report["everyday"] = figures(quiet, lambda item: care.find(item["turns"]))
    care_line.write(line, report)


def fit_second(lines: Lines, items: Sequence[Item], quiet: Sequence[Item], reuse: bool) -> None:
    """Fit and write the second line, how both decide together, and the figures of both."""
    from training import care_encoder as second

    if not reuse:
        second.save(second.fit([item for item in items if item["author"] not in JUDGES]), BESIDE)
        second.save(second.fit(items), MODEL)
    judges = {author: lines[author] for author in JUDGES}
    own = [item for item in items if item["author"] in judges]
    encoder = Encoder(dict(np.load(BESIDE)))
    line = lines[JUDGES[0]]
    calm = np.array([care_line.risk(line, item) for item in quiet]), second_scores(encoder, quiet)
    together = choose(own, (first_scores(judges, own), second_scores(encoder, own)), calm)
    second.annotate(BESIDE, {"together": asdict(together)})
    report = by_author(judges, own, BESIDE)
    care = Care(line, BESIDE)
    report["everyday"] = figures(quiet, lambda item: care.find(item["turns"]))
    chosen = {"together": asdict(together), "asked": float((calm[0] > together.asked_from).mean())}
    print(json.dumps(chosen), json.dumps(report["everyday"]["all"]), flush=True)
    second.annotate(MODEL, {"fitted_on": care_data.fingerprint(second.SOURCES), **chosen, "left_out": report})


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--score", type=Path, help="count on a labelled file with the fitted model, and fit nothing")
    parser.add_argument("--reuse", action="store_true", help=f"take the encoders in {BESIDE} and {MODEL} as they are")
    options = parser.parse_args(arguments)
    if options.score:
        care = Care()
        print(json.dumps(figures(care_data.read(options.score), lambda item: care.find(item["turns"]))))
        return
    items = care_data.development()
    background, quiet = care_data.held_out(care_data.everyday())
    lines = left_out(items, background, care_data.INDEPENDENT)
    fit_first(lines, items, background, quiet)
    fit_second(lines, items, quiet, options.reuse)


if __name__ == "__main__":
    main()
