"""Ending a Korean clause the way a listening friend would: …구나, …다니, …면, …ㄹ 만해, …겠다."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.types import Group
from plugins.repliers._korean_predicates import (
    EVENTS,
    FELT,
    GLAD,
    GUESSABLE,
    NOUNLIKE,
    SCENE,
    SEEN,
    SORRY,
    TIMED,
    WORRY,
    Morph,
    Predicate,
    is_certain,
    is_done,
    is_negated,
    kind_of,
    mood_of,
    root_of,
    without_dying,
)
from plugins.repliers._korean_safe import is_simple
from plugins.repliers._korean_words import KIN, Join, Phrase, questioned, with_particle


@dataclass(frozen=True, slots=True)
class Clause:
    """One clause of the person's, said back. Empty where a form does not suit it.

    `kuna` 시험에 떨어졌구나 · `dani` 시험에 떨어졌다니 · `myeon` 시험에 떨어지면 · `worthy` 힘들 만해 ·
    `guess` 힘들겠다.
    `bare`: it names a feeling and nothing else. `mood`: the sign of its predicate (-1, 0, 1).
    `weak`: it only sets the scene (…는데), and is said back only where nothing else is.
    """

    kuna: str
    dani: str = ""
    myeon: str = ""
    worthy: str = ""
    guess: str = ""
    bare: bool = False
    mood: int = 0
    weak: bool = False


class Endings:
    """`join` is the analyser's own: it knows the irregular stems."""

    def __init__(self, join: Join) -> None:
        self._join = join

    def end(self, phrase: Phrase, group: Group, alone: bool) -> Clause | None:
        """The clause with its endings, or None where none is certain. `alone`: it is the whole message."""
        phrase = with_particle(without_dying(phrase))
        if phrase.groups[-1][-1].tag in ("NNG", "NNB"):
            return self._noun(phrase)
        predicate = self._predicate(phrase)
        if predicate is None:
            return None
        wh = questioned([token for word in phrase.groups for token in word])
        if wh and predicate.stem[-1][0] != "모르":
            return None
        if predicate.final in ("려고", "으려고"):
            return Clause(" ".join((*phrase.surfaces, "하는구나")))
        if predicate.final in ("ᆯ까", "을까"):
            return self._whether(phrase, predicate, group) if alone else None
        return self._stated(phrase, predicate, group)

    def _stated(self, phrase: Phrase, predicate: Predicate, group: Group) -> Clause | None:
        if not is_certain(phrase, predicate) or not is_simple(phrase, predicate, group):
            return None
        mood = mood_of(predicate, phrase)
        if (group == "joy" and mood < 0) or (group not in ("joy", "neutral") and mood > 0):
            return None
        root, weak = root_of(predicate), predicate.final in SCENE
        felt = not is_negated(phrase, predicate) and root in FELT
        return Clause(
            kuna=self._kuna(predicate),
            dani="" if weak or is_negated(phrase, predicate) else self._dani(predicate, group),
            myeon="" if weak else self._myeon(phrase, predicate, group),
            worthy=self._felt(predicate, ("ᆯ", "ETM")) + " 만해" if felt else "",
            guess="정말 " + self._felt(predicate, ("겠", "EP"), ("다", "EF")) if felt and root in GUESSABLE else "",
            bare=felt and len(phrase.groups) <= (2 if phrase.groups[0][0].tag == "MAG" else 1),
            mood=mood,
            weak=weak,
        )

    def _predicate(self, phrase: Phrase) -> Predicate | None:
        """The last predicate of the phrase; None if the phrase does not end in one."""
        tokens = phrase.groups[-1]
        at = len(tokens) - 1
        if tokens[at].tag not in ("EF", "EC"):
            return None
        final = tokens[at].form
        while at > 0 and tokens[at - 1].tag == "EP":
            at -= 1
        if at == 0:
            return None
        head = tokens[at - 1]
        kind = kind_of(head, [token for word in phrase.groups for token in word if token.start < head.start])
        if kind is None:
            return None
        start = at - 2 if head.tag in ("VCP", "XSV", "XSA") and at >= 2 else at - 1
        own = phrase.surfaces[-1]
        cut = len(own) - (tokens[-1].end - tokens[start].start)
        endings = tuple((t.form, t.tag) for t in tokens[at:-1] if (t.form, t.tag) != ("엇", "EP"))
        if final in SEEN and not any(form in ("었", "겠") for form, _ in endings):
            endings = (*endings, ("었", "EP"))
        if final in NOUNLIKE and kind == "verb" and not endings and is_done(phrase, tokens[:at]):
            endings = (("었", "EP"),)
        before = " ".join((*phrase.surfaces[:-1], own[:cut]))
        stem = tuple((t.form, t.tag) for t in tokens[start:at])
        return Predicate(before, stem, endings, final, kind, tokens)

    def _say(self, predicate: Predicate, *more: Morph, endings: Sequence[Morph] | None = None) -> str:
        tail = predicate.endings if endings is None else tuple(endings)
        return predicate.before + self._join((*predicate.stem, *tail, *more))

    def _kuna(self, predicate: Predicate) -> str:
        verb = predicate.kind == "verb" and not any(form in ("었", "겠") for form, _ in predicate.endings)
        return self._say(predicate, ("는구나" if verb else "구나", "EF"))

    def _dani(self, predicate: Predicate, group: Group) -> str:
        if not predicate.past and group != "joy":
            return ""
        if ("겠", "EP") in predicate.endings:
            return ""
        if predicate.kind == "copula" and not predicate.past:
            return self._say(predicate, ("라니", "EF"))
        if predicate.kind != "verb" or predicate.past:
            return self._say(predicate, ("다니", "EF"))
        short = self._say(predicate, ("ᆫ다니", "EF"))
        return self._say(predicate, ("는다니", "EF")) if "ᆫ" in short else short

    def _myeon(self, phrase: Phrase, predicate: Predicate, group: Group) -> str:
        """Only for what may happen again: a habit, or a mishap that befalls anybody."""
        tokens = [token for word in phrase.groups for token in word]
        personal = any(token.form in TIMED or token.tag in ("NP", "MM") or token.form in KIN for token in tokens)
        chained = any(word[-1].tag in ("EC", "ETM") for word in phrase.groups[:-1])
        mishap = root_of(predicate) in SORRY and not any(token.tag == "JKS" for token in tokens)
        fits = (
            predicate.kind == "verb"
            and predicate.final not in NOUNLIKE
            and 2 <= len(phrase.groups) <= (2 if predicate.past else 4)
        )
        if (
            group != "anger"
            or not fits
            or personal
            or chained
            or predicate.stem[-1][1] == "VX"
            or (predicate.past and not mishap)
        ):
            return ""
        return self._say(predicate, ("면", "EC"), endings=[e for e in predicate.endings if e[0] == "시"])

    def _felt(self, predicate: Predicate, *more: Morph) -> str:
        """The feeling alone, without what stands before it (요즘 회사가 힘들어 → 힘들…)."""
        own = (
            predicate.before.rsplit(" ", 1)[-1] if root_of(predicate) in ("짜증", "화", "걱정", "긴장", "실망") else ""
        )
        return own + self._join((*predicate.stem, *predicate.endings, *more))

    def _whether(self, phrase: Phrase, predicate: Predicate, group: Group) -> Clause | None:
        if predicate.kind == "copula" or group not in WORRY or predicate.endings or len(phrase.groups) > 6:
            return None
        return Clause(self._say(predicate, ("ᆯ지", "EC")) + " " + WORRY[group])

    def _noun(self, phrase: Phrase) -> Clause | None:
        """또 야근 → 또 야근이구나. Only for what happens to people, so that 엄마 never becomes 엄마구나."""
        last = phrase.groups[-1][-1]
        if last.form == "중" and last.tag == "NNB" and len(phrase.surfaces) > 1:
            return Clause(" ".join(phrase.surfaces) + "이구나")
        simple = all(token.tag in ("NNG", "NNP", "MAG", "MM", "SN", "NNB", "NR") for w in phrase.groups for token in w)
        if not simple or len(phrase.groups) > 3 or last.form not in EVENTS:
            return None
        told = " ".join(phrase.surfaces)
        ending = self._join(((last.form, last.tag), ("이", "VCP"), ("구나", "EF")))
        mood = (last.form in GLAD) - (last.form in SORRY)
        return Clause(told[: len(told) - len(last.form)] + ending, mood=mood)
