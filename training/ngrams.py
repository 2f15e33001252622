"""Fits the n-grams that stand beside a network (plugins/classifiers/_ngrams.py): seconds of small steps on a CPU.

One row of weights an n-gram, one step size a row (Adagrad, Duchi et al. 2011, over the mean square of a row's
gradient), falling to zero over the run. Also the quick teacher, and the model of `training.curve`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix
from scipy.special import softmax

from plugins.classifiers._hashes import Hashes, Index, hashed
from plugins.classifiers._ngrams import Ngrams, weighed
from training import noise
from training.finetune import soft_targets
from training.linear import Matrix
from training.maum58 import Row

NOISY = 0.9  # of a text's copies are typed otherwise than it is
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Settings:
    """`rare`: an n-gram of fewer texts is left out. `copies`: how often each text is learnt, noisily typed, besides."""

    epochs: int = 20
    rate: float = 0.05
    batch: int = 512
    rare: int = 2
    copies: int = 0
    seed: int = 0


def of_rows(rows: Sequence[Row], settings: Settings | None = None) -> Ngrams:
    """Learn rows of maum-58, second labels as soft targets."""
    return fit([row.text for row in rows], soft_targets(rows, second=0.25, smoothing=0.0), settings)


def fit(texts: Sequence[str], targets: Floats, settings: Settings | None = None) -> Ngrams:
    """Learn targets of shape (N, labels), each row summing to 1."""
    settings = settings or Settings()
    random = np.random.default_rng(settings.seed)
    known, rarity = counted(texts, settings.rare)
    noisy = [noise.typed(text, random, NOISY) for _ in range(settings.copies) for text in texts]
    features, targets = matrix([*texts, *noisy], known, rarity), np.tile(targets, (1 + settings.copies, 1))
    weights = np.zeros((len(known), targets.shape[1]), np.float32)
    bias = np.zeros(targets.shape[1], np.float32)
    squares = np.full((len(known), 1), 1e-8, np.float32)
    steps, step = settings.epochs * -(-len(targets) // settings.batch), 0
    for _ in range(settings.epochs):
        order = random.permutation(len(targets))
        for at in range(0, len(order), settings.batch):
            chosen = order[at : at + settings.batch]
            some = features[chosen]
            wrong = (softmax(some @ weights + bias, 1) - targets[chosen]) / len(chosen)
            rate = settings.rate * (1 - step / steps)
            seen = np.unique(some.indices)
            gradient = some[:, seen].T @ wrong
            squares[seen] += (gradient**2).mean(1, keepdims=True)
            weights[seen] -= rate * gradient / np.sqrt(squares[seen])
            bias -= 0.3 * rate * wrong.sum(0)
            step += 1
    return Ngrams(known, rarity, weights, bias)


def matrix(texts: Sequence[str], known: Hashes, rarity: Floats) -> csr_matrix:
    """Features of shape (N, known)."""
    columns, values, starts = weighed(texts, Index(known), rarity)
    return csr_matrix((values, columns, np.append(starts, len(columns))), shape=(len(texts), len(known)))


def counted(texts: Sequence[str], rare: int) -> tuple[Hashes, Floats]:
    """The n-grams that at least `rare` texts hold, and their inverse document frequency, as scikit-learn smooths it."""
    hashes, owners = hashed(texts)
    order = np.lexsort((owners, hashes))
    hashes, owners = hashes[order], owners[order]
    fresh = np.append(True, (hashes[1:] != hashes[:-1]) | (owners[1:] != owners[:-1]))
    known, counts = np.unique(hashes[fresh], return_counts=True)
    often = counts >= rare
    rarity = np.log((1 + len(texts)) / (1 + counts[often])) + 1
    return known[often], rarity.astype(np.float32)


def probabilities(ngrams: Ngrams, texts: Sequence[str]) -> Matrix:
    """Shape (N, labels)."""
    found: Matrix = softmax(ngrams.logits(texts).astype(np.float64), 1)
    return found
