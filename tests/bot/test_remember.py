"""Remembering what was read, and not remembering what has changed meanwhile."""

from __future__ import annotations

import time

from bot.remember import Remembered


def test_the_last_used_are_remembered() -> None:
    seen: Remembered[str, int] = Remembered(2)
    for key, value in (("a", 1), ("b", 2)):
        seen.put(key, value, seen.now())
    assert seen.get("a") == 1
    seen.put("c", 3, seen.now())
    assert (seen.get("a"), seen.get("b"), seen.get("c")) == (1, None, 3)


def test_a_value_is_remembered_for_its_time_only() -> None:
    seen: Remembered[str, int] = Remembered(2, for_s=0.05)
    seen.put("a", 1, seen.now())
    assert seen.get("a") == 1
    time.sleep(0.06)
    assert seen.get("a") is None


def test_what_was_read_before_a_change_is_not_remembered_after_it() -> None:
    seen: Remembered[str, int] = Remembered(2)
    at = seen.now()
    seen.drop("a")
    seen.put("a", 1, at)
    assert seen.get("a") is None
    at = seen.now()
    seen.clear()
    seen.put("b", 1, at)
    assert seen.get("b") is None
