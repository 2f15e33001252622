"""One map for every label set: the original system's 58 emotions (+ neutral), KOTE's 44, GoEmotions' 28, 7 and 2.

The map is data, `emotions.csv`: one row a label, with its code, names, emoji, group(s), valence (-1…1), arousal (0…1),
its index in each set, and the reason where the group is not obvious. Sources: the 58 labels and their order from the
original chat bot; the tree from the published 감성대화 corpus; KOTE (searle-j/KOTE); GoEmotions (Demszky et al. 2020).
"""

from __future__ import annotations

import csv
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from types import MappingProxyType
from typing import cast, get_args

from bot.types import Emotion, Group, Language, Reading, Scores

log = logging.getLogger(__name__)

GROUPS: tuple[Group, ...] = get_args(Group)
SETS = ("maum", "kote", "goemotions", "seven", "binary")
NEUTRAL = "중립"
GROUP_NAMES: Mapping[Group, tuple[str, str, str]] = MappingProxyType(
    {  # Korean, English, emoji
        "joy": ("기쁨", "joy", "😊"),
        "sadness": ("슬픔", "sadness", "😢"),
        "anger": ("분노", "anger", "😡"),
        "anxiety": ("불안", "anxiety", "😰"),
        "hurt": ("상처", "hurt", "💔"),
        "embarrassment": ("당황", "embarrassment", "😳"),
        "neutral": ("중립", "neutral", "💬"),
    }
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One label of the map. A probability is shared evenly over `groups`; the first one is the label's own."""

    label: str
    code: str
    ko: str
    en: str
    emoji: str
    groups: tuple[Group, ...]
    valence: float
    arousal: float
    why: str = ""

    def name(self, language: Language) -> str:
        return self.ko if language == "ko" else self.en

    @property
    def group(self) -> Group:
        return self.groups[0]


@cache
def entries() -> Mapping[str, Entry]:
    """The whole map by label, as written in the models' `id2label`."""
    return MappingProxyType({row["label"]: _entry(row) for row in _rows()})


@cache
def by_code() -> Mapping[str, Entry]:
    return MappingProxyType({entry.code: entry for entry in entries().values()})


@cache
def group_name(group: str, language: Language) -> str:
    """A group's name in a language; the code itself for a group that is none of ours."""
    names = {str(code): (ko, en) for code, (ko, en, _) in GROUP_NAMES.items()}
    return names.get(group, (group, group))[0 if language == "ko" else 1]


def totals(by_group: Mapping[str, int], language: Language) -> list[str]:
    """One short line a group, the most frequent first: “😢 슬픔 3”."""
    emojis = {str(code): emoji for code, (_, _, emoji) in GROUP_NAMES.items()}
    best = sorted(by_group.items(), key=lambda item: -item[1])
    return [f"{emojis.get(group, '')} {group_name(group, language)} {count}".strip() for group, count in best]


def label_set(name: str) -> tuple[str, ...]:
    """The labels of one set in index order.

    Raises:
        KeyError: there is no such set; `SETS` lists them.
    """
    return tuple(row["label"] for row in sorted((r for r in _rows() if r[name]), key=lambda r: int(r[name])))


def find(label_or_code: str) -> Entry:
    """The entry of a label or code; a label nobody has mapped stays itself, is neutral, and is logged once."""
    entry = entries().get(label_or_code) or by_code().get(label_or_code)
    return entry or _unknown(label_or_code)


def members(group: Group) -> tuple[Entry, ...]:
    """The emotions of the 58 (+ neutral) that stand in a group, in index order: what a picker offers."""
    return tuple(entries()[label] for label in label_set("maum") if group in entries()[label].groups)


def group_scores(scores: Scores) -> dict[Group, float]:
    """Probability per group; it sums to 1 also for a multi-label model, whose scores do not.

    Raises:
        ValueError: there are more or fewer scores than labels.
    """
    values = scores.values
    if len(values) != len(scores.labels):
        raise ValueError(f"{len(values)} scores for {len(scores.labels)} labels")
    shares = _shares(scores.labels)
    masses = {group: sum([values[at] * share for at, share in shares[group]]) for group in GROUPS}
    total = sum(masses.values()) or 1.0
    return {group: mass / total for group, mass in masses.items()}


@lru_cache(maxsize=16)
def _shares(labels: tuple[str, ...]) -> Mapping[Group, Sequence[tuple[int, float]]]:
    """For each group the labels that belong to it, as (place, share of its probability)."""
    shares: dict[Group, list[tuple[int, float]]] = {group: [] for group in GROUPS}
    for at, label in enumerate(labels):
        groups = find(label).groups
        for group in groups:
            shares[group].append((at, 1 / len(groups)))
    return shares


def read(scores: Scores, model: str, sure_at: float = 0.5, best: int = 5) -> Reading:
    """Make a Reading of a model's scores.

    Args:
        scores: probabilities for all labels, calibrated by the model's plugin.
        model: what `Classifier.model` says.
        sure_at: the group probability from which the reading counts as sure.
        best: how many labels to keep, best first.
    """
    masses = group_scores(scores)
    labels, values = scores.labels, scores.values
    ranked = sorted(range(len(values)), key=values.__getitem__, reverse=True)
    group = max(masses, key=lambda g: masses[g])
    return Reading(
        emotions=tuple(Emotion(labels[at], find(labels[at]).group, values[at]) for at in ranked[:best]),
        group=group,
        groups=MappingProxyType(masses),
        sure=masses[group] >= sure_at,
        model=model,
    )


def corrected(label: str, reading: Reading | None) -> Reading:
    """The Reading after a person said what they really felt: certain, and marked as theirs."""
    entry = find(label)
    rest = tuple(e for e in reading.emotions if e.label != entry.label)[:4] if reading else ()
    masses = group_scores(Scores((entry.label,), (1.0,)))
    return Reading(
        emotions=(Emotion(entry.label, entry.group, 1.0), *rest),
        group=entry.group,
        groups=MappingProxyType(masses),
        sure=True,
        model="person",
    )


@cache
def _rows() -> tuple[dict[str, str], ...]:
    text = files("bot").joinpath("emotions.csv").read_text(encoding="utf-8")
    return tuple(csv.DictReader(text.splitlines()))


def _entry(row: dict[str, str]) -> Entry:
    return Entry(
        label=row["label"],
        code=row["code"],
        ko=row["ko"],
        en=row["en"],
        emoji=row["emoji"],
        groups=cast(tuple[Group, ...], tuple(row["groups"].split(";"))),
        valence=float(row["valence"]),
        arousal=float(row["arousal"]),
        why=row["why"],
    )


@cache
def _unknown(label: str) -> Entry:
    log.warning("label %r is in no label set: kept as it is, counted as neutral", label)
    return Entry(label, label, label, label, "💬", ("neutral",), 0.0, 0.0, "unknown label")
