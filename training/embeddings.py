"""Word vectors before any training: the truncated SVD of a positive PMI matrix of the tokens' co-occurrence.

Levy & Goldberg 2014 ("Neural word embedding as implicit matrix factorization") show that this is what word2vec
approximates; Levy et al. 2015 give the settings used here (window weights, context smoothing 0.75, singular values to
the power ½). Two minutes of linear algebra give the encoder's token table a start that hours of masked-word training
on two cores would not reach.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_matrix, csr_matrix
from sklearn.utils.extmath import randomized_svd

from training.packed import Packed
from training.tokenizer import SPECIAL

SMOOTHING = 0.75
PART = 4_000_000  # tokens counted at once: bounds memory to a few hundred MB


def vectors(texts: list[Packed], vocabulary: int, size: int, window: int = 5, seed: int = 0) -> npt.NDArray[np.float32]:
    """One vector per token, shape (vocabulary, size), of mean square 1; zero for special and unseen tokens."""
    counts = csr_matrix((vocabulary, vocabulary), dtype=np.float32)
    for packed in texts:
        counts = counts + cooccurrence(packed, vocabulary, window)
    left, values, _ = randomized_svd(ppmi(counts), n_components=size, n_iter=2, random_state=seed)
    table = left * np.sqrt(values)
    norms = np.linalg.norm(table, axis=1, keepdims=True)
    table = table / np.maximum(norms, 1e-8) * np.sqrt(size)
    table[np.asarray(counts.sum(axis=1)).ravel() == 0] = 0.0  # what stood in no company has no direction
    found: npt.NDArray[np.float32] = table.astype(np.float32)
    return found


def cooccurrence(packed: Packed, vocabulary: int, window: int) -> csr_matrix:
    """Symmetric counts within `window` tokens of the same text, a pair at distance d counting 1/d."""
    total = csr_matrix((vocabulary, vocabulary), dtype=np.float32)
    owner = np.repeat(np.arange(len(packed), dtype=np.int32), packed.lengths)
    for at in range(0, len(packed.ids), PART):
        ids, text = packed.ids[at : at + PART], owner[at : at + PART]
        for distance in range(1, window + 1):
            left, right = ids[:-distance], ids[distance:]
            keep = (text[:-distance] == text[distance:]) & (left >= len(SPECIAL)) & (right >= len(SPECIAL))
            weights = np.full(int(keep.sum()), 1.0 / distance, dtype=np.float32)
            total = total + coo_matrix((weights, (left[keep], right[keep])), total.shape).tocsr()
    return total + total.T


def ppmi(counts: csr_matrix) -> csr_matrix:
    """max(0, log p(a, b) / (p(a) p(b)^0.75)), sparse as the counts are."""
    pairs = counts.tocoo()
    rows = np.asarray(counts.sum(axis=1)).ravel()
    contexts = rows**SMOOTHING
    expected = rows[pairs.row] * contexts[pairs.col] / contexts.sum()
    information = np.log(np.maximum(pairs.data / np.maximum(expected, 1e-12), 1.0)).astype(np.float32)
    keep = information > 0
    return csr_matrix((information[keep], (pairs.row[keep], pairs.col[keep])), counts.shape)
