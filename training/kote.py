"""A model of KOTE's 44 labels: `python -m training.kote` → models/maum-kote, from the encoder of an earlier run.

A teacher, logistic regressions on the same n-grams as the baseline's, judges unlabelled comments; the encoder learns
KOTE's rows and the teacher's judgement side by side. KOTE's own development part is only for figures and thresholds.
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.sparse import hstack
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from torch import Tensor
from torch.nn import functional

from bot.emotions import label_set
from training import card, corpus, default, finetune, joint, loop, multilabel, packed, tokenizer
from training.linear import Matrix
from training.loop import Part
from training.runs import Run, preset, save_json, settings

LABELS = label_set("kote")
LENGTHS = range(8, 120)  # characters of a comment worth judging


@dataclass(frozen=True, slots=True)
class Settings:
    """Of the teacher: inverse regularisation, and how many comments it judges."""

    strength: float = 3.0
    texts: int = 40_000
    seed: int = 1


class Teacher:
    """One logistic regression a label, over TF-IDF of character 1–4-grams and words. Also the baseline."""

    def __init__(self, strength: float) -> None:
        self.strength = strength
        self.characters = TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 4), sublinear_tf=True, min_df=2)
        self.words = TfidfVectorizer(token_pattern=r"\S+", sublinear_tf=True, min_df=2)

    def fit(self, texts: Sequence[str], targets: multilabel.Truth) -> Teacher:
        features = hstack([self.characters.fit_transform(texts), self.words.fit_transform(texts)]).tocsr()
        self.width = targets.shape[1]
        self.models = {
            at: LogisticRegression(C=self.strength, solver="liblinear", tol=1e-3).fit(features, targets[:, at])
            for at in np.flatnonzero(targets.any(0) & ~targets.all(0))  # what never or always holds cannot be learnt
        }
        return self

    def predict(self, texts: Sequence[str]) -> Matrix:
        """Probabilities of shape (N, 44)."""
        features = hstack([self.characters.transform(texts), self.words.transform(texts)]).tocsr()
        found = np.zeros((len(texts), self.width))
        for at, model in self.models.items():
            found[:, at] = model.predict_proba(features)[:, 1]
        return found


def main(
    name: str, encoder: Path, words: Path, target: Path, device: str = "cpu", elder: Run | None = None
) -> dict[str, Any]:
    """Teacher, fine-tuning, figures; returns them and leaves them beside the weights.

    `elder` is a run whose joint training made a KOTE head that teaches, too: as much as the regressions. A model that
    is already there is only installed.
    """
    table, run, folder = preset(name), Run(Path(name).stem), corpus.root()
    finished = run.path("model")
    if there := run.load_json("model/metrics.json"):
        default.install(finished, target)
        return dict(there)
    rows, dev = list(corpus.kote(folder, "train")), list(corpus.kote(folder, "dev"))
    targets, truth = (packed.multi_hot((row.labels for row in part), len(LABELS)) for part in (rows, dev))
    chosen, wanted = settings(Settings, table.get("teach", {})), settings(finetune.Settings, table.get("finetune", {}))
    teacher = Teacher(chosen.strength).fit([row.text for row in rows], targets)
    texts = comments(folder, chosen)
    taught = finetune.Taught(texts, judged(teacher, texts, words, elder, device))
    network = fit(wanted, [row.text for row in rows], targets, taught, encoder, words, run, device)
    probabilities = predict(network.cpu(), words, [row.text for row in dev])
    found = {
        "split": "KOTE's development part, 1,000 rows; thresholds of each half fitted on the other; 95 % intervals",
        "train_rows": len(rows),
        "model": multilabel.report(probabilities, truth),
        "baseline": multilabel.report(teacher.predict([row.text for row in dev]), truth),
        "thresholds": dict(zip(LABELS, multilabel.thresholds(probabilities, truth).round(4).tolist(), strict=True)),
    }
    shutil.rmtree(finished, ignore_errors=True)  # saved, but stopped before its figures
    finetune.save(network, words, finished)
    save_json(finished / "training.json", {"preset": table, "torch": torch.__version__, "numpy": np.__version__})
    (finished / "README.md").write_text(card.kote(found, finished, run.name), encoding="utf-8")
    save_json(finished / "metrics.json", found)
    run.path("finetune.pt").unlink(missing_ok=True)
    default.install(finished, target)
    return found


def judged(
    teacher: Teacher, texts: Sequence[str], words: Path, elder: Run | None = None, device: str = "cpu"
) -> finetune.Soft:
    """Probabilities of shape (N, 44): the teacher's, or the mean of its and those of `elder`'s head."""
    found = teacher.predict(texts)
    if elder:
        head = joint.load(elder, device=device)
        found = (found + joint.said(head, tokenizer.load(words), texts, "kote", device=device)) / 2
    return found.astype(np.float32)


def fit(
    wanted: finetune.Settings,
    texts: Sequence[str],
    targets: finetune.Soft,
    taught: finetune.Taught,
    encoder: Path,
    words: Path,
    run: Run,
    device: str,
) -> Any:
    """The encoder with a head of 44 labels, each judged by itself (binary cross-entropy, summed)."""
    torch.manual_seed(wanted.seed)
    tokens = tokenizer.load(words)

    def stream(random: np.random.Generator) -> Iterator[list[Part]]:
        return finetune.batches(texts, targets, taught, tokens, wanted, random)

    def loss(logits: Tensor, wanted_labels: Tensor) -> Tensor:
        return functional.binary_cross_entropy_with_logits(logits, wanted_labels, reduction="none").sum(-1)

    network = finetune.build(encoder, wanted, LABELS, several=True)
    steps = round(wanted.epochs * len(texts) / wanted.batch)
    return loop.learn(network, stream, loss, steps, wanted, run, device, run.path("finetune.pt"))


def predict(network: Any, words: Path, texts: Sequence[str]) -> Matrix:
    """Probabilities of shape (N, 44)."""
    found = np.zeros((len(texts), len(LABELS)))
    tokens = tokenizer.load(words)
    for at in range(0, len(texts), 64):
        ids, mask = packed.pad(finetune.encode(tokens, texts[at : at + 64], 128))
        with torch.inference_mode():
            found[at : at + 64] = network(input_ids=ids, attention_mask=mask).logits.float().sigmoid().numpy()
    return found


def comments(folder: Path, chosen: Settings) -> list[str]:
    """Unlabelled comments: half of them under articles and videos, half film reviews."""
    found = [row.text for row in corpus.kodoli(folder) if len(row.text) in LENGTHS][: chosen.texts // 2]
    reviews = (row.text for row in corpus.nsmc_ratings(folder) if len(row.text) in LENGTHS)
    return [*found, *islice(reviews, chosen.texts - len(found))]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--preset", default="kote")
    parser.add_argument("--encoder", type=Path, default=Path("var/runs/full/joint/encoder"))
    parser.add_argument("--words", type=Path, default=Path("models/maum-small"))
    parser.add_argument("--target", type=Path, default=Path("models/maum-kote"))
    parser.add_argument("--teacher", type=Path, help="the folder of a run with a KOTE head")
    parser.add_argument("--device", default="auto")
    asked = parser.parse_args()
    elder = Run(asked.teacher.name, asked.teacher.parent) if asked.teacher else None
    device = default.choose(asked.device)
    print(main(asked.preset, asked.encoder, asked.words, asked.target, device, elder)["model"])
