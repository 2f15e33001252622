"""The page's words in one person's language."""

from __future__ import annotations

from bot import emotions
from bot.errors import Refusal
from bot.locale import say
from bot.types import Emotion, Group, Language, Reading


class Words:
    """`words("send")` is the text of that name in the locale's [web] table."""

    def __init__(self, language: Language) -> None:
        self.language = language

    def __call__(self, name: str, **facts: object) -> str:
        return say(self.language, f"web.{name}", **facts)

    def consent(self, name: str, **facts: object) -> str:
        """What every surface says about consent, in the same words."""
        return say(self.language, f"consent.{name}", **facts)

    def refusal(self, refusal: Refusal) -> str:
        return say(self.language, f"refusal.{refusal.code}", **refusal.facts)

    def notice(self, code: str) -> str:
        return say(self.language, f"notice.{code}")

    def group(self, group: Group) -> str:
        return emotions.GROUP_NAMES[group][0 if self.language == "ko" else 1]

    def emotion(self, label: str) -> str:
        """The emotion's emoji and name."""
        entry = emotions.find(label)
        return f"{entry.emoji} {entry.name(self.language)}"


def best_of_group(reading: Reading) -> Emotion:
    """The label to name beside the group: the best one that lies in it."""
    return next((emotion for emotion in reading.emotions if emotion.group == reading.group), reading.top)


def percent(share: float) -> str:
    return f"{round(share * 100)}%"
