"""Every word a person reads, by language. TOML rather than gettext: no compile step, and a test compares the keys."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import get_args

from bot.types import Language

LANGUAGES: tuple[Language, ...] = get_args(Language)


@cache
def words(language: Language) -> Mapping[str, Mapping[str, str]]:
    """All texts of a language, as table → key → text."""
    return tomllib.loads(files("bot.locale").joinpath(f"{language}.toml").read_text(encoding="utf-8"))


def say(language: Language, key: str, /, **facts: object) -> str:
    """The text of `table.key` with its facts filled in.

    Raises:
        KeyError: no such text.
    """
    table, name = key.split(".", 1)
    text = words(language)[table][name]
    return text.format(**facts) if facts else text


def pick(wanted: str | None, default: Language = "ko") -> Language:
    """The best of our languages for a browser's Accept-Language header or a platform's locale code."""
    for part in (wanted or "").lower().split(","):
        code = part.split(";")[0].strip()[:2]
        if code in LANGUAGES:
            return code
    return default if not wanted else "en"
