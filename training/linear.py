"""Linear models on character n-grams: the baselines that a trained model must beat, and one of its teachers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix, hstack
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from bot.emotions import GROUPS, entries, find, label_set
from training import corpus
from training.maum58 import LABELS, Row

Matrix = npt.NDArray[np.float64]


@dataclass
class Linear:
    """TF-IDF of character 1–4-grams inside words and of words, into a multinomial logistic regression."""

    strength: float = 10.0
    balanced: bool = False
    rare: int = 2

    def fit(self, texts: Sequence[str], classes: npt.NDArray[np.int64], weights: Matrix | None = None) -> Linear:
        """Learn classes (integers) of texts; `weights` is how much each example counts."""
        self.characters = TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 4), sublinear_tf=True, min_df=self.rare)
        self.words = TfidfVectorizer(token_pattern=r"\S+", sublinear_tf=True, min_df=self.rare)
        features = hstack([self.characters.fit_transform(texts), self.words.fit_transform(texts)]).tocsr()
        self.model = LogisticRegression(
            C=self.strength, max_iter=150, tol=1e-4, class_weight="balanced" if self.balanced else None
        )
        self.model.fit(features, classes, sample_weight=weights)
        return self

    def predict(self, texts: Sequence[str], width: int) -> Matrix:
        """Probabilities of shape (N, width); a class never seen in training has none."""
        found = np.zeros((len(texts), width))
        found[:, self.model.classes_] = self.model.predict_proba(self._features(texts))
        return found

    def _features(self, texts: Sequence[str]) -> csr_matrix:
        return hstack([self.characters.transform(texts), self.words.transform(texts)]).tocsr()


def of_comments(folder: Path) -> Linear:
    """Baseline (a): groups learnt from comments only. A row's labels vote for their groups, and count so much each."""
    texts, classes, weights = zip(*_votes(folder), strict=True)
    return Linear(strength=3.0, balanced=True, rare=5).fit(texts, np.array(classes), np.array(weights))


def of_rows(rows: Sequence[Row], strength: float = 10.0) -> Linear:
    """Baseline (b): the 59 labels learnt from rows of maum-58; a second label counts a third."""
    return Linear(strength).fit(*_examples(rows))


def group_matrix(labels: Sequence[str]) -> Matrix:
    """Shape (labels, 7): which share of a label's probability belongs to each group."""
    shares = np.zeros((len(labels), len(GROUPS)))
    for at, label in enumerate(labels):
        for group in find(label).groups:
            shares[at, GROUPS.index(group)] = 1.0 / len(find(label).groups)
    return shares


def _examples(rows: Sequence[Row]) -> tuple[list[str], npt.NDArray[np.int64], Matrix]:
    found = [(row.text, row.label, 1.0 if not row.second else 0.75) for row in rows]
    found += [(row.text, row.second, 0.25) for row in rows if row.second]
    texts, labels, weights = zip(*found, strict=True)
    return list(texts), np.array([LABELS.index(label) for label in labels]), np.array(weights)


def _votes(folder: Path) -> Iterator[tuple[str, int, float]]:
    for set_name, rows in (
        ("kote", corpus.kote(folder, "train")),
        ("goemotions", corpus.goemotions(folder, "ko", "train")),
        ("goemotions", corpus.goemotions(folder, "en", "train")),
    ):
        names = label_set(set_name)
        for row in rows:
            votes: dict[int, float] = {}
            for index in row.labels:
                groups = entries()[names[index]].groups
                for group in groups:
                    at = GROUPS.index(group)
                    votes[at] = votes.get(at, 0.0) + 1.0 / len(groups) / len(row.labels)
            yield from ((row.text, group, share) for group, share in votes.items())
