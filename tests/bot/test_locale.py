"""Every word a person reads exists in both languages, with the same facts to fill in."""

from __future__ import annotations

import re
import string
from typing import get_args

import pytest

from bot.errors import ReplyCode
from bot.locale import pick, say, words
from bot.types import Tone


def _facts(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_both_languages_have_the_same_texts_with_the_same_facts() -> None:
    korean, english = words("ko"), words("en")
    assert {table: set(texts) for table, texts in korean.items()} == {t: set(texts) for t, texts in english.items()}
    for table, texts in korean.items():
        for key, text in texts.items():
            assert _facts(text) == _facts(english[table][key]), f"{table}.{key}"


def test_korean_texts_are_korean_and_english_ones_are_not() -> None:
    for table in words("ko").values():
        for text in table.values():
            assert not text or re.search("[가-힣]", text) or _facts(text), text
    for table in words("en").values():
        for key, text in table.items():
            assert not re.search("[가-힣]", text) or key == "language", text


@pytest.mark.parametrize("code", get_args(ReplyCode))
def test_every_way_to_fail_has_words(code: str) -> None:
    assert say("ko", f"notice.{code}")


@pytest.mark.parametrize("tone", get_args(Tone))
def test_every_tone_has_words(tone: str) -> None:
    assert isinstance(say("en", f"tone.{tone}"), str)


@pytest.mark.parametrize(
    ("wanted", "language"),
    [
        ("ko-KR,ko;q=0.9,en;q=0.8", "ko"),
        ("en-US,en", "en"),
        ("fr-FR,ko;q=0.5", "ko"),
        ("fr", "en"),
        ("", "ko"),
        (None, "ko"),
    ],
)
def test_a_browsers_languages_choose_ours(wanted: str | None, language: str) -> None:
    assert pick(wanted) == language
