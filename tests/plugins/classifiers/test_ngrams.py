"""N-grams beside a network: what is counted, and how both readers' probabilities meet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load_file
from scipy.special import softmax

from bot.errors import OperatorError
from bot.types import Text
from plugins.classifiers import _ngrams
from plugins.classifiers._hashes import CROWDED, LONGEST, MAX_CHARS, Index, hashed
from plugins.classifiers._network import mixed
from plugins.classifiers._ngrams import Ngrams, Said
from plugins.classifiers.transformers import TransformersClassifier
from tests.plugins.classifiers.checkpoints import calibrate, make, ngrams_of

HASH = st.integers(-(1 << 63), (1 << 63) - 1)
TEXTS = ["너무 기뻐", "너무 슬퍼 ㅠㅠ", "I am happy!", "", "ㅋㅋㅋㅋ", "a", "  너무   기뻐 "]


def slowly(text: str) -> Counter[str]:
    """The same n-grams and words, by a loop that anybody can check."""
    words = text[:MAX_CHARS].lower().split()
    found: Counter[str] = Counter(f"word {word}" for word in words)
    line = f" {' '.join(words)} "
    for size in range(1, LONGEST + 1):
        for at in range(len(line) - size + 1):
            gram = line[at : at + size]
            if " " not in gram[1:-1] and gram.strip() and not (size == 2 and gram == "  "):
                found[gram] += 1
    return found


def counts(texts: list[str]) -> list[Counter[int]]:
    hashes, owners = hashed(texts)
    return [Counter(hashes[owners == at].tolist()) for at in range(len(texts))]


@given(st.lists(st.text(alphabet=st.sampled_from("가나다 aB!ㅋ😀\t"), max_size=12), min_size=1, max_size=5))
def test_every_n_gram_and_word_is_counted_as_often_as_it_stands_there(texts: list[str]) -> None:
    for fast, text in zip(counts(texts), texts, strict=True):
        assert sorted(fast.values()) == sorted(slowly(text).values())


@given(st.sets(HASH, max_size=CROWDED), st.lists(HASH, max_size=20), st.integers(0, 60))
def test_each_known_hash_is_found_where_it_stands_however_close_they_lie(
    known: set[int], others: list[int], spread: int
) -> None:
    rising = sorted({hash_ >> spread for hash_ in known})
    asked = [*rising, *others, *rising[:1]]
    places, columns = Index(np.array(rising, np.int64)).find(np.array(asked, np.int64))
    expected = [(at, rising.index(hash_)) for at, hash_ in enumerate(asked) if hash_ in rising]
    assert sorted(zip(places.tolist(), columns.tolist(), strict=True)) == expected


def test_equal_n_grams_have_one_hash_and_others_another() -> None:
    expected = {gram for text in TEXTS for gram in slowly(text)}
    assert len(np.unique(hashed(TEXTS)[0])) == len(expected)
    together, alone = counts(TEXTS), [counts([text])[0] for text in TEXTS]
    assert together == alone, "a text's n-grams do not depend on its company"
    assert together[0] == together[-1], "blanks count once"


def test_what_nobody_has_learnt_says_nothing() -> None:
    ngrams = ngrams_of(TEXTS, 3)
    assert ngrams.logits(["zzz qqq", ""]).tolist() == [[0.0] * 3] * 2
    assert np.abs(ngrams.logits(["너무"])).sum() > 0


def test_a_text_is_read_alike_in_any_company() -> None:
    ngrams = ngrams_of(TEXTS, 5)
    alone = np.concatenate([ngrams.logits([text]) for text in TEXTS])
    assert ngrams.logits(TEXTS) == pytest.approx(alone, abs=1e-6)


def test_lone_surrogates_and_very_long_texts_are_read() -> None:
    ngrams = ngrams_of(TEXTS, 2)
    assert ngrams.logits(["\ud83d 너무", "너무 " * 50_000, "\u0130" * 1_000]).shape == (3, 2)


def test_the_product_of_two_readers_is_what_both_find_likely() -> None:
    network = torch.tensor([[0.5, 0.4, 0.1]])
    said = Said([1, 2], np.array([0.0, 2.0, 0.0], np.float32))
    assert len(said) == 2
    assert mixed(network, [said])[0].argmax() == 1
    assert mixed(network, [[1, 2]]) is network


def test_no_texts_and_no_n_grams_are_no_trouble() -> None:
    assert ngrams_of(TEXTS, 3).logits([]).shape == (0, 3)
    empty = ngrams_of(["", ""], 3)
    assert empty.logits(TEXTS).tolist() == [[0.0] * 3] * len(TEXTS)


def test_eight_bits_read_like_thirty_two(tmp_path: Path) -> None:
    ngrams = ngrams_of(TEXTS, 7)
    _ngrams.write(tmp_path, ngrams)
    again = _ngrams.read(tmp_path, 7, several=False)
    assert again is not None
    assert again.logits(TEXTS) == pytest.approx(ngrams.logits(TEXTS), abs=0.05)
    assert load_file(tmp_path / _ngrams.FILE)["weights"].dtype == np.int8


async def test_a_model_folder_with_n_grams_is_read_by_both(tmp_path: Path) -> None:
    folder = make(tmp_path / "model")
    texts = [Text("너무 기뻐"), Text("너무 슬퍼 ㅠㅠ")]
    async with TransformersClassifier(str(folder), device="cpu") as classifier:
        alone, name = await classifier.classify(texts), classifier.model
    ngrams = ngrams_of(TEXTS, len(alone[0].values))
    _ngrams.write(folder, ngrams)
    calibrate(folder, ngrams=0.5)
    async with TransformersClassifier(str(folder), device="cpu") as classifier:
        both = await classifier.classify(texts)
        assert classifier.model != name, "another reading has another name in the log"
    together = np.log([one.values for one in alone]) + 0.5 * ngrams.logits([text.text for text in texts])
    assert np.array([one.values for one in both]) == pytest.approx(softmax(together, 1), abs=0.01)


def _another_model() -> Ngrams:
    return ngrams_of(TEXTS, 1000)


def _unsorted() -> Ngrams:
    found = ngrams_of(TEXTS, 3)
    found.known[:] = found.known[::-1].copy()
    return found


def _no_hashes() -> Ngrams:
    found = ngrams_of([f"{n}" for n in range(200)], 3)
    found.known[:] = range(len(found.known))
    return found


def _no_numbers() -> Ngrams:
    found = ngrams_of(TEXTS, 3)
    return replace(found, bias=np.full(3, np.nan, np.float32))


@pytest.mark.parametrize("broken", [_another_model, _unsorted, _no_hashes, _no_numbers])
async def test_n_grams_that_do_not_fit_are_one_clear_line(tmp_path: Path, broken: Callable[[], Ngrams]) -> None:
    folder = make(tmp_path / "model")
    _ngrams.write(folder, broken())
    with pytest.raises(OperatorError, match=r"ngrams\.safetensors is not for this model"):
        async with TransformersClassifier(str(folder), device="cpu"):
            pass
