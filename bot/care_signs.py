"""Signs: constructions that people in danger use, and harmless frames, as regular expressions (care_signs.toml).

No sign decides: each is one term among the n-grams of bot.care_line, with a learnt weight. They were written from one
author's wording, so they are weak on other people's, and weigh little. Of more than a thousand expressions only those
are tried of which a text has the letters that they cannot do without (bot.care_index).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations
from pathlib import Path

from bot.care_index import Index
from bot.remember import Remembered

MAX_PAIRED = 14  # signs of a text that are also taken in pairs
MAX_REMEMBERED = 4096  # texts

_HANGUL = re.compile("[가-힣ㄱ-ㅣ]")
_LATIN = re.compile("[a-z]")
_remembered: Remembered[int, frozenset[str]] = Remembered(MAX_REMEMBERED)


@dataclass(frozen=True, slots=True)
class Signs:
    """One language's expressions, and each one's names: concept, and language.concept.line."""

    names: Sequence[tuple[str, str]]
    index: Index


@cache
def signs() -> Mapping[str, Signs]:
    """By language; takes about 0.7 s the first time."""
    tables = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
    return {language: _signs(language, table) for language, table in tables.items()}


def _signs(language: str, table: Mapping[str, Sequence[str]]) -> Signs:
    lines = [(name, number, line) for name in table for number, line in enumerate(table[name])]
    names = [(name, f"{language}.{name}.{number}") for name, number, _ in lines]
    return Signs(names, Index([re.compile(line.replace("[^.]", ".")) for _, _, line in lines]))


def look(text: str) -> frozenset[str]:
    """The signs in a text that `bot.care_text.plain` left: concepts, and `language.concept.line` for what matched.

    A text is looked at again with each one that follows it, so what was found is remembered: by the text's hash, which
    is another one in every process, and without the text.
    """
    at, key = _remembered.now(), hash(text)
    found = _remembered.get(key)
    if found is None:
        found = _look(text)
        _remembered.put(key, found, at)
    return found


def forget() -> None:
    """Remember nothing of what was looked at."""
    _remembered.clear()


def _look(text: str) -> frozenset[str]:
    found: set[str] = set()
    for language, script in (("ko", _HANGUL), ("en", _LATIN)):
        if script.search(text):
            known = signs()[language]
            for at in known.index.found(text):
                found.update(known.names[at])
    length = len(text)
    found.add("~tiny" if length < 8 else "~short" if length < 20 else "~middle" if length < 45 else "~long")
    return frozenset(found)


def terms(signs: Sequence[frozenset[str]]) -> Iterable[str]:
    """The signs of a talk as terms: of its last turn alone and in pairs, of earlier turns, and of all together."""
    last = signs[-1]
    concepts = sorted(sign for sign in last if "." not in sign)[:MAX_PAIRED]
    yield from last
    yield from {f"before:{sign}" for turn in signs[:-1] for sign in turn if "." not in sign}
    yield from {f"any:{sign}" for turn in signs for sign in turn}
    yield from (f"{one}+{two}" for one, two in combinations(concepts, 2))
