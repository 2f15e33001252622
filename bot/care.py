"""The crisis path: does somebody speak of ending their life, outright or veiled, or of somebody else at risk now?

Apart from the emotions and before any language model, in plain Python: it works when everything else is down. A linear
model over signs and n-grams (bot.care_signs; fitted by training/care.py into care_model.json) decides; what is said
plainly, with no frame that would excuse it, counts whatever the model thinks. The answers are fixed, reviewed texts
(care.toml). docs/care.md is the published protocol, with figures.

Sources: WHO mhGAP (ask, listen, always say where help is, never describe a method); Posner et al. 2011 (Columbia scale:
wish, thoughts, method, intent, plan, behaviour); Korea's unified line 109 since 2024-01-01; the US line 988.
"""

from __future__ import annotations

import json
import re
import tomllib
from array import array
from binascii import a2b_base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from math import exp
from pathlib import Path
from secrets import token_bytes
from typing import Any, Literal, get_args

from bot import care_signs
from bot.care_signs import FICTION, Seen
from bot.remember import Remembered
from bot.types import Language

Level = Literal["explicit", "veiled", "none"]
About = Literal["self", "other"]
HEADS = ("risk", "explicit", "other")

TURNS = 4  # the last turn and up to three before it
MAX_REMEMBERED, REMEMBERED_S = 8_192, 600.0
WINDOW = 240  # characters judged at once; of a longer text the most worrying stretch counts
_HERE = Path(__file__)
_SENTENCE = re.compile(r"(?<=[.!?…\n])\s+")


@dataclass(frozen=True, slots=True)
class Finding:
    """`risk` is the model's 0…1 for the last turn in its context, and not a measure of how ill somebody is."""

    level: Level
    about: About
    risk: float


@dataclass(frozen=True, slots=True)
class Weights:
    """One bias and one weight a bucket for each head, and the two thresholds on the scores."""

    biases: Mapping[str, float]
    tables: Mapping[str, Sequence[float]]
    risk_at: float
    explicit_at: float

    def score(self, head: str, values: Mapping[int, float]) -> float:
        table = self.tables[head]
        return self.biases[head] + sum(table[at] * value for at, value in values.items())


class Care:
    """Loads once (about 0.2 s); then a message takes less than 2 ms. Safe to call from anywhere.

    It keeps no text: for some minutes only whether a text, by a keyed hash that ends with the process, has any sign.
    """

    def __init__(self, weights: Weights | None = None) -> None:
        self._weights = weights or load()
        self._key = token_bytes(16)
        self._evident: Remembered[bytes, bool] = Remembered(MAX_REMEMBERED, REMEMBERED_S)
        care_signs.signs()

    def level(self, turns: Sequence[str]) -> Level:
        """How the last turn is to be taken, given the person's own earlier turns, oldest first."""
        return self.find(turns).level

    def find(self, turns: Sequence[str]) -> Finding:
        """`level`, and who is at risk: the person, or somebody they speak of."""
        if not turns or not turns[-1].strip():
            return Finding("none", "self", 0.0)
        earlier, parts = [turn[-WINDOW:] for turn in turns[-TURNS:-1]], _parts(turns[-1])
        if not any(self._is_evident(text) for text in (*parts, *earlier)):
            return Finding("none", "self", 0.0)
        before = [care_signs.look(text) for text in earlier]
        return max((self._judge(care_signs.look(part), before) for part in parts), key=_gravity)

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
        seen = care_signs.plain(text)
        return any(expression.search(seen) for expression in _unsafe()) or "1393" in text

    def _is_evident(self, text: str) -> bool:
        """Remembered, as a text is looked at when it comes and again in the context of each of the next ones."""
        key = blake2b(text.encode(), digest_size=16, key=self._key).digest()
        at, found = self._evident.now(), self._evident.get(key)
        if found is None:
            found = care_signs.evident(care_signs.signs_in(text))
            self._evident.put(key, found, at)
        return found

    def _judge(self, last: Seen, before: Sequence[Seen]) -> Finding:
        if not any(care_signs.evident(seen.signs) for seen in (last, *before)):
            return Finding("none", "self", 0.0)
        earlier = [_chance(self._weights.score("risk", care_signs.features(seen, (), ()))) for seen in before]
        values = care_signs.features(last, before, earlier)
        risk = self._weights.score("risk", values)
        plainly = care_signs.plainly(last.signs)
        frames = last.signs.union(*(seen.signs for seen in before))
        just_said = any(care_signs.plainly(seen.signs) for seen in before[-2:])
        just_said = just_said and "recovered" not in last.signs and not frames & FICTION
        level: Level = "none"
        if plainly or risk > self._weights.risk_at or just_said:
            explicit = plainly or (
                risk > self._weights.risk_at and self._weights.score("explicit", values) > self._weights.explicit_at
            )
            level = "explicit" if explicit else "veiled"
        about: About = "other" if self._weights.score("other", values) > 0 else "self"
        return Finding(level, about, _chance(risk))


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
def load() -> Weights:
    """The fitted weights: 8-bit numbers in base64, one scale a head."""
    model = json.loads(_HERE.with_name("care_model.json").read_text(encoding="utf-8"))
    heads = model["heads"]
    return Weights(
        {name: heads[name]["bias"] for name in HEADS},
        {name: _unpacked(heads[name]["weights"], heads[name]["scale"]) for name in HEADS},
        model["risk_at"],
        model["explicit_at"],
    )


def _unpacked(packed: str, scale: float) -> Sequence[float]:
    return array("f", [number * scale for number in array("b", a2b_base64(packed))])


@cache
def texts() -> Mapping[str, Any]:
    """care.toml: the reviewed texts, their review date, and what a language model must not write."""
    return tomllib.loads(_HERE.with_name("care.toml").read_text(encoding="utf-8"))


@cache
def _answers() -> frozenset[str]:
    levels = ("explicit", "veiled", "other")
    return frozenset(text for language in get_args(Language) for level in levels for text in texts()[language][level])


@cache
def _unsafe() -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(line) for lines in texts()["unsafe"].values() for line in lines)
