"""What a person can agree to: scopes, each with purpose, items, period and right to refuse, in their language."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass

from bot.locale import LANGUAGES, say, words
from bot.types import Language
from storage.retention import Days

#: talk: answer me, store the talk, send it to the configured LLM · log: keep emotion tags · statistics: count me in
#: totals · entries: moderators may see single entries · training: my texts may train models
SCOPES = ("talk", "log", "statistics", "entries", "training")
INITIALS = dict(zip(SCOPES, "tlser", strict=True))  # short enough for a button's id
SENSITIVE = frozenset({"log", "statistics", "entries"})  # what a feeling says about health is to be agreed to apart
NO_TRAINING = frozenset({"discord"})  # its developer policy forbids training on messages
PARTS = ("title", "purpose", "items", "period", "refuse")


@dataclass(frozen=True, slots=True)
class Term:
    """One scope as a person reads it before they agree; nothing is ticked for them."""

    scope: str
    needed: bool
    sensitive: bool
    title: str
    purpose: str
    items: str
    period: str
    refuse: str


def offered_to(platform: str) -> tuple[str, ...]:
    """The scopes that people of a platform can agree to."""
    return SCOPES[:-1] if platform in NO_TRAINING else SCOPES


def terms(language: Language, platform: str, days: Days) -> list[Term]:
    """What there is to agree to on a platform, and for how long things are kept."""
    return [_term(scope, language, days) for scope in offered_to(platform)]


def _term(scope: str, language: Language, days: Days) -> Term:
    texts = [say(language, f"consent.{scope}_{part}", **asdict(days)) for part in PARTS]
    return Term(scope, scope == "talk", scope in SENSITIVE, *texts)


def _version() -> str:
    texts = repr([sorted(words(language)["consent"].items()) for language in LANGUAGES])
    return f"2026-11-{hashlib.sha256(texts.encode()).hexdigest()[:6]}"


VERSION = _version()  # kept with each consent; another wording is another version by itself
