"""What joint training's other heads are worth: `python -m training.heads [RUN]` → heads.json in the run's folder.

NSMC from the rating head, GoEmotions and KOTE on their development parts. Nothing here learnt from the rows measured.
With `--train`, the joint model first learns on from the public labels alone (presets/heads.toml); resumable. With
`--ngrams`, NSMC is also read by rating head and n-grams of the pool together, in equal parts, as maum-small reads chat.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from training import corpus, default, joint, multilabel, ngrams, packed, pretrain, tokenizer
from training.linear import Matrix
from training.pretrain import HEADS, Pretrainer
from training.runs import Run, preset, settings
from training.teachers import together

OF_THE_POOL = ngrams.Settings(epochs=3, batch=1024, rare=3)
POSITIVE, NEGATIVE = slice(8, 10), slice(0, 4)  # NSMC: ratings 9 and 10, ratings 1 to 4


def main(run: Run, folder: Path, beside: bool = False, device: str = "cpu") -> dict[str, object]:
    """Figures of each head, also written into the run's folder; after more training of the heads, of those.

    `beside`: NSMC with n-grams, too.
    """
    trained = run.path("heads") / "checkpoint.pt"
    model = joint.load(run, trained if trained.exists() else None, device)
    words = tokenizer.load(run.path("tokenizer"))
    found: dict[str, object] = {**nsmc(model, words, folder, beside, device)}
    for name, head, rows in (
        ("goemotions-en", "goemotions", corpus.goemotions(folder, "en", "dev")),
        ("goemotions-ko", "goemotions", corpus.goemotions(folder, "ko", "dev")),
        ("kote", "kote", corpus.kote(folder, "dev")),
    ):
        read = list(rows)
        truth = packed.multi_hot((row.labels for row in read), HEADS[head])
        said = joint.said(model, words, [row.text for row in read], head, device=device)
        found[name] = multilabel.report(said, truth)
    run.save_json("heads.json", found)
    return found


def train(run: Run, folder: Path, wanted: pretrain.Settings, device: str = "cpu") -> None:
    """Go on from the joint model with the public labels alone, into the run's folder `heads`."""
    words = tokenizer.load(run.path("tokenizer"))
    sources = [one for one in pretrain.read_sources(folder, words, wanted.max_tokens) if one.head]
    pretrain.train(joint.load(run, device=device), sources, wanted, Run("heads", run.folder), device)


def nsmc(
    model: Pretrainer, words: Tokenizer, folder: Path, beside: bool, device: str = "cpu"
) -> dict[str, dict[str, float]]:
    """Accuracy on NSMC's test part: is 9–10 more probable than 1–4, once the pool's own shares are divided out?"""
    rows, pool = list(corpus.nsmc_test(folder)), list(corpus.nsmc_ratings(folder))
    texts, truth = [row.text for row in rows], np.array([row.labels[0] == 1 for row in rows])
    shares = Counter(row.labels[0] for row in pool)
    prior = np.array([shares[rating] for rating in range(HEADS["rating"])], dtype=np.float64)
    read = joint.said(model, words, texts, "rating", device=device)
    readings = {"nsmc": read}
    if beside:
        targets = packed.multi_hot((row.labels for row in pool), HEADS["rating"])
        letters = ngrams.probabilities(ngrams.fit([row.text for row in pool], targets, OF_THE_POOL), texts)
        readings |= {"nsmc, n-grams alone": letters, "nsmc with n-grams": together([read, letters])}
    return {name: accuracy(is_positive(values, prior) == truth) for name, values in readings.items()}


def accuracy(hits: npt.NDArray[np.bool_]) -> dict[str, float]:
    """The share that is right, and half the width of its 95 % interval."""
    wide = 1.96 * float(np.sqrt(hits.mean() * (1 - hits.mean()) / len(hits)))
    return {"rows": len(hits), "accuracy": round(float(hits.mean()), 4), "plus_minus": round(wide, 4)}


def is_positive(ratings: Matrix, prior: Sequence[float] | Matrix) -> npt.NDArray[np.bool_]:
    """From probabilities of ratings 1–10, shape (N, 10), and how often each occurs where they were learnt."""
    often = np.asarray(prior)
    glad, bad = ratings[:, POSITIVE].sum(1), ratings[:, NEGATIVE].sum(1)
    found: npt.NDArray[np.bool_] = glad / often[POSITIVE].sum() > bad / often[NEGATIVE].sum()
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", nargs="?", default="full")
    parser.add_argument("--train", action="store_true", help="train them further first")
    parser.add_argument("--ngrams", action="store_true", help="NSMC with n-grams beside the head, too: ten minutes")
    parser.add_argument("--device", default="auto")
    asked = parser.parse_args()
    device = default.choose(asked.device)
    if asked.train:
        train(Run(asked.run), corpus.root(), settings(pretrain.Settings, preset("heads")["heads"]), device)
    for name, figures in main(Run(asked.run), corpus.root(), asked.ngrams, device).items():
        print(name, figures)
