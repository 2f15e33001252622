"""A long answer in several messages: nothing of it is lost to Discord's trimming, and code looks like code in each.

Discord cuts off white space at both ends of a message. A cut between two words leaves some at an end whichever side it
goes to, and a cut inside a word would be ugly, so a zero-width space stands guard there: it is no white space
(Unicode: White_Space=no), and nobody sees it. A code block that is too long for one message is closed at the cut and
opened again, in its language; a word joiner behind the added fence tells it from the answer's own, two of them that a
line break was added, too. Without guards and added fences the parts are the answer.
"""

from __future__ import annotations

import re
from itertools import accumulate, pairwise

from plugins.platforms._splitting import Span, around, code_blocks, split, utf16

LIMIT = 2_000  # resources/message#create-message; counted in UTF-16 units, the stricter reading of “characters”
GUARD, ADDED = "\u200b", "\u2060"
FENCE = "```"
ROOM = 40  # for a language (20), two fences, guards, and a closing fence that would stand alone in the next part
_OPENING = re.compile(r" {0,3}```([A-Za-z0-9_+\-.#]{0,20})[^\n]*\n")


def parts_of(text: str) -> list[str]:
    """Messages of at most 2,000 characters; white space at the text's own ends is Discord's to cut."""
    text = text.strip()
    if utf16(text) <= LIMIT:
        return [text]
    blocks = code_blocks(text)
    cuts = _cuts(text, blocks)
    torn = [None, *(_language(text, cut, blocks) for cut in cuts), None]
    parts = [text[start:end] for start, end in pairwise([0, *cuts, len(text)])]
    whole = [_ended(part, after) for part, after in zip(parts[:-1], torn[1:-1], strict=True)] + parts[-1:]
    return whole[:1] + [_begun(part, before) for part, before in zip(whole[1:], torn[1:-1], strict=True)]


def _cuts(text: str, blocks: list[Span]) -> list[int]:
    """Where to cut. The closing fence of a block goes with the code in front of it."""
    cuts = []
    for place in accumulate(map(len, split(text, LIMIT - ROOM, utf16)[:-1])):
        block = around(place, blocks)
        closes = block is not None and utf16(text[place : block[1]]) <= len(FENCE) + 5
        cuts.append(block[1] if block and closes else place)
    return [cut for cut in cuts if cut < len(text)]


def _language(text: str, cut: int, blocks: list[Span]) -> str | None:
    """The language, or "", of the code that this cut tears; None when it tears none."""
    block = around(cut, blocks)
    opening = _OPENING.match(text, block[0], cut) if block else None
    return opening[1] if opening else None


def _ended(part: str, torn: str | None) -> str:
    if torn is not None:
        return f"{part}{FENCE}{ADDED}" if part.endswith("\n") else f"{part}\n{FENCE}{ADDED}{ADDED}"
    return part + GUARD if _needs_guard(part[-1]) else part


def _begun(part: str, torn: str | None) -> str:
    if torn is not None:
        return f"{FENCE}{torn}\n{part}"
    return GUARD + part if _needs_guard(part[0]) else part


def _needs_guard(letter: str) -> bool:
    return letter.isspace() or letter in (GUARD, ADDED)
