"""Hearing a Korean message: what mood it is in, and one clause of it turned towards the person who said it.

The morphological analyser (kiwipiepy) takes the message apart; the last predicate gets the ending that suits a verb,
an adjective or 이다 in its tense (떨어졌어요 → 떨어졌구나, 추워 → 춥구나), the speaker becomes the hearer (내가 → 네가)
and everything between stays as it was written. The result is read once more by the analyser. A clause that is not safe
to say back (`_korean_safe`) is left alone: `Heard.clause` is None, and the sentence bank answers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.types import Group
from plugins.repliers import _korean_words as words
from plugins.repliers._korean_endings import Clause, Endings
from plugins.repliers._korean_safe import TURNING, is_aside, is_sound
from plugins.repliers._korean_words import Piece, Word

if TYPE_CHECKING:
    from kiwipiepy import Kiwi

MAX_CHARS = 400
MAX_PIECES = 3
MAX_WORDS, MAX_CLAUSE_CHARS = 7, 26


@dataclass(frozen=True, slots=True)
class Heard:
    """What the analyser makes of a message. `doubts`: something is weighed (갈까, 비 올까)."""

    asks: bool = False
    requests: bool = False
    doubts: bool = False
    clause: Clause | None = None


class Korean:
    """Loads the analyser (about a second, once); not thread-safe, so keep it on one thread.

    Without its dictionaries of names of several words and of misspellings, which are half of it: 2,736 messages of
    maum-58 are heard alike with them and without.
    """

    def __init__(self) -> None:
        from kiwipiepy import Kiwi

        self._kiwi: Kiwi = Kiwi(num_workers=1, load_typo_dict=False, load_multi_dict=False)
        self._endings = Endings(self._kiwi.join)

    def hear(self, text: str, group: Group) -> Heard:
        pieces = [piece for part in words.parts(text[:MAX_CHARS]) for piece in self._pieces(part)]
        if not pieces:
            return Heard()
        last = pieces[-1]
        asks = any(piece.asks for piece in pieces)
        requests = bool(words.REQUEST.search(last.surface)) and not asks
        doubts = any(piece.wonders for piece in pieces)
        return Heard(asks, requests, doubts, None if words.QUOTES.search(text) else self._best(pieces, group))

    def _best(self, pieces: Sequence[Piece], group: Group) -> Clause | None:
        """The first clause that is safe to say back; none where another sentence goes on or turns the story."""
        if len(pieces) > MAX_PIECES:
            return None
        bright = group in ("joy", "neutral")
        for place, piece in enumerate(pieces):
            aside = all(is_aside(other, bright and place == 0) for other in pieces if other is not piece)
            clause = self._clause(piece, group, len(pieces) == 1) if aside else None
            if clause and not (clause.weak and len(pieces) > 1):
                return clause
        return None

    def _pieces(self, part: str) -> list[Piece]:
        """The sentences of a part: cut where an ending closes one and more words follow."""
        text = self._without_cute_codas(part.rstrip("?"))
        tokens = self._tokens(text)
        pieces: list[list[Word]] = [[]]
        for token in tokens:
            tensed = len(pieces[-1]) > 1 and pieces[-1][-2].tag in ("EP", "VA", "VA-I", "VX", "XSA")
            if pieces[-1] and _begins(token, pieces[-1][-1], tensed):
                pieces.append([])
            pieces[-1].append(token)
        cut = [Piece(text, tuple(piece), part.endswith("?")) for piece in pieces if piece]
        return [Piece(p.text, p.tokens, p.marked and p is cut[-1]) for p in cut]

    def _without_cute_codas(self, text: str) -> str:
        """했당 → 했다, 했엉 → 했어: the consonant that chatters hang on an ending."""
        for token in self._kiwi.tokenize(text):
            if token.tag == "Z_CODA" and "가" <= text[token.start] <= "힣":
                plain = chr(0xAC00 + (ord(text[token.start]) - 0xAC00) // 28 * 28)
                text = text[: token.start] + plain + text[token.start + 1 :]
        return text

    def _clause(self, piece: Piece, group: Group, alone: bool) -> Clause | None:
        if piece.marked or words.UNSAFE.search(piece.surface.replace(" ", "")):
            return None
        tokens = words.without_lead(piece.tokens)
        if not tokens or tokens[0].form in TURNING or any(not words.ALLOWED.match(token.tag) for token in tokens):
            return None
        if not self._understood(piece, tokens):
            return None
        phrase = words.split(piece.text, tokens)
        clause = words.last_clause(phrase, MAX_WORDS)
        if clause is None or sum(len(word) for word in clause.surfaces) > MAX_CLAUSE_CHARS:
            return None
        shifted = words.towards_you(clause, self._kiwi.join)
        if shifted is None:
            return None
        ended = self._endings.end(shifted, group, alone)
        told = ended and (ended.bare or ended.mood or len(shifted.groups) > 1 or clause is phrase)
        if not ended or not told or not (ended.bare or self._kiwi.space(ended.kuna) == ended.kuna):
            return None
        return ended if is_sound(ended.kuna, self._tokens(ended.kuna)) else None

    def _tokens(self, text: str) -> list[Word]:
        return [Word(t.form, t.tag, t.start, t.start + t.len) for t in self._kiwi.tokenize(text)]

    def _understood(self, piece: Piece, tokens: Sequence[Word]) -> bool:
        """Do the morphemes, put together again, give what was written?"""
        joined = self._kiwi.join([(token.form, token.tag) for token in tokens])
        written = piece.text[tokens[0].start : tokens[-1].end]
        return words.squeeze(joined) == words.squeeze(written)


def _begins(token: Word, before: Word, tensed: bool) -> bool:
    """Does a new sentence begin here, though no sign says so?"""
    closed = before.tag == "EF" or (before.tag == "EC" and before.form == "다")
    if before.form == "다" and (not tensed or token.form in ("오", "가")):  # …하다 들켰다, …갔다 왔다: one sentence
        return False
    return closed and token.tag[0] in "NVMI" and token.tag != "VX" and token.start > before.end
