"""The sentence banks themselves."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from benchmarks.offline_replies import PAGE, page, read_page
from bot import emotions
from bot.types import Language
from plugins.repliers._bank import bank, sentences
from tests.plugins.repliers.offline_voice import voice

LANGUAGES: tuple[Language, ...] = ("ko", "en")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_group_has_enough_sentences_for_ten_replies(language: Language) -> None:
    for group in emotions.GROUPS:
        assert sum(len(bank(language).feelings[group][slot]) for slot in ("feel", "stay", "ask")) >= 24


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_table_is_named_after_a_group_or_an_emotion(language: Language) -> None:
    known = {*emotions.GROUPS, *emotions.by_code(), "gentle", "afterwards"}
    assert set(bank(language).feelings) <= known
    assert all(set(table.get("like", ())) <= known for table in bank(language).feelings.values())


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_sentence_stands_twice_in_one_slot(language: Language) -> None:
    for slot in ("feel", "stay", "ask"):
        lines = Counter(line for table in bank(language).feelings.values() for line in table.get(slot, ()))
        assert not [line for line, times in lines.items() if times > 1]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_urgent_line_names_where_help_is(language: Language) -> None:
    for act in bank(language).acts:
        if act.name == "crisis":
            assert all("109" in line and (language == "ko" or "988" in line) for line in act.say)


def test_the_korean_voice_speaks_as_a_friend_and_without_cheap_comfort() -> None:
    lines = list(bank("ko").slots)
    polite = [line for line in lines if re.search(r"(요|니다|세요|십시오)[.!?]?$", line)]
    assert not polite
    assert not [line for line in lines if re.search(r"힘내|파이팅|화이팅|다 잘될 거야|시간이 약", line)]


def test_the_grieving_are_neither_cheered_nor_asked_why() -> None:
    table = bank("ko").feelings["grieving"]
    lines = [line for slot in ("feel", "stay", "ask") for line in table[slot]]
    assert not [line for line in lines if "!" in line or re.search(r"왜|어쩌다|어떻게 된", line)]


def test_a_line_is_one_to_three_sentences() -> None:
    for language in LANGUAGES:
        lines = [line for act in bank(language).acts for line in act.say]
        assert all(1 <= len(sentences(line)) <= 3 for line in lines)


def test_the_published_replies_are_what_the_voice_says_now() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(read_page(), voice())
