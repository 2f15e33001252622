"""Signs: constructions that people in danger use, and harmless frames, as regular expressions (care_signs.toml).

No sign decides: each is one term among the n-grams of bot.care_line, with a learnt weight. They were written from one
author's wording, so they are weak on other people's, and weigh little.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import combinations
from pathlib import Path

MAX_PAIRED = 14  # signs of a text that are also taken in pairs

_HANGUL = re.compile("[가-힣ㄱ-ㅣ]")
_LATIN = re.compile("[a-z]")


@cache
def expressions() -> dict[str, list[tuple[str, str, re.Pattern[str]]]]:
    """The expressions by language as (concept, concept.line, compiled); takes about 0.2 s the first time."""
    tables = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
    return {
        language: [
            (name, f"{language}.{name}.{number}", re.compile(line.replace("[^.]", ".")))
            for name, lines in table.items()
            for number, line in enumerate(lines)
        ]
        for language, table in tables.items()
    }


def look(text: str) -> frozenset[str]:
    """The signs in a text that `bot.care_text.plain` left: concepts, and `language.concept.line` for what matched."""
    found: set[str] = set()
    for language, script in (("ko", _HANGUL), ("en", _LATIN)):
        if script.search(text):
            for name, line, expression in expressions()[language]:
                if expression.search(text):
                    found.update((name, line))
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
