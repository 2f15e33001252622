"""Teachers: linear models whose joint judgement on unlabelled texts the encoder learns (Hinton et al. 2015).

Readers of different kind: character n-grams, which know our rows' spelling; averaged word vectors, which know from
millions of unlabelled tokens what means alike; and an encoder fine-tuned on the rows alone. Together they are better
than each of them (training/LOG.md).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors.numpy import load_file, save_file
from sklearn.linear_model import LogisticRegression
from tokenizers import Tokenizer

from training import corpus, ngrams
from training.finetune import Taught
from training.linear import Matrix, of_rows
from training.maum58 import LABELS, Row
from training.tokenizer import SPECIAL

CHAT_LENGTHS = range(6, 90)  # characters; longer lines are articles


@dataclass(frozen=True, slots=True)
class Settings:
    """Strengths are inverse regularisation, as scikit-learn's C; `texts` is how many unlabelled texts are taught."""

    ngram_strength: float = 10.0
    vector_strength: float = 0.02
    texts: int = 120_000
    scout_epochs: float = 0.0  # of an encoder fine-tuned without teachers, which then is a third one; 0: none
    scout_rate: float = 0.0  # at which it learns; 0: as the model that ships
    sharpen: float = 1.3
    ngram_share: float = 0.5  # of the n-grams in the joint judgement of n-grams and word vectors
    quick: bool = False  # n-grams by ngrams.py instead of linear.py
    mixed: int = 0  # further texts, made of pieces of the rows
    seed: int = 1


class VectorReader:
    """Logistic regression over the mean of a text's word vectors, standardised."""

    def __init__(self, vectors: Matrix, tokens: Tokenizer, strength: float) -> None:
        self.vectors, self.tokens, self.strength = vectors, tokens, strength

    def fit(self, rows: Sequence[Row]) -> VectorReader:
        found = self._means([row.text for row in rows])
        self.middle, self.spread = found.mean(0), found.std(0) + 1e-9
        self.model = LogisticRegression(C=self.strength, max_iter=200)
        self.model.fit((found - self.middle) / self.spread, [LABELS.index(row.label) for row in rows])
        return self

    def predict(self, texts: Sequence[str]) -> Matrix:
        """Probabilities, shape (N, 59)."""
        probabilities = np.zeros((len(texts), len(LABELS)))
        found = (self._means(texts) - self.middle) / self.spread
        probabilities[:, self.model.classes_] = self.model.predict_proba(found)
        return probabilities

    def _means(self, texts: Sequence[str]) -> Matrix:
        means = np.zeros((len(texts), self.vectors.shape[1]))
        for mean, encoding in zip(means, self.tokens.encode_batch_fast(list(texts)), strict=True):
            ids = [i for i in encoding.ids if i >= len(SPECIAL)]
            if ids:  # divided by the root: long texts speak a little louder than short ones
                mean += self.vectors[ids].sum(0) / np.sqrt(len(ids))
        return means


def main(
    settings: Settings,
    rows: Sequence[Row],
    folder: Path,
    vectors: Path,
    tokens: Tokenizer,
    keep: Path,
    reader: Callable[[Sequence[str]], Matrix] | None = None,
) -> Taught:
    """Fit the teachers on rows, let them judge unlabelled texts; kept in a file and read back when it is there.

    `reader` is a further teacher: an encoder fine-tuned on the rows alone. It counts as much as the two others.
    """
    texts = [*chosen_texts(folder, settings), *mixed_texts(rows, settings)]
    if not keep.exists():
        found = judge(settings, rows, load_file(vectors)["vectors"], tokens, texts, reader)
        save_file({"probabilities": found}, keep)
    return Taught(texts, load_file(keep)["probabilities"])


def judge(
    settings: Settings,
    rows: Sequence[Row],
    vectors: Matrix,
    tokens: Tokenizer,
    texts: Sequence[str],
    reader: Callable[[Sequence[str]], Matrix] | None = None,
) -> npt.NDArray[np.float32]:
    """The teachers' joint probabilities, shape (N, 59)."""
    ngrams = _ngrams(settings, rows)
    words = VectorReader(vectors, tokens, settings.vector_strength).fit(rows)
    joint: list[Matrix] = []
    for at in range(0, len(texts), 10_000):
        part = texts[at : at + 10_000]
        judgements = [ngrams(part), words.predict(part)]
        judgements += [reader(part)] * 2 if reader else []
        shares = [2 * settings.ngram_share, 2 - 2 * settings.ngram_share, 1.0, 1.0][: len(judgements)]
        joint.append(together(judgements, settings.sharpen, shares))
    return np.concatenate(joint).astype(np.float32)


def _ngrams(settings: Settings, rows: Sequence[Row]) -> Callable[[Sequence[str]], Matrix]:
    if settings.quick:
        found = ngrams.of_rows(rows)
        return lambda texts: ngrams.probabilities(found, texts)
    model = of_rows(rows, settings.ngram_strength)
    return lambda texts: model.predict(texts, len(LABELS))


def together(judgements: Sequence[Matrix], sharpen: float = 1.0, shares: Sequence[float] | None = None) -> Matrix:
    """Geometric mean of probabilities by their shares, to the power `sharpen`, scaled to sum to 1 again."""
    logs = [np.log(np.maximum(j, 1e-6)) for j in judgements]
    joint = np.exp(sharpen * np.average(logs, axis=0, weights=shares))
    scaled: Matrix = joint / joint.sum(1, keepdims=True)
    return scaled


def chosen_texts(folder: Path, settings: Settings) -> Iterator[str]:
    """Unlabelled texts like chat: all questions to a chat bot, then short lines and comments in fixed shares."""
    yield from corpus.chatbot_questions(folder)
    random = np.random.default_rng(settings.seed)
    shares = {
        "text": (corpus.korean_text(folder), 0.45),
        "en": ((row.text for row in corpus.goemotions(folder, "en", "train")), 0.25),
        "ko": ((row.text for row in corpus.goemotions(folder, "ko", "train")), 0.1),
        "kote": ((row.text for row in corpus.kote(folder, "train")), 0.05),
        "reviews": ((row.text for row in islice(corpus.nsmc_ratings(folder), 60_000)), 0.15),
    }
    for texts, share in shares.values():
        fitting = [text for text in texts if len(text) in CHAT_LENGTHS]
        wanted = min(len(fitting), round(settings.texts * share))
        yield from (fitting[at] for at in random.choice(len(fitting), size=wanted, replace=False))


def mixed_texts(rows: Sequence[Row], settings: Settings) -> Iterator[str]:
    """Texts in the rows' own words: the beginning or the end of a row, joined to a piece of another of its language.

    What a teacher makes of them shows its knowledge word by word; the rows themselves it knows by heart.
    """
    random = np.random.default_rng(settings.seed + 1)
    by_language = {lang: [row.text.split() for row in rows if row.lang == lang] for lang in ("ko", "en")}
    shares = {lang: len(found) / len(rows) for lang, found in by_language.items()}
    for lang, texts in by_language.items():
        for _ in range(round(settings.mixed * shares[lang])):
            one, other = (texts[int(at)] for at in random.integers(len(texts), size=2))
            yield " ".join([*_piece(one, random), *(_piece(other, random) if random.random() < 0.5 else [])])


def _piece(words: list[str], random: np.random.Generator) -> list[str]:
    cut = int(random.integers(1, len(words) + 1))
    return words[:cut] if random.random() < 0.5 else words[-cut:]
