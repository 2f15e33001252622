"""What joint training's other heads are worth: `python -m training.heads [RUN]` → heads.json in the run's folder.

NSMC from the rating head, GoEmotions and KOTE on their development parts. Nothing here learnt from the rows measured.
With `--train`, the joint model first learns on from the public labels alone (presets/heads.toml); resumable.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from training import corpus, joint, multilabel, packed, pretrain, tokenizer
from training.linear import Matrix
from training.pretrain import HEADS, Pretrainer
from training.runs import Run, preset, settings

POSITIVE, NEGATIVE = slice(8, 10), slice(0, 4)  # NSMC: ratings 9 and 10, ratings 1 to 4


def main(run: Run, folder: Path) -> dict[str, object]:
    """Figures of each head, also written into the run's folder; after more training of the heads, of those."""
    trained = run.path("heads") / "checkpoint.pt"
    model, words = joint.load(run, trained if trained.exists() else None), tokenizer.load(run.path("tokenizer"))
    found: dict[str, object] = {"nsmc": nsmc(model, words, folder)}
    for name, head, rows in (
        ("goemotions-en", "goemotions", corpus.goemotions(folder, "en", "dev")),
        ("goemotions-ko", "goemotions", corpus.goemotions(folder, "ko", "dev")),
        ("kote", "kote", corpus.kote(folder, "dev")),
    ):
        read = list(rows)
        truth = packed.multi_hot((row.labels for row in read), HEADS[head])
        logits = joint.heads_of(model, words, [row.text for row in read], (head,))[head]
        found[name] = multilabel.report(logits.sigmoid().double().numpy(), truth)
    run.save_json("heads.json", found)
    return found


def train(run: Run, folder: Path, wanted: pretrain.Settings) -> None:
    """Go on from the joint model with the public labels alone, into the run's folder `heads`."""
    words = tokenizer.load(run.path("tokenizer"))
    sources = [one for one in pretrain.read_sources(folder, words, wanted.max_tokens) if one.head]
    pretrain.train(joint.load(run), sources, wanted, Run("heads", run.folder), "cpu")


def nsmc(model: Pretrainer, words: Tokenizer, folder: Path) -> dict[str, float]:
    """Accuracy on NSMC's test part: is 9–10 more probable than 1–4, once the pool's own shares are divided out?"""
    rows = list(corpus.nsmc_test(folder))
    ratings = joint.heads_of(model, words, [row.text for row in rows], ("rating",))["rating"]
    shares = Counter(row.labels[0] for row in corpus.nsmc_ratings(folder))
    prior = np.array([shares[rating] for rating in range(HEADS["rating"])], dtype=np.float64)
    positive = is_positive(ratings.softmax(-1).double().numpy(), prior)
    hits = positive == np.array([row.labels[0] == 1 for row in rows])
    wide = 1.96 * float(np.sqrt(hits.mean() * (1 - hits.mean()) / len(hits)))
    return {"rows": len(rows), "accuracy": round(float(hits.mean()), 4), "plus_minus": round(wide, 4)}


def is_positive(ratings: Matrix, prior: Sequence[float] | Matrix) -> Matrix:
    """From probabilities of ratings 1–10, shape (N, 10), and how often each occurs where they were learnt."""
    often = np.asarray(prior)
    glad, bad = ratings[:, POSITIVE].sum(1), ratings[:, NEGATIVE].sum(1)
    found: Matrix = glad / often[POSITIVE].sum() > bad / often[NEGATIVE].sum()
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", nargs="?", default="full")
    parser.add_argument("--train", action="store_true", help="train them further first")
    asked = parser.parse_args()
    if asked.train:
        train(Run(asked.run), corpus.root(), settings(pretrain.Settings, preset("heads")["heads"]))
    for name, figures in main(Run(asked.run), corpus.root()).items():
        print(name, figures)
