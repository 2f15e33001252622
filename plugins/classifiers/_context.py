"""What the person said just before, mixed into the reading of what they say now.

p(label | now, before) ∝ p(label | now) × p(its group | before) ^ weight: a product of two experts (Hinton 2002).
The weight stands in a model's calibration.json, where mixing measured better (training/context.py); 0 is none at all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bot.emotions import find, group_scores
from bot.types import Group, Scores, Text

LEAST = 1e-4  # no group is quite impossible after another


def asked(texts: Sequence[Text], weight: float) -> list[str]:
    """What the model is to read: every text, and after them the message before each that has one."""
    return [text.text for text in texts] + [text.before[-1] for text in texts if _counts(text, weight)]


def mixed(texts: Sequence[Text], found: Sequence[Scores], weight: float) -> list[Scores]:
    """One Scores per text, of a model's answers to what was `asked`; for models with one label a text."""
    before = iter(found[len(texts) :])
    return [
        _product(now, group_scores(next(before)), weight) if _counts(text, weight) else now
        for text, now in zip(texts, found[: len(texts)], strict=True)
    ]


def _counts(text: Text, weight: float) -> bool:
    return weight > 0 and bool(text.before)


def _product(now: Scores, before: Mapping[Group, float], weight: float) -> Scores:
    likely = {group: max(mass, LEAST) ** weight for group, mass in before.items()}
    values = [
        value * sum(likely[group] for group in find(label).groups) / len(find(label).groups)
        for label, value in zip(now.labels, now.values, strict=True)
    ]
    return Scores(now.labels, tuple(value / sum(values) for value in values))
