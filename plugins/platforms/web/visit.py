"""What a request says of whoever makes it: language, look, and whether a person wants to see a page."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.requests import HTTPConnection

from bot.locale import LANGUAGES, pick
from bot.types import Language

LANGUAGE_COOKIE = "maum_language"
LOOK_COOKIE = "maum_look"
LOOKS: Mapping[str, bool | None] = {"auto": None, "light": False, "dark": True}


def language_of(connection: HTTPConnection, default: Language) -> Language:
    """The language chosen in the settings, else the browser's, else the operator's."""
    chosen = connection.cookies.get(LANGUAGE_COOKIE)
    for language in LANGUAGES:
        if chosen == language:
            return language
    return pick(connection.headers.get("accept-language"), default)


def look_of(connection: HTTPConnection) -> str:
    look = connection.cookies.get(LOOK_COOKIE, "auto")
    return look if look in LOOKS else "auto"


def wants_page(connection: HTTPConnection) -> bool:
    """Is this a browser's own navigation, rather than a program's call?"""
    return "text/html" in connection.headers.get("accept", "")
