"""The crisis path: does somebody speak of ending their life, outright or veiled, or of somebody else at risk now?

Apart from the emotions and before any language model: it works when everything else is down. Two lines, fitted by
training/care.py, decide together over the last turn and up to three before it: a linear model (bot.care_line)
reads every text, a small encoder (bot.care_encoder) those that do not leave the first quite calm.
Without it the first decides alone. The answers are fixed, reviewed texts (care.toml); docs/care.md is the protocol.

Sources: WHO mhGAP (ask, listen, always say where help is, never describe a method); Posner et al. 2011 (Columbia scale:
wish, thoughts, method, intent, plan, behaviour); Korea's unified line 109 since 2024-01-01; the US line 988.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from math import exp
from pathlib import Path
from typing import Any, Literal, get_args

from bot import care_encoder, care_line, care_signs
from bot.care_encoder import Encoder, Together
from bot.care_line import HEADS, Line
from bot.care_text import plain
from bot.types import Language

Level = Literal["explicit", "veiled", "none"]
About = Literal["self", "other"]
Scores = Mapping[str, float]  # head → log-odds

TURNS = 4  # the last turn and up to three before it
WINDOW = 240  # characters judged at once; of a longer text the most worrying stretch counts
PARTS = 8  # of a very long text only so many stretches, the most worrying to the first line, are judged by both
_TEXTS = Path(__file__).with_suffix(".toml")
RETIRED = re.compile(r"(?<!\d)1393(?!\d)")  # the line that 109 replaced, and no longer number that holds these digits
_SENTENCE = re.compile(r"(?<=[.!?…\n])\s+")


@dataclass(frozen=True, slots=True)
class Finding:
    """`risk` is the lines' 0…1 for the last turn in its context, and not a measure of how ill somebody is."""

    level: Level
    about: About
    risk: float


class Care:
    """Loads once; then most messages take about a millisecond. Safe to call from anywhere: it keeps no text.

    `trouble`: what is wrong with the second line, in a few words for the operator; empty: nothing.
    """

    def __init__(self, line: Line | None = None, second: Path | None = care_encoder.MODEL) -> None:
        """Args: second: the second line's file; None: the first alone, on purpose."""
        self._line = line or care_line.load()
        care_signs.signs()
        self._second: tuple[Encoder, Together] | None = None
        self.trouble = ""
        try:
            self._second = care_encoder.load(second) if second else None
        except Exception as error:  # whatever a broken file does, the first line works
            name = second.name if second else ""
            why = f"its second line cannot be read from {name} ({type(error).__name__})"
            self.trouble = f"{why}, so it finds fewer people in danger; install Maum again"

    def level(self, turns: Sequence[str]) -> Level:
        """How the last turn is to be taken, given the person's own earlier turns, oldest first."""
        return self.find(turns).level

    def find(self, turns: Sequence[str]) -> Finding:
        """`level`, and who is at risk: the person, or somebody they speak of."""
        if not turns or not turns[-1].strip():
            return Finding("none", "self", 0.0)
        before = [turn[-WINDOW:] for turn in turns[-TURNS:-1] if turn.strip()]
        talks = [[*before, part] for part in _parts(turns[-1])]
        scored = [(self._line.scores(care_line.terms(talk)), talk) for talk in talks]
        worrying = sorted(scored, key=lambda one: one[0]["risk"])[-PARTS:]
        return max((self._judge(scores, talk) for scores, talk in worrying), key=_gravity)

    def reply(self, level: Level, language: Language, about: About = "self", times: int = 0) -> str:
        """The fixed answer; `times` is how often this conversation has had one, so that the words change.

        Raises:
            ValueError: level "none" has no answer.
        """
        if level == "none":
            raise ValueError("there is nothing to answer")
        variants: list[str] = texts()[language]["other" if about == "other" else level]
        return variants[times % len(variants)]

    def forget(self) -> None:
        """Remember nothing of what texts showed, whoever wrote them."""
        care_signs.forget()

    def said(self, text: str) -> bool:
        """Is this one of our fixed answers?"""
        return text in _answers()

    def unsafe_output(self, text: str) -> bool:
        """Would this, written by a language model, encourage or describe self-harm, or shame a person in a crisis?

        Also true for text that names the line being retired.
        """
        seen = plain(text)
        return any(expression.search(seen) for expression in _unsafe()) or RETIRED.search(text) is not None

    def _judge(self, first: Scores, turns: Sequence[str]) -> Finding:
        scores, risk_at = self._together(first, turns)
        level: Level = "none"
        if scores["risk"] > risk_at:
            level = "explicit" if scores["explicit"] > self._line.explicit_at else "veiled"
        return Finding(level, "other" if scores["other"] > 0 else "self", _chance(scores["risk"]))

    def _together(self, first: Scores, turns: Sequence[str]) -> tuple[Scores, float]:
        """Both lines' log-odds of each head, and above which one there is a risk."""
        if self._second is None or first["risk"] <= self._second[1].asked_from:
            return first, self._line.risk_at
        encoder, together = self._second
        more = encoder.scores(turns)
        return {head: first[head] + together.weight * more[head] for head in HEADS}, together.risk_at


def _gravity(finding: Finding) -> tuple[int, float]:
    return -get_args(Level).index(finding.level), finding.risk


def _chance(score: float) -> float:
    return 1 / (1 + exp(-max(-30.0, min(30.0, score))))


def _parts(text: str) -> list[str]:
    """A long text in stretches of whole sentences, so that one sentence does not drown among many."""
    if len(text) <= WINDOW:
        return [text]
    parts = [""]
    for sentence in _SENTENCE.split(text):
        for start in range(0, max(len(sentence), 1), WINDOW):
            piece = sentence[start : start + WINDOW]
            if len(parts[-1]) + len(piece) >= WINDOW:
                parts.append("")
            parts[-1] = f"{parts[-1]} {piece}".strip()
    return [part for part in parts if part]


@cache
def texts() -> Mapping[str, Any]:
    """care.toml: the reviewed texts, their review date, and what a language model must not write."""
    return tomllib.loads(_TEXTS.read_text(encoding="utf-8"))


@cache
def _answers() -> frozenset[str]:
    levels = ("explicit", "veiled", "other")
    return frozenset(text for language in get_args(Language) for level in levels for text in texts()[language][level])


@cache
def _unsafe() -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(line) for lines in texts()["unsafe"].values() for line in lines)
