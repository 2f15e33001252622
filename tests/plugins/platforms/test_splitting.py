"""Long texts are split without losing a character, at places where a person would take a breath."""

from __future__ import annotations

from itertools import pairwise

import pytest
import regex
from hypothesis import given, settings
from hypothesis import strategies as st

from plugins.platforms._splitting import code_blocks, split, utf16

FAMILY = "👩‍👩‍👧‍👦"  # 7 code points, 11 UTF-16 units, one character to a person
BREAKS = (" ", "\n", "\n\n", "\r\n", "```\n", "```python\n", "~~~\n")
PIECES = ("안녕. ", "그래? ", "a", *BREAKS, FAMILY, "👍🏽", "🇰🇷", "각", "é")
TEXTS = st.lists(st.sampled_from(PIECES) | st.text(max_size=5), max_size=120).map("".join)


@settings(max_examples=60, deadline=None)
@given(TEXTS, st.integers(2, 60))
def test_the_parts_are_the_text_and_none_is_too_long(text: str, limit: int) -> None:
    for length in (len, utf16):
        parts = split(text, limit, length)
        assert "".join(parts) == text
        assert all(0 < length(part) <= limit for part in parts)


@settings(max_examples=60, deadline=None)
@given(TEXTS, st.integers(12, 60))
def test_no_character_is_cut_that_fits_into_a_message(text: str, limit: int) -> None:
    ends, place = set(), 0
    for character in regex.findall(r"\X", text):
        place += len(character)
        ends.add(place)
        if utf16(character) > limit:
            return
    place = 0
    for part in split(text, limit, utf16):
        place += len(part)
        assert place in ends


@settings(max_examples=60, deadline=None)
@given(TEXTS, st.integers(12, 60))
def test_there_are_never_many_small_parts(text: str, limit: int) -> None:
    parts = split(text, limit)
    for first, second in pairwise(parts):
        assert len(first) + len(second) > limit // 2


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=120), st.integers(12, 60))
def test_a_growing_text_moves_nothing_but_its_end(pieces: list[str], limit: int) -> None:
    before: list[str] = []
    for count in range(0, len(pieces) + 1, 3):
        parts = split("".join(pieces[:count]), limit)
        assert parts[: max(0, len(before) - 2)] == before[:-2]
        before = parts


@pytest.mark.parametrize("size", [4095, 4096, 4097])
@pytest.mark.parametrize("filling", ["가나다. ", "🙂", FAMILY, "```\nprint('안녕')\n```\n", "a", "한 줄\n"])
def test_around_the_limit_nothing_is_lost(size: int, filling: str) -> None:
    text = (filling * size)[: size // len(filling) * len(filling)] + "끝" * (size % len(filling))
    while utf16(text) > size:
        text = text.removesuffix(filling) if text.endswith(filling) else text[:-1]
    text += "." * (size - utf16(text))
    assert utf16(text) == size
    parts = split(text, 4096, utf16)
    assert "".join(parts) == text
    assert len(parts) == (1 if size <= 4096 else 2)


def test_a_text_ends_at_a_sentence_rather_than_in_a_word() -> None:
    assert split("오늘 어땠어? 조금 지쳤어. 그래도 좋았어.", 19) == ["오늘 어땠어? 조금 지쳤어. ", "그래도 좋았어."]


def test_a_paragraph_is_a_better_end_than_a_sentence() -> None:
    assert split("하나 둘 셋 넷.\n\n다섯. 여섯. 일곱", 16) == ["하나 둘 셋 넷.\n\n", "다섯. 여섯. 일곱"]


def test_a_code_block_that_fits_into_a_message_is_not_torn() -> None:
    code = "```\na = 1\nb = 2\n```\n"
    assert split(f"이렇게 해 봐.\n{code}그럼 돼.", 26) == ["이렇게 해 봐.\n", f"{code}그럼 돼."]


def test_a_code_block_that_is_too_long_is_cut_between_its_lines() -> None:
    parts = split("```\n" + "x = 1\n" * 10 + "```", 24)
    assert all(part.endswith("\n") for part in parts[:-1])


def test_a_block_ends_with_a_fence_of_its_own_kind() -> None:
    text = "```\n~~~\n``\n````\n나머지"
    assert code_blocks(text) == [(0, text.index("나"))]
    assert code_blocks("글 ``` 글") == []
    assert code_blocks("~~~\n열린 채로") == [(0, len("~~~\n열린 채로"))]


def test_a_character_longer_than_a_message_is_cut_between_its_code_points() -> None:
    endless = "👩" + "‍👩" * 40
    parts = split(endless, 20, utf16)
    assert "".join(parts) == endless
    assert all(utf16(part) <= 20 for part in parts)


def test_a_limit_smaller_than_a_character_is_refused() -> None:
    with pytest.raises(ValueError, match="smaller than one character"):
        split("🙂🙂", 1, utf16)


def test_an_empty_text_needs_no_message() -> None:
    assert split("", 10) == []
