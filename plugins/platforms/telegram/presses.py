"""What a press of a button does. Each is answered at once; only who asked, or a moderator, may press."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from bot import actions, commands, emotions
from bot.app import App
from bot.errors import Refusal
from bot.locale import say
from bot.rate_limit import RateLimit
from bot.types import Action, Conversation
from plugins.platforms.telegram.faults import Gone
from plugins.platforms.telegram.keyboard import BACK, Rows, first_page, members, under
from plugins.platforms.telegram.later import Later
from plugins.platforms.telegram.saying import DATA, Owner, Saying
from plugins.platforms.telegram.showing import Showing
from plugins.platforms.telegram.updates import Pressed, address

if TYPE_CHECKING:
    from plugins.platforms.telegram.line import Line

TOASTS = {"again": "thinking_again", "other": "thinking_again", "stop": "stopping", "feedback": "noted"}
PRESSES = 3
AT_ONCE = frozenset({"consent"})  # commands whose effect must be on disk before Telegram hears that we took the press


class Presses:
    """`later` starts what needs no waiting for: everything but keeping a job."""

    def __init__(self, app: App, line: Line, showing: Showing, saying: Saying, later: Later) -> None:
        self._app = app
        self._line = line
        self._showing = showing
        self._saying = saying
        self._later = later
        limits = app.settings.limits  # those of messages; looking through emotions takes more presses than words
        self._haste = RateLimit(limits.per_minute * PRESSES, limits.burst * PRESSES)

    async def do(self, event: Pressed) -> None:
        """When this returns, a job that was asked for by the person whose answer it is, is on disk."""
        if seconds := self._haste.wait_s(event.person):
            self._refuse(event, Refusal("limited", seconds=math.ceil(seconds)))
        elif DATA.fullmatch(event.data) or await self._is_own(event):
            await self._done(event)
        else:
            self._later(self._done(event))  # whether they may is asked at Telegram, which can take a while

    async def _is_own(self, event: Pressed) -> bool:
        try:
            message = Action.decode(event.data).message
            return (await self._app.desk.conversations.conversation(message)).person == event.person
        except (ValueError, OverflowError, Refusal):
            return True  # it will be refused in a moment

    async def _done(self, event: Pressed) -> None:
        try:
            if DATA.fullmatch(event.data):
                await self._command(event)
            else:
                await self._act(event, Action.decode(event.data))
        except (ValueError, OverflowError):  # a button of another version, or of another bot
            self._toast(event, say(event.person.locale, "refusal.bad_action"), alert=True)
        except Refusal as refusal:
            self._refuse(event, refusal)

    async def _command(self, event: Pressed) -> None:
        owner, command, value = Owner.decode(event.data)
        if owner.person not in (None, event.person.id):
            raise Refusal("not_yours")
        here = owner.place(event)
        if command in AT_ONCE:
            said = await commands.do(self._app, command, value, here)
            self._toast(event)
            self._later(self._saying.instead(event, said, owner))
        else:
            self._toast(event)
            self._later(self._do_command(event, owner, command, value))

    async def _do_command(self, event: Pressed, owner: Owner, command: str, value: str) -> None:
        try:
            said = await commands.do(self._app, command, value, owner.place(event))
            await self._saying.instead(event, said, owner)
        except Refusal as refusal:
            await self._say_refusal(event, refusal)

    async def _act(self, event: Pressed, action: Action) -> None:
        toast = say(event.person.locale, f"telegram.{TOASTS[action.kind]}") if action.kind in TOASTS else ""
        if action.kind == "other" and action.value[:1] in ("", "@"):
            await actions.authorised(self._app.desk, action, event.person)
            self._toast(event)
            self._later(self._choose(event, action))
        elif action.kind in ("again", "other"):
            await self._app.delivery.act(action, event.person)  # kept: only then is it promised
            self._toast(event, toast)
        else:
            await actions.authorised(self._app.desk, action, event.person)
            self._toast(event, toast)
            self._later(self._do_action(event, action))

    async def _do_action(self, event: Pressed, action: Action) -> None:
        try:
            await self._app.delivery.act(action, event.person)
        except Refusal as refusal:  # the button was true a moment ago
            await self._say_refusal(event, refusal)

    async def _choose(self, event: Pressed, action: Action) -> None:
        """Lead through the choice of an emotion, in the keyboard in place."""
        conversation = await self._app.desk.conversations.conversation(action.message)
        rows, (chat, _) = await self._page(conversation, action), address(event.chat.id)
        self._showing.forget(chat, event.message)
        try:
            await self._line.set_buttons(chat, event.message, rows)
        except Gone:
            return  # deleted while it was pressed

    async def _page(self, conversation: Conversation, action: Action) -> Rows:
        language = conversation.person.locale
        for group in emotions.GROUPS:
            if action.value == f"@{group}":
                return members(action.message, group, language)
        outgoing = await self._app.desk.stored(action.message, conversation)
        if action.value == BACK:
            return under(outgoing)
        return first_page(action.message, outgoing.reading, language)

    async def _say_refusal(self, event: Pressed, refusal: Refusal) -> None:
        chat, thread = address(event.chat.id)
        text = say(event.person.locale, f"refusal.{refusal.code}", **refusal.facts)
        await self._line.send(chat, text, thread=thread, reply_to=event.message)

    def _refuse(self, event: Pressed, refusal: Refusal) -> None:
        self._toast(event, say(event.person.locale, f"refusal.{refusal.code}", **refusal.facts), alert=True)

    def _toast(self, event: Pressed, text: str = "", *, alert: bool = False) -> None:
        self._later(self._line.toast(event.id, text, alert=alert))
