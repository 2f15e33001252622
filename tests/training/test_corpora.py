"""The readers of the public corpora, on made-up files of the same formats."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.errors import OperatorError
from tests.training import tiny
from training import corpus


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tiny.corpora(tmp_path / "corpora")


def test_ratings_count_from_zero_and_rows_without_one_are_left_out(folder: Path) -> None:
    rows = list(corpus.nsmc_ratings(folder))
    assert len(rows) == 60
    assert {row.labels for row in rows} == {(8,), (1,)}


def test_multi_label_rows_keep_all_their_labels(folder: Path) -> None:
    assert {row.labels for row in corpus.kote(folder, "train")} == {(40, 42), (5, 10)}
    assert {row.labels for row in corpus.goemotions(folder, "en", "dev")} == {(17,), (25, 9)}


def test_sentiment_becomes_an_index(folder: Path) -> None:
    assert {corpus.SENTIMENTS[row.labels[0]] for row in corpus.kodoli(folder)} == {"POS", "NEG"}


def test_commas_inside_quotes_stay_in_the_text(folder: Path) -> None:
    assert list(corpus.chatbot_questions(folder)) == ["안녕, 뭐 해?", "심심해"]


def test_binary_reviews_and_plain_lines_are_read(folder: Path) -> None:
    assert [row.labels for row in corpus.nsmc_test(folder)] == [(1,), (0,)]
    assert len(list(corpus.korean_text(folder))) == 200


def test_the_folder_comes_from_the_environment(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAUM_CORPORA", str(folder))
    assert corpus.root() == folder
    monkeypatch.setenv("MAUM_CORPORA", str(folder / "nowhere"))
    with pytest.raises(OperatorError, match="nowhere"):
        corpus.root()


def test_a_missing_corpus_is_named(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match=r"train\.tsv"):
        list(corpus.kote(tmp_path, "train"))
