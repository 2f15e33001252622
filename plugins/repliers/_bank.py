"""The sentence banks of the offline voice: offline_ko.toml and offline_en.toml, read once."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from bot.types import Language

SENTENCE = re.compile(r"[^.!?…~\n]+[.!?…~]*")
WHOLE_CHARS = 40
SIGNS = re.compile(r"[\s.,!~…\"'“”‘’()\[\]{}<>:;*_^|/\\-]+")


@dataclass(frozen=True, slots=True)
class Act:
    """What a message does besides feeling: greet, thank, ask for advice. `within`: the longest text it may stand in."""

    name: str
    say: tuple[str, ...]
    whole: re.Pattern[str] | None = None
    inside: re.Pattern[str] | None = None
    within: int = 0
    feels: bool = False  # answered after a sentence that takes the feeling in
    small: bool = False  # small talk: only where nothing weighs on the person
    asks: bool = False  # only where something is asked
    not_for: tuple[str, ...] = ()  # groups that mean something else by it

    def fits(self, text: str) -> bool:
        """`text` as `bare` leaves it."""
        if self.whole and len(text) <= WHOLE_CHARS and self.whole.fullmatch(text.rstrip("?")):
            return True
        return bool(self.inside and (not self.within or len(text) <= self.within) and self.inside.search(text))


@dataclass(frozen=True, slots=True)
class Topic:
    cues: re.Pattern[str]
    noun: str
    said: Mapping[str, tuple[str, ...]]  # by group; `bad` and `good` stand for all groups but joy, and for joy

    def lines(self, group: str) -> tuple[str, ...]:
        """What may be said of it to somebody in this mood; often nothing."""
        usual = {"joy": "good", "neutral": ""}.get(group, "bad")
        return self.said.get(group) or self.said.get(usual, ())


@dataclass(frozen=True, slots=True)
class Bank:
    """All sentences of a language."""

    feelings: Mapping[str, Mapping[str, tuple[str, ...]]]
    mirror: Mapping[str, Mapping[str, tuple[str, ...]]]
    tone: Mapping[str, Mapping[str, tuple[str, ...]]]
    later: Mapping[str, Mapping[str, tuple[str, ...]]]
    topics: tuple[Topic, ...]
    acts: tuple[Act, ...]
    say: Mapping[str, tuple[str, ...]]
    slots: Mapping[str, str]  # sentence → the slot it stands in


@cache
def bank(language: Language) -> Bank:
    data = tomllib.loads(files("plugins.repliers").joinpath(f"offline_{language}.toml").read_text(encoding="utf-8"))
    acts = tuple(_act(row) for row in data["acts"])
    tables = {name: {key: _table(table) for key, table in data[name].items()} for name in TABLES}
    topics = tuple(_topic(row) for row in data["topics"].values())
    say = _table(data["say"])
    return Bank(**tables, topics=topics, acts=acts, say=say, slots=_slots(tables, topics, acts, say))


TABLES = ("feelings", "mirror", "tone", "later")


def sentences(text: str) -> list[str]:
    """The sentences of a text, with their closing signs, each stripped."""
    return [found.strip() for found in SENTENCE.findall(text) if found.strip()]


def bare(text: str) -> str:
    """A text without spaces and signs, lower case: what cues are matched against."""
    return SIGNS.sub("", text).lower()


def _act(row: Mapping[str, Any]) -> Act:
    return Act(
        name=row["name"],
        say=_lines(row["say"]),
        whole=re.compile(row["whole"]) if "whole" in row else None,
        inside=re.compile(row["inside"]) if "inside" in row else None,
        within=row.get("within", 0),
        feels=row.get("feels", False),
        small=row.get("small", False),
        asks=row.get("asks", False),
        not_for=tuple(row.get("not_for", ())),
    )


def _topic(row: Mapping[str, str]) -> Topic:
    said = {name: _lines(text) for name, text in row.items() if name not in ("cues", "noun")}
    return Topic(re.compile(row["cues"]), row["noun"], said)


def _table(table: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    return {key: _lines(text) for key, text in table.items()}


def _lines(text: str) -> tuple[str, ...]:
    return tuple(line for line in text.splitlines() if line)


def _slots(
    tables: Mapping[str, Mapping[str, Mapping[str, tuple[str, ...]]]],
    topics: tuple[Topic, ...],
    acts: tuple[Act, ...],
    say: Mapping[str, tuple[str, ...]],
) -> dict[str, str]:
    named = [(slot, lines) for name in TABLES for table in tables[name].values() for slot, lines in table.items()]
    named += [("topic", lines) for topic in topics for lines in topic.said.values()]
    named += [("act", act.say) for act in acts] + [("act", lines) for lines in say.values()]
    return {sentence: slot for slot, lines in named for line in lines for sentence in sentences(line)}
