"""An index of many regular expressions: which of them may find something in a text, by letters they cannot do without.

Reads the tree that Python's own parser makes, so it holds for any expression that minds upper and lower case.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import Any

WIDEST = 64  # letters of a range that are still counted one by one
#: letters that most texts have, so that they rule little out
COMMON = frozenset(".이고는다어가에나지서하데아도라사리니요은그내로기한면거안자들만시보을있대까 ?aehilnorstu")

_parser: Any = import_module("re._parser")  # no published name; `sre_parse` until Python 3.10
_kinds: Any = import_module("re._constants")


class Index:
    """Over expressions by their places in a list."""

    def __init__(self, expressions: Sequence[re.Pattern[str]]) -> None:
        """Raises ValueError: an expression can do without any certain letter."""
        self._expressions = expressions
        self._by_letter: dict[str, list[int]] = defaultdict(list)
        self._more: list[list[frozenset[str]]] = []
        for at, expression in enumerate(expressions):
            first, *more = needed(expression.pattern)
            self._more.append(more)
            for letter in first:
                self._by_letter[letter].append(at)

    def found(self, text: str) -> Iterator[int]:
        """The places of the expressions that find something, in no certain order."""
        letters = set(text)
        for at in set().union(*[self._by_letter[letter] for letter in letters & self._by_letter.keys()]):
            if not any(map(letters.isdisjoint, self._more[at])) and self._expressions[at].search(text):
                yield at


def needed(pattern: str) -> list[frozenset[str]]:
    """Sets of letters: every text that the expression finds has a letter of each. The fewest and rarest come first.

    Raises:
        ValueError: there are none.
    """
    found = sorted(_of_all(_parser.parse(pattern)), key=_cost)
    if not found:
        raise ValueError(f"the expression {pattern!r} can do without any certain letter")
    return found


def _of_all(parts: Any) -> list[frozenset[str]]:
    return [letters for kind, value in parts for letters in _of_one(kind, value)]


def _of_one(kind: Any, value: Any) -> list[frozenset[str]]:
    if kind is _kinds.LITERAL:
        return [frozenset(chr(value))]
    if kind is _kinds.IN:
        return _of_set(value)
    if kind is _kinds.SUBPATTERN:
        return _of_all(value[-1])
    if kind is _kinds.BRANCH:
        branches = [min(_of_all(branch), key=_cost, default=None) for branch in value[1]]
        known = [letters for letters in branches if letters is not None]
        return [frozenset[str]().union(*known)] if len(known) == len(branches) else []
    if kind in (_kinds.MAX_REPEAT, _kinds.MIN_REPEAT) and value[0] > 0:
        return _of_all(value[2])
    return []  # may match nothing, or anything, or stands beside the text that is found


def _of_set(members: Any) -> list[frozenset[str]]:
    letters: set[str] = set()
    for kind, value in members:
        if kind is _kinds.LITERAL:
            letters.add(chr(value))
        elif kind is _kinds.RANGE and value[1] - value[0] < WIDEST:
            letters.update(map(chr, range(value[0], value[1] + 1)))
        else:
            return []
    return [frozenset(letters)]


def _cost(letters: frozenset[str]) -> int:
    return len(letters) + 10 * len(letters & COMMON)
