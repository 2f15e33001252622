"""How far each chat was read is remembered until what was missed there is caught up with."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.types import Chat
from plugins.platforms.discord.marks import MarkBook

HERE, THERE = Chat("discord", "1"), Chat("discord", "2")


def _marks(folder: Path) -> dict[Chat, str]:
    """As the next process finds them."""
    book = MarkBook(folder)
    book.add(0, {})
    with book.taken(0) as marks:
        return marks


def test_marks_are_rubbed_out_when_all_is_done(tmp_path: Path) -> None:
    book = MarkBook(tmp_path)
    book.add(0, {HERE: "10"})
    with book.taken(0) as marks:
        assert marks == {HERE: "10"}
    assert _marks(tmp_path) == {}


def test_catching_up_that_fails_leaves_its_marks_to_the_next_who_tries(tmp_path: Path) -> None:
    book = MarkBook(tmp_path)
    book.add(0, {HERE: "10"})
    with pytest.raises(OSError), book.taken(0):
        raise OSError
    with book.taken(0) as marks:
        assert marks == {HERE: "10"}


def test_the_earlier_mark_stays(tmp_path: Path) -> None:
    book = MarkBook(tmp_path)
    book.add(0, {HERE: "10"})
    book.add(0, {HERE: "20", THERE: "5"})
    assert _marks(tmp_path) == {HERE: "10", THERE: "5"}
