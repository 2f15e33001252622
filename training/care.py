"""Fits the crisis detector: `python -m training.care`, a minute on one core; `--score FILE` scores a labelled file.

Logistic regression over what bot.care_signs sees in tests/data/care/dev.jsonl. Three heads share the features: is there
a risk; is it said outright; is it about somebody else. Earlier turns' risks are features themselves, so the first head
is fitted twice, then with the first fit's judgement of the earlier turns. Figures are by cross-validation over groups
of similar items (character trigrams, Jaccard ≥ 0.34), so that a near-copy never stands on both sides.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression

from bot import care_signs
from bot.care import TURNS, WINDOW, Care, Finding, Weights
from bot.care_signs import Seen
from training import maum58

DEV = Path("tests/data/care/dev.jsonl")
MODEL = Path("bot/care_model.json")
STRENGTH, FOLDS, ALIKE = 0.3, 10, 0.34
FALSE_ALARMS = 0.06  # of the dev set's hard negatives; half of them are minimal pairs of veiled items

Item = dict[str, Any]
Mask = npt.NDArray[np.bool_]


def read(path: Path = DEV) -> list[Item]:
    """The labelled items: id, lang, level, about (self, other or null), turns."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def fingerprint(path: Path = DEV) -> str:
    """Tells from which items a model was fitted, and with which signs."""
    signs = Path("bot/care_signs.toml").read_bytes() + Path("bot/care_signs.py").read_bytes()
    return hashlib.sha256(path.read_bytes() + signs).hexdigest()


@cache
def everyday() -> list[Item]:
    """Ordinary talk that shows a sign by chance: rows of our corpus's training part, each with what came before."""
    found: list[Item] = []
    talk: list[str] = []
    dialogue = ""
    for row in maum58.read(split="train"):
        talk = [*talk, row.text] if row.dialogue == dialogue else [row.text]
        dialogue = row.dialogue
        if care_signs.evident(_look(row.text).signs):
            found.append({"level": "none", "about": None, "turns": talk[-TURNS:]})
    return found


@cache
def _look(text: str) -> Seen:
    return care_signs.look(text[-WINDOW:])


def fit(items: Sequence[Item], thresholds: tuple[float, float] = (0.0, 0.0)) -> Weights:
    """Weights of the three heads, from labelled items and everyday talk."""
    items = [*items, *everyday()]
    seen = [[_look(turn) for turn in item["turns"][-TURNS:]] for item in items]
    risky = np.array([item["level"] != "none" for item in items])
    explicit = np.array([item["level"] == "explicit" for item in items])
    other = np.array([item["about"] == "other" for item in items])
    alone = _head(_matrix(seen, None), risky)
    features = _matrix(seen, alone)
    heads = {
        "risk": _head(features, risky),
        "explicit": _head(features[risky], explicit[risky]),
        "other": _head(features[risky], other[risky]),
    }
    return Weights({n: h[0] for n, h in heads.items()}, {n: h[1] for n, h in heads.items()}, *thresholds)


def _head(features: csr_matrix, target: Mask) -> tuple[float, list[float]]:
    model = LogisticRegression(C=STRENGTH, solver="liblinear", max_iter=300, tol=1e-3)
    model.fit(features, target)
    return float(model.intercept_[0]), [float(weight) for weight in model.coef_[0]]


def _matrix(seen: Sequence[Sequence[Seen]], alone: tuple[float, list[float]] | None) -> csr_matrix:
    data: list[float] = []
    buckets: list[int] = []
    ends = [0]
    for turns in seen:
        risks = [_risk(alone, turn) if alone else 0.0 for turn in turns[:-1]]
        values = care_signs.features(turns[-1], turns[:-1], risks)
        buckets += values.keys()
        data += values.values()
        ends.append(len(buckets))
    return csr_matrix((data, buckets, ends), shape=(len(seen), care_signs.BUCKETS))


def _risk(head: tuple[float, list[float]], seen: Seen) -> float:
    bias, table = head
    score = bias + sum(table[at] * value for at, value in care_signs.features(seen, (), ()).items())
    return float(1 / (1 + np.exp(-score)))


def groups(items: Sequence[Item]) -> list[int]:
    """A number for each item; similar items share one."""
    trigrams = [_trigrams(" ".join(item["turns"])) for item in items]
    leader = list(range(len(items)))

    def find(at: int) -> int:
        while leader[at] != at:
            at = leader[at]
        return at

    holders: dict[str, list[int]] = defaultdict(list)
    for at, mine in enumerate(trigrams):
        for other, shared in Counter(other for gram in mine for other in holders[gram]).items():
            if shared / len(mine | trigrams[other]) >= ALIKE:
                leader[find(at)] = find(other)
        for gram in mine:
            holders[gram].append(at)
    return [find(at) for at in range(len(items))]


def _trigrams(text: str) -> set[str]:
    text = care_signs.plain(text)
    return {text[at : at + 3] for at in range(max(1, len(text) - 2))}


def folds(items: Sequence[Item], count: int = FOLDS) -> npt.NDArray[np.int64]:
    """The fold of each item; groups stay together."""
    group = np.array(groups(items))
    names = np.unique(group)
    np.random.default_rng(0).shuffle(names)
    fold = {name: at % count for at, name in enumerate(names)}
    return np.array([fold[name] for name in group])


def crossed(items: Sequence[Item], count: int = FOLDS) -> list[tuple[Item, Weights]]:
    """Every item with weights that were fitted without its fold."""
    fold = folds(items, count)
    pairs: list[tuple[Item, Weights]] = []
    for part in range(count):
        weights = fit([item for item, at in zip(items, fold, strict=True) if at != part])
        pairs += [(item, weights) for item, at in zip(items, fold, strict=True) if at == part]
    return pairs


def threshold(pairs: Sequence[tuple[Item, Weights]], false_alarms: float = FALSE_ALARMS) -> float:
    """The score that so many harmless items pass when judged by weights that have not seen them."""
    scores = [_log_odds(Care(weights).find(item["turns"])) for item, weights in pairs if item["level"] == "none"]
    return float(np.quantile(scores, 1 - false_alarms))


def _log_odds(found: Finding) -> float:
    return float(np.log(found.risk / (1 - found.risk))) if found.risk else -30.0


def figures(items: Sequence[Item], judge: Callable[[Item], Finding]) -> dict[str, Any]:
    """Recalls, false alarms and who it is about, over all and by language; shares of the items, with their numbers."""
    found = [(item, judge(item)) for item in items]
    table: dict[str, Any] = {}
    for lang in ("all", "ko", "en"):
        of = {
            level: [(i, f) for i, f in found if i["level"] == level and lang in ("all", i["lang"])]
            for level in ("explicit", "veiled", "none")
        }
        risky = [(i, f) for i, f in of["explicit"] + of["veiled"] if f.level != "none" and i.get("about")]
        table[lang] = {
            "items": {level: len(rows) for level, rows in of.items()},
            "explicit_found": _share([f.level != "none" for _, f in of["explicit"]]),
            "explicit_as_explicit": _share([f.level == "explicit" for _, f in of["explicit"]]),
            "veiled_found": _share([f.level != "none" for _, f in of["veiled"]]),
            "false_alarms": _share([f.level != "none" for _, f in of["none"]]),
            "about_right": _share([f.about == i["about"] for i, f in risky]),
        }
    return table


def _share(right: Sequence[bool]) -> float:
    return round(sum(right) / len(right), 4) if right else float("nan")


def write(weights: Weights, report: dict[str, Any], path: Path = MODEL) -> None:
    """Eight bits a weight are enough: the rounding moves a score by less than 0.01 on the dev set."""
    heads = {}
    for name, table in weights.tables.items():
        scale = max(map(abs, table)) / 127
        rounded = np.round(np.array(table) / scale).astype(np.int8)
        packed = base64.b64encode(rounded.tobytes()).decode()
        heads[name] = {"bias": weights.biases[name], "scale": scale, "weights": packed}
    whole = {"fitted_on": fingerprint(), "risk_at": weights.risk_at, "explicit_at": weights.explicit_at}
    whole |= {"dev_crossed": report, "heads": heads}
    path.write_text(json.dumps(whole) + "\n", encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--score", type=Path, help="score a labelled file with the fitted model, and fit nothing")
    options = parser.parse_args(arguments)
    if options.score:
        care = Care()
        print(json.dumps(figures(read(options.score), lambda item: care.find(item["turns"])), indent=1))
        return
    items = read()
    pairs = crossed(items)
    risk_at = threshold(pairs)
    judges = {id(item): Care(Weights(w.biases, w.tables, risk_at, 0.0)) for item, w in pairs}
    report = figures(items, lambda item: judges[id(item)].find(item["turns"]))
    print(json.dumps(report, indent=1))
    write(fit(items, (risk_at, 0.0)), report)


if __name__ == "__main__":
    main()
