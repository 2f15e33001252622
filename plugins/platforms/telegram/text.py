"""Texts as Telegram shows them: parts of 4,096 UTF-16 units, formatting as entities, so that nothing needs escaping."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Literal, NamedTuple

from plugins.platforms._splitting import code_blocks, split, utf16

LIMIT = 4096  # Bot API sendMessage.text, in UTF-16 units after entities are parsed
NO_BREAK = "\u00a0"
NOTHING = "…"  # stands where there is nothing to see yet, or at all


class Mark(NamedTuple):
    """Formatting of a stretch of a text, in UTF-16 units (Bot API, MessageEntity)."""

    kind: Literal["pre", "italic", "bold"]
    start: int
    length: int


class Part(NamedTuple):
    """One message's text with its formatting."""

    text: str
    marks: tuple[Mark, ...] = ()


class Draft:
    """A text put together piece by piece, some of them emphasised."""

    def __init__(self) -> None:
        self._text = ""
        self._marks: list[Mark] = []

    def add(self, text: str, kind: Literal["", "bold", "italic"] = "") -> Draft:
        if kind and text:
            self._marks.append(Mark(kind, utf16(self._text), utf16(text)))
        self._text += text
        return self

    def part(self) -> Part:
        return Part(self._text, tuple(self._marks))


def parts(text: str, notice: str = "") -> list[Part]:
    """The messages that a text needs, with a notice in italics at its end; at least one."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    found = [part._replace(text=_indented(part.text)) for part in _marked(text) if is_visible(part.text)]
    if not notice:
        return found or [Part(NOTHING)]
    last = found.pop() if found else Part("")
    gap = "\n\n" if last.text else ""
    start = utf16(last.text + gap)
    if start + utf16(notice) > LIMIT:
        return [*found, last, Part(notice, (Mark("italic", 0, utf16(notice)),))]
    mark = Mark("italic", start, utf16(notice))
    return [*found, Part(last.text + gap + notice, (*last.marks, mark))]


def is_visible(text: str) -> bool:
    """Is there anything to see? Telegram refuses a message of spaces and marks without a letter."""
    return any(unicodedata.category(character)[0] not in "ZCM" and character != "\u2800" for character in text)


def _indented(part: str) -> str:
    """A part whose first line keeps its indentation: Telegram trims spaces and line ends at both ends, also of code
    (TDLib, fix_formatted_text), but no no-break space. Lengths stay as they are.
    """
    blanks = part[: len(part) - len(part.lstrip(" \n"))]
    indent = len(blanks) - (blanks.rfind("\n") + 1)
    at = len(blanks) - indent
    return part[:at] + NO_BREAK + part[at + 1 :] if indent else part


def _marked(text: str) -> list[Part]:
    """The parts of a text, with its code blocks marked in each."""
    blocks, found, start = code_blocks(text), [], 0
    for part in split(text, LIMIT, utf16):
        end = start + len(part)
        inside = [(max(a, start) - start, min(b, end) - start) for a, b in blocks if a < end and b > start]
        found.append(Part(part, _pre(part, inside)))
        start = end
    return found


def _pre(part: str, spans: Sequence[tuple[int, int]]) -> tuple[Mark, ...]:
    marks = []
    for start, end in spans:
        code = part[start:end].rstrip()
        if code:
            marks.append(Mark("pre", utf16(part[:start]), utf16(code)))
    return tuple(marks)
