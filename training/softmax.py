"""Softmax regression on character n-grams by steps over small batches: seconds where `linear.py` takes minutes.

Its reading of maum-58 is as good (training/LOG.md), and it learns soft targets. One row of weights per n-gram, one step
size per row (Adagrad, Duchi et al. 2011, over the mean square of a row's gradient), falling to zero over the run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix, hstack
from sklearn.feature_extraction.text import TfidfVectorizer

from training.linear import Matrix

Floats = npt.NDArray[np.float32]


@dataclass
class Softmax:
    """TF-IDF of character 1–4-grams inside words and of words, as in `linear.Linear`."""

    epochs: int = 20
    rate: float = 0.05
    batch: int = 512
    rare: int = 2
    seed: int = 0

    def fit(self, texts: Sequence[str], targets: Floats) -> Softmax:
        """Learn targets of shape (N, labels), each row summing to 1."""
        self.characters = self._counted(analyzer="char_wb", ngram_range=(1, 4))
        self.words = self._counted(token_pattern=r"\S+")
        features = hstack([self.characters.fit_transform(texts), self.words.fit_transform(texts)]).tocsr()
        self.weights = np.zeros((features.shape[1], targets.shape[1]), np.float32)
        self.bias = np.zeros(targets.shape[1], np.float32)
        squares = np.full((features.shape[1], 1), 1e-8, np.float32)
        random = np.random.default_rng(self.seed)
        steps, step = self.epochs * -(-len(texts) // self.batch), 0
        for _ in range(self.epochs):
            order = random.permutation(len(texts))
            for at in range(0, len(order), self.batch):
                chosen = order[at : at + self.batch]
                self._step(features[chosen], targets[chosen], squares, self.rate * (1 - step / steps))
                step += 1
        return self

    def predict(self, texts: Sequence[str]) -> Matrix:
        """Probabilities of shape (N, labels)."""
        features = hstack([self.characters.transform(texts), self.words.transform(texts)]).tocsr()
        return self._probabilities(features).astype(np.float64)

    def _step(self, features: csr_matrix, targets: Floats, squares: Floats, rate: float) -> None:
        wrong = (self._probabilities(features) - targets) / len(targets)
        seen = np.unique(features.indices)
        gradient = features[:, seen].T @ wrong
        squares[seen] += (gradient**2).mean(1, keepdims=True)
        self.weights[seen] -= rate * gradient / np.sqrt(squares[seen])
        self.bias -= 0.3 * rate * wrong.sum(0)

    def _probabilities(self, features: csr_matrix) -> Floats:
        logits = features @ self.weights + self.bias
        found: Floats = np.exp(logits - logits.max(1, keepdims=True))
        found /= found.sum(1, keepdims=True)
        return found

    def _counted(self, **how: object) -> TfidfVectorizer:
        return TfidfVectorizer(sublinear_tf=True, min_df=self.rare, dtype=np.float32, **how)
