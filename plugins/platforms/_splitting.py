"""Long texts in several messages: whole sentences and code blocks where they fit, and never a character less.

Joining the parts gives the text again. What a person sees as one character (an emoji of several code points, a flag)
stays in one piece; only one that is longer than a whole message is cut, between its code points.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from itertools import accumulate

import regex

Span = tuple[int, int]
Length = Callable[[str], int]

_CHARACTER = regex.compile(r"\X")
_FENCE = regex.compile(r"^ {0,3}(`{3,}|~{3,})[^\n]*\n?", regex.MULTILINE)
_PARAGRAPH, _LINE, _SENTENCE, _WORD = (
    regex.compile(pattern) for pattern in (r"\n\s*\n", r"\n", r"""[.!?…。？！]+["'”’)\]」』]*\s+""", r"\s+")
)


def utf16(text: str) -> int:
    """Length in UTF-16 code units, which is how Telegram counts (Bot API, MessageEntity)."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def split(text: str, limit: int, length: Length = len) -> list[str]:
    """Parts of at most `limit` each, in order; together they are the text, and none is empty.

    When a text grows, its parts stay as they are but for the last two: a streamed answer does not move about.

    Args:
        length: what `limit` counts: `len` for code points, `utf16` for UTF-16 units.

    Raises:
        ValueError: `limit` is smaller than a single code point.
    """
    if not text or length(text) <= limit:
        return [text] if text else []
    places, blocks = _Places(text, limit, length), code_blocks(text)
    parts, start = [], 0
    while start < len(text):
        end = places.furthest(start)
        if end < len(text):
            end = _cut(text, start, end, blocks, places)
        parts.append(text[start:end])
        start = end
    return parts


def code_blocks(text: str) -> list[Span]:
    """Where fenced code stands, fences included, as (start, end); one that is not closed ends with the text."""
    blocks: list[Span] = []
    opened: tuple[int, str] | None = None
    for fence in _FENCE.finditer(text):
        mark = fence[1]
        if opened is None:
            opened = fence.start(), mark
        elif mark.startswith(opened[1]) and not fence[0].strip().strip(mark[0]):
            blocks.append((opened[0], fence.end()))
            opened = None
    return [*blocks, (opened[0], len(text))] if opened else blocks


class _Places:
    """The places where a text may be cut at all, and how far one message reaches from each."""

    def __init__(self, text: str, limit: int, length: Length) -> None:
        pieces = list(_pieces(text, limit, length))
        self._limit = limit
        self._places = [0, *accumulate(map(len, pieces))]
        self._lengths = [0, *accumulate(map(length, pieces))]

    def furthest(self, start: int) -> int:
        taken = self._lengths[bisect_left(self._places, start)]
        return self._places[bisect_right(self._lengths, taken + self._limit) - 1]

    def __contains__(self, place: int) -> bool:
        return self._places[bisect_left(self._places, place)] == place


def _pieces(text: str, limit: int, length: Length) -> Iterator[str]:
    for character in _CHARACTER.findall(text):
        if length(character) <= limit:
            yield character
            continue
        if max(map(length, character)) > limit:
            raise ValueError(f"a limit of {limit} is smaller than one character")
        yield from character


def _cut(text: str, start: int, end: int, blocks: list[Span], places: _Places) -> int:
    """The best place up to `end`: in front of a code block that would be torn, else an end in the second half."""
    torn = around(end, blocks)
    if torn and torn[0] > start and text[start : torn[0]].strip():
        return torn[0]
    for ending in (_LINE,) if torn else (_PARAGRAPH, _LINE, _SENTENCE, _WORD):
        found: list[int] = [match.end() for match in ending.finditer(text, pos=(start + end) // 2, endpos=end)]
        for place in reversed(found):
            if place in places and (torn or not around(place, blocks)):
                return place
    return end


def around(place: int, blocks: list[Span]) -> Span | None:
    """The code block that a cut here would tear."""
    before = bisect_left(blocks, (place, 0))
    block = blocks[before - 1] if before else None
    return block if block and place < block[1] else None
