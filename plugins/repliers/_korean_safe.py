"""Which Korean clauses are safe to say back: one plain statement whose actor and tense cannot be mistaken.

Two gates. Before: `is_simple` looks at the person's clause. After: `is_sound` has the analyser read the finished
sentence again, whose ending must fit what stands before it. In doubt the sentence bank answers alone.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from bot.types import Group
from plugins.repliers._korean_predicates import ADJECTIVAL, FELT, SORRY, Predicate, is_negated, root_of
from plugins.repliers._korean_words import KIN, Phrase, Piece, Word, listed

TAKES_SIDES = ("anger", "hurt")  # groups in which somebody else has mostly acted
TOPIC_MARKS = ("은", "는", "ᆫ", "도")
OPEN_NOUNS = listed("open_nouns")
PLAIN_FINALS = listed("plain_finals")
WITNESSED = listed("seen")
NOTED = listed("noted")
DONE_NOTES = listed("done_notes")
OWN_STATES = listed("own_states")
BLAMING = listed("blaming")
TURNING = listed("turning")
HABIT = listed("habit")
AIDED = ("어", "아", "게", "고", "지")
LINKING = ("고", "게", "어서", "아서", "다가", "려고", "으려고", "러", "으러", "다")
MAX_BARE_NOUNS = 3
FINE = re.compile(r"^[가-힣0-9][가-힣0-9% ]*구나$")


def is_aside(piece: Piece, bright: bool) -> bool:
    """May this sentence stand beside the one that is said back? It turns nothing around, and tells no further event
    unless all is good (`bright`)."""
    told = any(token.form in ("었", "겠") and token.tag == "EP" for token in piece.tokens)
    turned = piece.tokens[0].form in TURNING or "째" in piece.surface
    return not turned and (bright or (not told and not piece.asks and len(piece.surface.split()) <= 4))


def is_simple(phrase: Phrase, predicate: Predicate, group: Group) -> bool:
    """Is the clause one plain statement with a sure actor and a sure tense?"""
    tokens = [token for word in phrase.groups for token in word]
    return (
        _ends_plainly(tokens, predicate)
        and _is_one_clause(tokens)
        and _bare_nouns(phrase) <= MAX_BARE_NOUNS
        and _actor_is_sure(phrase, predicate, group)
        and _state_is_sure(phrase, predicate, group)
    )


def is_sound(text: str, tokens: Sequence[Word]) -> bool:
    """Does the finished sentence read as it was meant: 동사 -는구나, 형용사 and past -구나, no loose consonant?"""
    if not FINE.match(text) or len(tokens) < 2 or tokens[-1].tag != "EF":
        return False
    ending, head = tokens[-1].form, tokens[-2]
    if head.form == "시" and len(tokens) > 2:
        head = tokens[-3]
    if any(token.tag in ("EF", "ETN", "Z_CODA", "UNA", "UNT", "NA") for token in tokens[:-1] if token.form != "기"):
        return False
    verbal = head.tag[:2] == "VV" or head.tag == "XSV" or (head.tag[:2] == "VX" and head.form not in ADJECTIVAL)
    if ending == "는구나":
        return verbal
    fits = head.form == "었" or head.tag[:2] in ("VA", "VC") or head.tag == "XSA" or head.form in ADJECTIVAL
    negated = head.tag == "VX" and head.form in ("않", "못하")
    return ending == "구나" and (fits or negated)


def _ends_plainly(tokens: Sequence[Word], predicate: Predicate) -> bool:
    final, past = predicate.final, predicate.past
    if final not in PLAIN_FINALS or ("겠", "EP") in predicate.endings:
        return False
    verb = predicate.kind == "verb"
    if final in NOTED and verb and tokens[-2].form != "었":  # a note: 먹음, 못 받음
        usual = any(token.form in HABIT or token.form in ("안", "못") for token in tokens)
        return predicate.stem[-1][0] in DONE_NOTES and not usual
    if final in ("네", "네요") and verb and not past:
        return predicate.stem[-1] in (("있", "VX"), ("나", "VV")) or root_of(predicate) in FELT
    return True


def _is_one_clause(tokens: Sequence[Word]) -> bool:
    """Nothing open inside: no quotation, condition, wondering, must, can; at most one linked clause."""
    linked = 0
    for before, token, after in zip((tokens[0], *tokens), tokens, tokens[1:], strict=False):
        if token.tag == "EF" or (token.tag == "NNB" and token.form in OPEN_NOUNS):
            return False
        if token.tag == "ETN" and not (token.form == "기" and after.form == "싫"):
            return False
        if token.tag == "EC" and not (token.form in AIDED and after.tag[:2] == "VX"):
            if token.form in ("ᆯ까", "을까") and after.form == "보":
                continue
            carried = token.form in ("어", "아") and after.tag == "VV" and after.start == token.end
            feared = token.form == "어" and before.form == "보" and before.tag == "VX"
            if not carried and not feared and token.form not in LINKING:
                return False
            linked += not carried
    adnominal = sum(token.tag == "ETM" for token in tokens)
    return linked <= 1 and adnominal <= 1 and linked + adnominal <= 1


def _bare_nouns(phrase: Phrase) -> int:
    """Words that are a noun without a particle: the more there are, the less sure who did what."""
    return sum(
        word[-1].tag in ("NNG", "NNP") and after[0].tag not in ("NNB", "XSV", "XSA") and word[-1].form not in HABIT
        for word, after in pairwise(phrase.groups)
    )


def _actors(phrase: Phrase) -> list[tuple[Word, ...]]:
    """The words that stand as a subject or theme."""
    return [
        word
        for word in phrase.groups[:-1]
        if word[0].tag in ("NNG", "NNP", "NP", "MM", "SN", "XPN", "NNB", "NR")
        and (word[-1].tag == "JKS" or (word[-1].tag == "JX" and word[-1].form in TOPIC_MARKS))
    ]


def _actor_is_sure(phrase: Phrase, predicate: Predicate, group: Group) -> bool:
    actors = _actors(phrase)
    me = [word for word in actors if word[0].form in ("나", "저")]
    if me and group not in ("joy", "neutral"):  # 내가 다 망쳤어: that would be a reproach
        return False
    if any(word[0].form in ("나", "저") and len(word) == 1 for word in phrase.groups):
        named = bool(actors) or any(word[0].form in KIN for word in phrase.groups)
        if not named and phrase.groups[0][0].form not in ("나", "저"):
            return False
    if actors:
        return True
    if predicate.stem[-1][0] == "오" and any(word[0].form == "여기" for word in phrase.groups):
        return False
    honoured = ("시", "EP") in predicate.endings
    given = predicate.stem[-1][0] in ("주", "시키", "부르", "보내", "버리") and predicate.stem[-1][1] == "VV"
    seen = predicate.final in WITNESSED and predicate.kind == "verb" and group != "joy"
    if honoured or given or seen:
        return False
    return group not in TAKES_SIDES or root_of(predicate) in FELT | SORRY


def _state_is_sure(phrase: Phrase, predicate: Predicate, group: Group) -> bool:
    """A verdict handed back (담임이 불공평하구나) becomes the speaker's own; a feeling named is met otherwise."""
    root = root_of(predicate)
    if root in BLAMING and group != "joy":
        return False
    if predicate.kind != "adjective" or predicate.past:
        return True
    if predicate.stem[-1][1] == "VX" and predicate.stem[-1][0] in ("싶", "있"):
        return group not in TAKES_SIDES or predicate.stem[-1][0] == "싶"
    if not _actors(phrase):
        return root in FELT | OWN_STATES or is_negated(phrase, predicate) or root == "싫"
    return group not in TAKES_SIDES or root == "없"
