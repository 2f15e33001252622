"""The crisis path: does somebody speak of ending their life, outright or veiled, or of somebody else at risk now?

Apart from the emotions and before any language model, in plain Python: it works when everything else is down. A linear
model over n-grams, words and signs (bot.care_line; fitted by training/care.py) decides over the last turn and up to
three before it. The answers are fixed, reviewed texts (care.toml). docs/care.md is the published protocol.

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

from bot import care_line, care_signs
from bot.care_line import Line
from bot.care_text import plain
from bot.types import Language

Level = Literal["explicit", "veiled", "none"]
About = Literal["self", "other"]

TURNS = 4  # the last turn and up to three before it
WINDOW = 240  # characters judged at once; of a longer text the most worrying stretch counts
_TEXTS = Path(__file__).with_suffix(".toml")
_SENTENCE = re.compile(r"(?<=[.!?…\n])\s+")


@dataclass(frozen=True, slots=True)
class Finding:
    """`risk` is the model's 0…1 for the last turn in its context, and not a measure of how ill somebody is."""

    level: Level
    about: About
    risk: float


class Care:
    """Loads once (about 0.3 s); then a message takes less than 5 ms. Safe to call from anywhere: it keeps nothing."""

    def __init__(self, line: Line | None = None) -> None:
        self._line = line or care_line.load()
        care_signs.expressions()

    def level(self, turns: Sequence[str]) -> Level:
        """How the last turn is to be taken, given the person's own earlier turns, oldest first."""
        return self.find(turns).level

    def find(self, turns: Sequence[str]) -> Finding:
        """`level`, and who is at risk: the person, or somebody they speak of."""
        if not turns or not turns[-1].strip():
            return Finding("none", "self", 0.0)
        before = [turn[-WINDOW:] for turn in turns[-TURNS:-1] if turn.strip()]
        return max((self._judge([*before, part]) for part in _parts(turns[-1])), key=_gravity)

    def reply(self, level: Level, language: Language, about: About = "self", times: int = 0) -> str:
        """The fixed answer; `times` is how often this conversation has had one, so that the words change.

        Raises:
            ValueError: level "none" has no answer.
        """
        if level == "none":
            raise ValueError("there is nothing to answer")
        variants: list[str] = texts()[language]["other" if about == "other" else level]
        return variants[times % len(variants)]

    def said(self, text: str) -> bool:
        """Is this one of our fixed answers?"""
        return text in _answers()

    def unsafe_output(self, text: str) -> bool:
        """Would this, written by a language model, encourage or describe self-harm, or shame a person in a crisis?

        Also true for text that names the line being retired.
        """
        seen = plain(text)
        return any(expression.search(seen) for expression in _unsafe()) or "1393" in text

    def _judge(self, turns: Sequence[str]) -> Finding:
        scores = self._line.scores(care_line.terms(turns))
        level: Level = "none"
        if scores["risk"] > self._line.risk_at:
            level = "explicit" if scores["explicit"] > self._line.explicit_at else "veiled"
        return Finding(level, "other" if scores["other"] > 0 else "self", _chance(scores["risk"]))


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
