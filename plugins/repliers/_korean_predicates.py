"""What kind of predicate a Korean clause ends in, and whether it may be said back at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from plugins.repliers._korean_words import Phrase, Word, listed

Morph = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Predicate:
    """The last predicate: what stands before it, its stem, its pre-final endings and its final one."""

    before: str
    stem: tuple[Morph, ...]
    endings: tuple[Morph, ...]
    final: str
    kind: str  # verb, adjective, copula
    words: tuple[Word, ...]

    @property
    def past(self) -> bool:
        return ("었", "EP") in self.endings


SEEN = listed("seen")
PLAIN = listed("plain")  # could also be a command, or a question
NOUNLIKE = listed("nounlike")
ADJECTIVAL = listed("adjectival")
TIMED = listed("timed")
MAY_WILL = listed("may_will")
EVENTS = listed("events")
COPULA_OF = EVENTS | listed("copula_of")
GLAD = listed("glad")
SORRY = listed("sorry")
FELT = listed("felt")
SCENE = frozenset(["는데", "ᆫ데", "은데", "는데요", "ᆫ데요", "은데요", "지만"])
GUESSABLE = listed("guessable")
WORRY = {"anxiety": "걱정되는구나", "neutral": "고민되는구나"}


def without_dying(phrase: Phrase) -> Phrase:
    """짜증나 죽겠다 means 짜증난다."""
    dying = [token.form for token in phrase.groups[-1]][:2] == ["죽", "겠"]
    if not dying or len(phrase.groups) < 2 or (phrase.groups[-2][-1].tag, phrase.groups[-2][-1].form) != ("EC", "어"):
        return phrase
    *stem, ending = phrase.groups[-2]
    last = (*stem, replace(ending, tag="EF"))
    return Phrase((*phrase.groups[:-2], last), phrase.surfaces[:-1])


def kind_of(head: Word, before: Sequence[Word]) -> str | None:
    """verb, adjective or copula: they take different endings."""
    if head.tag in ("VCP", "VCN"):
        return "copula"
    if head.form in ADJECTIVAL or head.tag.startswith("VA") or head.tag == "XSA":
        return "adjective"
    if head.tag == "VX" and head.form in ("않", "못하", "못"):
        main = next((t for t in reversed(before) if t.tag[:2] in ("VV", "VA") or t.tag in ("VX", "XSV", "XSA")), None)
        adjective = main is not None and (main.tag[:2] == "VA" or main.tag == "XSA" or main.form in ADJECTIVAL)
        return "adjective" if adjective else "verb"
    if head.form == "보" and before and before[-1].form in ("ᆯ까", "을까"):
        return None
    if head.form == "보" and head.tag == "VX" and before and before[-1].form in ("나", "ᆫ가", "은가", "는가"):
        return "adjective"
    return "verb" if head.tag[:2] in ("VV", "VX") or head.tag == "XSV" else None


def is_certain(phrase: Phrase, predicate: Predicate) -> bool:
    """Is this a statement about the person or their world, and no command, condition, guess or verdict?"""
    tokens = [token for word in phrase.groups for token in word]
    head = predicate.stem[-1]
    if head[0] in ("말", "주") and head[1] == "VX":
        return False
    if ("겠", "EP") in predicate.endings and head[0] not in MAY_WILL:
        return False
    wishing = head[0] == "좋" and ("겠", "EP") in predicate.endings
    if (
        any(token.tag == "EC" and token.form in ("면", "으면", "다면", "라면", "거나", "어도") for token in tokens)
        and not wishing
    ):
        return False
    quoting = ("다는", "ᆫ다는", "는다는", "라는", "다고", "ᆫ다고", "는다고", "라고", "자고", "냐고")
    if any(token.form in quoting for token in tokens):
        return False
    if predicate.kind == "copula":
        accused = any(token.tag == "NP" and token.form in ("나", "저") for token in tokens) and "안" in phrase.surfaces
        return is_fair(predicate) and not accused
    if predicate.kind == "verb" and predicate.final in PLAIN and not predicate.endings:
        return is_no_command(tokens, head)
    return True


def is_fair(predicate: Predicate) -> bool:
    """이다 says what somebody is: safe for days and events, not for people."""
    noun = predicate.stem[0]
    return predicate.stem[-1][1] == "VCP" and len(predicate.stem) > 1 and noun[0] in COPULA_OF


SIGNS_OF_STATEMENT = listed("signs_of_statement")
INNER = listed("inner")


def is_no_command(tokens: Sequence[Word], head: Morph) -> bool:
    said = any(t.tag == "JKS" or (t.tag == "MAG" and t.form in SIGNS_OF_STATEMENT) for t in tokens)
    return said or head[0] in INNER or (head[1] == "VX" and head[0] in ("있", "싶", "지", "않", "못하", "보"))


def root_of(predicate: Predicate) -> str:
    """What carries the sense: 우울하 → 우울, 짜증나 → 짜증, 힘들 → 힘들."""
    head = predicate.stem[0][0]
    bound = [t for t in predicate.words if t.tag == "NNG"]
    if head in ("나", "받", "되", "내") and bound:
        return bound[-1].form
    return head.removesuffix("하") if len(head) > 1 else head


def mood_of(predicate: Predicate, phrase: Phrase) -> int:
    if ("겠", "EP") in predicate.endings:
        return 0
    root = root_of(predicate)
    sign = (root in GLAD) - (root in SORRY)
    if is_negated(phrase, predicate):
        return -sign if sign < 0 or root in ("좋", "행복", "기쁘", "즐겁") else 0
    return sign


def is_done(phrase: Phrase, stem: Sequence[Word]) -> bool:
    """Does a note like 시험 망함 tell of something past? Not what one must, cannot or does not know."""
    before = [token for word in phrase.groups for token in word if token.start < stem[-1].start]
    must = bool(before) and before[-1].form.endswith("야")
    unable = len(phrase.surfaces) > 1 and phrase.surfaces[-2] in ("못", "안")
    return not must and not unable and stem[-1].form != "모르"


def is_negated(phrase: Phrase, predicate: Predicate) -> bool:
    word_before = phrase.surfaces[-2] if len(phrase.surfaces) > 1 else ""
    return word_before in ("안", "못") or predicate.stem[-1][0] in ("않", "못하") or predicate.before in ("안", "못")
