"""What we do when something happens on Telegram: a message is kept, a command done, a button's job kept."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from bot.app import App
from bot.delivery import Receipt
from bot.errors import Refusal
from bot.locale import say
from bot.privacy import PAUSED
from bot.rate_limit import RateLimit
from bot.types import Chat, Conversation, Incoming
from plugins.platforms.telegram.commands import Commands
from plugins.platforms.telegram.consent import Consent
from plugins.platforms.telegram.later import Later
from plugins.platforms.telegram.presses import Presses
from plugins.platforms.telegram.saying import Saying
from plugins.platforms.telegram.updates import PLATFORM, Asked, Me, Moved, Pressed, Said, address, read

WHOLE_GROUP = "1"  # in the setting `channels`, where topics stand by number: what is in no topic (Telegram's “General”)
QUIET_S = 10.0  # a refusal is not said again and again to somebody who writes too fast
REMEMBERED = 5_000


class Talk:
    def __init__(
        self, app: App, me: Me, saying: Saying, consent: Consent, presses: Presses, commands: Commands, later: Later
    ) -> None:
        self._app = app
        self._me = me
        self._saying = saying
        self._consent = consent
        self._presses = presses
        self._commands = commands
        self._later = later
        self._haste = RateLimit(app.settings.limits.per_minute, app.settings.limits.burst)
        self._refused: OrderedDict[tuple[Conversation, str], float] = OrderedDict()

    async def hear(self, update: Any) -> None:
        """Deal with one update. When this returns, what must not be lost is on disk.

        Raises:
            Exception: it could not be kept; the update has to come again.
        """
        event = read(update, self._me, self._app.settings.language)
        match event:
            case Said():
                await self._said(event)
            case Asked() if event.command == "chat" and event.rest:
                await self._said(Said(replace(event.incoming, text=event.rest), to_us=True))
            case Asked():
                self._asked(event)
            case Pressed():
                await self._presses.do(event)
            case Moved():
                self._later(self._moved(event))

    def _asked(self, event: Asked) -> None:
        if seconds := self._haste.wait_s(event.incoming.person):
            self._later(self._refuse(event.incoming, Refusal("limited", seconds=math.ceil(seconds))))
        else:
            self._later(self._commands.do(event))

    async def _said(self, event: Said) -> None:
        incoming = event.incoming
        if event.edited:
            self._later(self._edited(incoming))
            return
        if not event.to_us and not await self._listens(incoming.chat):
            return
        if event.other and event.to_us:
            self._later(self._saying.text(incoming, say(incoming.person.locale, f"telegram.{event.other}")))
        if not incoming.text and event.other:
            return
        try:
            receipt = await self._app.delivery.receive(incoming, hold=event.to_us)
        except Refusal as refusal:
            if event.to_us:
                self._later(self._refuse(incoming, refusal))
            return
        self._later(self._acknowledge(incoming, receipt))

    async def _edited(self, incoming: Incoming) -> None:
        try:
            await self._app.delivery.edited(incoming)
        except Refusal as refusal:
            if refusal.code != "consent_required":
                self._later(self._refuse(incoming, refusal))

    async def _listens(self, chat: Chat) -> bool:
        """Have this group's moderators chosen that every message is heard here?"""
        channels = (await self._app.spaces.at(chat)).channels
        return str(address(chat.id)[1] or WHOLE_GROUP) in channels

    async def _acknowledge(self, incoming: Incoming, receipt: Receipt) -> None:
        language = incoming.person.locale
        if receipt.outcome == "held":
            await self._ask(incoming)
        elif receipt.outcome == "deferred":
            await self._saying.text(incoming, say(language, "notice.deferred"))
        elif receipt.outcome == "accepted" and await self._app.privacy.ai_notice_due(incoming.conversation):
            await self._saying.text(incoming, say(language, "consent.ai_notice"))

    async def _refuse(self, incoming: Incoming, refusal: Refusal) -> None:
        """Nothing is refused in silence, and nobody is told the same thing ten times in ten seconds."""
        key, now = (incoming.conversation, refusal.code), time.monotonic()
        if refusal.code == "consent_required":
            await self._ask(incoming)
        elif now - self._refused.get(key, -QUIET_S) >= QUIET_S:
            self._refused[key] = now
            if len(self._refused) > REMEMBERED:
                self._refused.popitem(last=False)
            words = say(incoming.person.locale, f"refusal.{refusal.code}", **refusal.facts)
            await self._saying.text(incoming, words)

    async def _ask(self, incoming: Incoming) -> None:
        """Whoever paused is told so; everybody else is asked."""
        person = incoming.person
        agreed = await self._app.desk.people.scopes(person)
        if PAUSED in agreed and "talk" in agreed:
            await self._saying.text(incoming, say(person.locale, "privacy.paused"))
            return
        await self._consent.ask_once(incoming)

    async def _moved(self, event: Moved) -> None:
        if not event.here:
            await self._app.privacy.leave_space(PLATFORM, str(event.chat.space_id))
            return
        words = say(event.person.locale, "telegram.hello", bot=self._me.username)
        if not self._me.hears_all:
            words += "\n" + say(event.person.locale, "telegram.privacy_mode")
        await self._saying.text(Incoming(event.chat, event.person, "", "", datetime.now(UTC)), words)
