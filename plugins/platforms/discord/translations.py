"""Names and descriptions of commands in the languages of the locale; Discord shows each person their own."""

from __future__ import annotations

from typing import Any

import discord
from discord import app_commands

from bot.locale import say
from bot.types import Language

LANGUAGES: dict[discord.Locale, Language] = {
    discord.Locale.korean: "ko",
    discord.Locale.american_english: "en",
    discord.Locale.british_english: "en",
}


def words(key: str, language: Language = "en") -> app_commands.locale_str:
    """A text of the locale: in one language as Discord's default, in the others beside it."""
    return both(say("ko", key), say("en", key), language)


def both(ko: str, en: str, language: Language = "en") -> app_commands.locale_str:
    return app_commands.locale_str(ko if language == "ko" else en, language=language, ko=ko, en=en)


class Translator(app_commands.Translator):
    async def translate(self, string: app_commands.locale_str, locale: discord.Locale, context: Any) -> str | None:
        language = LANGUAGES.get(locale)
        if language is None or language == string.extras.get("language"):
            return None
        said: str | None = string.extras.get(language)
        return said
