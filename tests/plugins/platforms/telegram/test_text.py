"""Texts become messages that Telegram takes, and lose nothing."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugins.platforms._splitting import utf16
from plugins.platforms.telegram.text import LIMIT, NO_BREAK, NOTHING, Draft, Mark, Part, parts
from tests.plugins.platforms.telegram.parts import long_text
from tests.proofs.size import size
from tests.servers.telegram_rules import MAX_TEXT, checked_entities, checked_text


def taken(part: Part) -> str:
    """What Telegram would show; raises when it would refuse."""
    entities = [{"type": mark.kind, "offset": mark.start, "length": mark.length} for mark in part.marks]
    checked_entities(json.dumps(entities), part.text)
    return checked_text(part.text, MAX_TEXT, "message is too long")


@pytest.mark.parametrize("size", [1, 4095, 4096, 4097, 8192, 12_289])
def test_the_parts_of_a_long_text_are_the_text(size: int) -> None:
    text = long_text(size)
    assert utf16(text) == size
    found = parts(text)
    assert "".join(part.text for part in found) == text
    assert len(found) == -(-size // LIMIT) or size > 8000
    for part in found:
        taken(part)


def assert_shows(found: list[Part], text: str) -> None:
    """What people see is the text: between two messages there are blanks at most, and no line has moved to the left."""
    at = 0
    for part in found:
        shown = taken(part).replace(NO_BREAK, " ")
        begins = text.index(shown, at)
        between = text[at:begins]
        assert between.strip(" \n") == ""
        assert "\n" not in between or between.endswith("\n")
        at = begins + len(shown)
    assert text[at:].strip(" \n") == ""


CODE = "```python\nclass 마음:\n" + "    def 듣다(self):\n        return '🙂👩‍👩‍👧‍👦'\n\n" * 250 + "```\n끝"


@pytest.mark.parametrize("more", range(0, 120, 23))
def test_where_messages_meet_no_line_loses_its_indentation(more: int) -> None:
    text = "가" * more + ".\n" + CODE
    assert len(parts(text)) > 2
    assert_shows(parts(text), text)


@pytest.mark.parametrize("blanks", [" ", "\n", "\n    ", " \n \n"])
def test_blanks_at_the_limit_cost_nothing_that_can_be_seen(blanks: str) -> None:
    for place in range(-len(blanks) - 2, 3):
        before = LIMIT + place
        text = "가" * before + blanks + "🙂나" * 3
        assert_shows(parts(text), text)
    for units in (4095, 4096, 4097):
        text = long_text(units)
        assert_shows(parts(f"{text}{blanks}"), text)


@settings(max_examples=size(50, 2_000), deadline=None)
@given(
    st.lists(
        st.sampled_from(["🙂" * 700, "가 " * 900, "```\n" + "x = 1\n" * 300, "```\n", "\n" * 1500, "‮", "끝"])
        | st.text(max_size=30),
        max_size=8,
    ).map("".join),
    st.sampled_from(["", "…(멈췄어)", "가" * 300]),
)
def test_whatever_is_said_telegram_takes_it(text: str, notice: str) -> None:
    text = text.encode("utf-8", "replace").decode()
    found = parts(text, notice)
    assert found
    for part in found:
        taken(part)
    assert notice in found[-1].text


@pytest.mark.parametrize("text", ["", " ", "\n\n", "\u200b\u200d", "\x00\x01", "\u2800", "‮"])
def test_where_there_is_nothing_to_see_dots_stand(text: str) -> None:
    assert parts(text) == [Part(NOTHING)]
    assert parts(text, "멈췄어") == [Part("멈췄어", (Mark("italic", 0, 3),))]


def test_code_is_marked_and_keeps_its_fences() -> None:
    (part,) = parts("🙂 이렇게:\n```python\na = 1\n```\n끝")
    (mark,) = part.marks
    raw = part.text.encode("utf-16-le")[mark.start * 2 : (mark.start + mark.length) * 2].decode("utf-16-le")
    assert (mark.kind, raw) == ("pre", "```python\na = 1\n```")


def test_a_notice_stands_below_in_italics_or_in_a_message_of_its_own() -> None:
    (part,) = parts("그랬구나", "…(멈췄어)")
    assert part == Part("그랬구나\n\n…(멈췄어)", (Mark("italic", 6, 6),))
    full = "가" * LIMIT
    assert [one.text for one in parts(full, "끝")] == [full, "끝"]


def test_a_draft_counts_as_telegram_does() -> None:
    part = Draft().add("🙂").add("굵게", "bold").add("끝").part()
    assert part == Part("🙂굵게끝", (Mark("bold", 2, 2),))
