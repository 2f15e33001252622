"""Commands on Telegram: what people type after a slash. What each one does stands in bot/commands.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot import commands
from bot.app import App
from bot.errors import Refusal
from bot.locale import LANGUAGES, say
from bot.types import Incoming, Language
from plugins.platforms.telegram.consent import Consent
from plugins.platforms.telegram.saying import Saying
from plugins.platforms.telegram.updates import Asked

if TYPE_CHECKING:
    from plugins.platforms.telegram.line import Line

QUIET_IN_GROUPS = frozenset({"regenerate"})  # what it does is seen where the answer stands
NAMED = frozenset({"regenerate", "emotion"})  # may be about the answer that the command replies to


class Commands:
    def __init__(self, app: App, line: Line, saying: Saying, consent: Consent) -> None:
        self._app = app
        self._line = line
        self._saying = saying
        self._consent = consent

    async def do(self, event: Asked) -> None:
        """Do a command, or say why not."""
        incoming, name, value = event.incoming, event.command, event.rest
        if name == "start":
            name, value = await self._started(incoming, value), ""
        if name == "consent" and not value:
            await self._consent.ask(incoming)
            return
        if event.under and name in NAMED:
            value = f"{event.under} {value}"
        try:
            said = await commands.do(self._app, name, value, incoming.conversation)
        except Refusal as refusal:
            await self._saying.text(incoming, say(incoming.person.locale, f"refusal.{refusal.code}", **refusal.facts))
            return
        if incoming.chat.kind == "direct" or name not in QUIET_IN_GROUPS:
            await self._saying.said(incoming, said)

    async def _started(self, incoming: Incoming, payload: str) -> str:
        """/start asks for consent; once it is given, it says what can be done, or does what a link has named."""
        if "talk" not in await self._app.privacy.scopes(incoming.person):
            return "consent"
        return payload if payload in commands.COMMANDS else "help"

    async def set_menu(self) -> None:
        """What Telegram offers while a slash is typed, in both languages; other languages see English."""
        for language in LANGUAGES:
            await self._line.set_menu(_menu(language), language)
        await self._line.set_menu(_menu("en"))


def _menu(language: Language) -> list[tuple[str, str]]:
    names = ("chat", *commands.COMMANDS)
    start = say(language, "telegram.start_about")
    return [("start", start), *((name, commands.about(name, language)) for name in names)]
