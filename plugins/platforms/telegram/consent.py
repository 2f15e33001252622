"""Asking for consent. What is ticked stands in the form's buttons: before a person agrees, nothing of them is kept, and
nothing is ticked for them. In a group a short line asks, and its button opens the form for that person alone.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import replace

from bot import commands
from bot.app import App
from bot.locale import say
from bot.said import Choice, Said
from bot.types import Conversation, Incoming
from plugins.platforms.telegram.saying import Saying

ASK_AGAIN_S = 60.0  # several lines in a row ask once
REMEMBERED = 5_000


class Consent:
    def __init__(self, app: App, saying: Saying) -> None:
        self._app = app
        self._saying = saying
        self._asked: OrderedDict[Conversation, float] = OrderedDict()

    async def ask_once(self, incoming: Incoming) -> None:
        """Ask somebody whose message waits for it, unless that was done a moment ago."""
        here, now = incoming.conversation, time.monotonic()
        if now - self._asked.get(here, -ASK_AGAIN_S) >= ASK_AGAIN_S:
            self._asked[here] = now
            if len(self._asked) > REMEMBERED:
                self._asked.popitem(last=False)
            minutes = round(self._app.settings.consent.hold_s / 60)
            await self.ask(incoming, say(incoming.person.locale, "consent.held", minutes=minutes))

    async def ask(self, incoming: Incoming, more: str = "") -> None:
        """Put the form up. `more` stands below it."""
        person = incoming.person
        await self._app.privacy.ai_notice_due(incoming.conversation)  # the form says it
        if incoming.chat.kind == "group":
            text = say(person.locale, "telegram.group_consent", name=person.name[:40] or "…")
            opening = Choice(say(person.locale, "telegram.open"), "consent", commands.SHOW)
            said = Said(text, ((opening,),), private=False)
        else:
            said = await commands.do(self._app, "consent", "", incoming.conversation)
        await self._saying.said(incoming, replace(said, text=f"{said.text}\n\n{more}".strip()))
