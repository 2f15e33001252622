"""The vocabulary: what a button carries."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.emotions import by_code
from bot.types import Action, Chat, Conversation, Person

KINDS = ["again", "other", "select", "feedback", "correct", "stop"]


@given(st.sampled_from(KINDS), st.integers(0, 2**53), st.text("abcdefghijklmnopqrstuvwxyz_:-0123456789", max_size=20))
def test_what_a_button_carries_comes_back_as_it_was(kind: str, message: int, value: str) -> None:
    action = Action(kind, message, value)  # type: ignore[arg-type]
    assert Action.decode(action.encode()) == action


def test_every_emotion_fits_into_a_telegram_button() -> None:
    for code in by_code():
        assert len(Action("other", 10**12, code).encode().encode()) <= 64


@pytest.mark.parametrize("encoded", ["", "again", "again:1", "again:x:", "delete:1:", ":::"])
def test_a_foreign_button_is_refused(encoded: str) -> None:
    with pytest.raises(ValueError):
        Action.decode(encoded)


def test_a_value_that_no_button_can_carry_is_refused_when_made() -> None:
    with pytest.raises(ValueError, match="64 bytes"):
        Action("other", 1, "가난한, 불우한 " * 5).encode()


def test_a_person_is_who_they_are_whatever_they_are_called_today() -> None:
    chat = Chat("web", "1")
    one, two = Person("web", "1", "민지", "ko"), Person("web", "1", "Minji", "en")
    assert Conversation(chat, one) == Conversation(chat, two)
    assert len({Conversation(chat, one), Conversation(chat, two)}) == 1
