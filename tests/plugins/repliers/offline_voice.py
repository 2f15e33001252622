"""One offline voice for all its tests, so that the analyser is loaded once."""

from __future__ import annotations

from functools import cache

from bot import emotions
from bot.empathy import aim_for
from bot.locale import say
from bot.types import Emotion, Language, Prompt, Reading, Strategy, Tone, Turn
from plugins.repliers._korean import Korean
from plugins.repliers.offline import OfflineReplier

NOTES = {language: say(language, "offline.voice") for language in ("ko", "en")}


@cache
def voice() -> OfflineReplier:
    return OfflineReplier()


@cache
def korean() -> Korean:
    return voice()._load()


def reading(label: str) -> Reading:
    """A sure reading of a label, or of a group by its name."""
    group = next((g for g in emotions.GROUPS if g == label), None) or emotions.find(label).group
    groups = {one: 0.94 if one == group else 0.01 for one in emotions.GROUPS}
    return Reading((Emotion(label, group, 0.9),), group, groups, True, "test")


def asked(
    text: str,
    label: str | None = None,
    *,
    before: tuple[Turn, ...] = (),
    rejected: tuple[str, ...] = (),
    strategy: Strategy = "empathise",
    tone: Tone = "usual",
    language: Language = "ko",
) -> Prompt:
    felt = reading(label) if label else None
    return Prompt("", language, (*before, Turn("user", text, felt)), aim_for(felt, strategy, tone), rejected)


def answer(prompt: Prompt) -> str:
    """The reply without the note about the offline voice."""
    text = voice().answer(prompt)
    for note in NOTES.values():
        text = text.removesuffix(f"\n{note}")
    return text
