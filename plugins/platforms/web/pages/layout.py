"""One open chat page: header, talk, composer; what a person does here, and what is shown to every page of theirs."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import uuid
from datetime import UTC, datetime
from typing import Any

from nicegui import background_tasks, ui
from nicegui.events import GenericEventArguments

from bot.app import App
from bot.errors import Refusal
from bot.types import Action, Chat, Conversation, Incoming, Outgoing, Person
from plugins.platforms.web.hub import Hub
from plugins.platforms.web.pages.consent import Consents, build_card
from plugins.platforms.web.pages.settings import Settings
from plugins.platforms.web.pages.talk import Talk
from plugins.platforms.web.pages.words import Words

log = logging.getLogger(__name__)


class Page:
    def __init__(self, app: App, hub: Hub, person: Person, words: Words, look: str) -> None:
        self._app = app
        self._hub = hub
        self._person = person
        self._words = words
        self._look = look
        self._here = Conversation(Chat("web", person.id), person)
        self._consents = Consents(app.privacy, person)
        self._talk = Talk(app.desk, self._here, words, self._do)
        self._sending = asyncio.Lock()  # a message has its id before a snapshot of it is shown
        self._watching = contextlib.ExitStack()

    async def build(self) -> None:
        """Draw everything. Snapshots are watched from before the history is read, so none falls between."""
        self._snapshots = self._watching.enter_context(self._hub.watch(self._here))
        self._client = ui.context.client
        ui.page_title(self._words("title"))
        with ui.element("div").classes("m-page"):
            self._build_header()
            with ui.element("main").classes("m-scroll").props("data-maum=scroll"):
                await self._talk.build()
                self._card = ui.element("div").classes("m-card-place")
            self._build_composer()
        ui.on("maum_send", self._send)
        await self._ask_consent()

    async def follow(self) -> None:
        """Show what happens in this conversation, whichever page or process of events it came from."""
        while True:
            outgoing = await self._snapshots.get()
            async with self._sending:
                try:
                    await self._talk.show(outgoing)
                except Exception:
                    log.exception("a snapshot could not be shown on a page")

    def close(self) -> None:
        self._watching.close()

    def _build_header(self) -> None:
        with ui.element("header").classes("m-header"):
            ui.element("div").classes("m-avatar").props("aria-hidden=true")
            with ui.element("div").classes("m-name"):
                ui.label(self._words("title")).classes("m-headline").props("role=heading aria-level=1")
                ui.label(self._words("tagline")).classes("m-detail")
            Settings(self._words, self._consents, self._look, self._ask_consent)

    def _build_composer(self) -> None:
        words = self._words
        with ui.element("footer").classes("m-footer") as self._composer:
            with ui.element("div").classes("m-alert").props("role=alert") as self._alert:
                self._alert_text = ui.label()
            self._alert.set_visibility(False)
            with ui.element("div").classes("m-composer"):
                field = ui.element("textarea").props("data-maum=field rows=1 enterkeyhint=send autocomplete=off")
                field.props["placeholder"] = field.props["aria-label"] = words("placeholder")
                field.props["data-limit"] = self._app.settings.limits.max_chars
                send = ui.button(icon="o_arrow_upward", color=None).props("round unelevated data-maum=send")
                send.classes("m-send").props["aria-label"] = words("send")
            ui.label(words("ai_notice")).classes("m-detail m-ai-notice")

    async def _ask_consent(self) -> None:
        """The card where it is needed, the composer where not."""
        may_talk = await self._consents.may_talk()
        self._card.clear()
        self._composer.set_visibility(may_talk)
        self._talk.greet(may_talk)
        if may_talk:
            self._client.run_javascript("maum.focus()")
            return
        with self._card:
            build_card(self._words, self._consents, self._ask_consent)

    async def _send(self, event: GenericEventArguments) -> None:
        key, text, length = _checked(event.args)
        async with self._sending:
            view = self._talk.say(text)
            try:
                if length > len(text):  # the browser kept a text to itself that is too long to be sent
                    raise Refusal("too_long", limit=self._app.settings.limits.max_chars, length=length)
                now = datetime.now(UTC)
                incoming = Incoming(self._here.chat, self._person, key, text, now)
                receipt = await self._app.delivery.receive(incoming)
            except Refusal as refusal:
                self._talk.withdraw(view)
                self._tell(refusal)
                self._client.run_javascript(f"maum.refused({json.dumps(key)})")
                return
            self._tell(None)
            self._client.run_javascript(f"maum.taken({json.dumps(key)})")
            if receipt.message is None:  # sent again after a lost connection, and here already
                self._talk.withdraw(view)
                return
            self._talk.accepted(view, receipt.message)
            notice = "deferred" if receipt.outcome == "deferred" else ""
            self._hub.publish(Outgoing(self._here, receipt.message, key, notice=notice))

    async def _do(self, action: Action) -> bool:
        try:
            await self._app.delivery.act(action, self._person)
        except Refusal as refusal:
            self._tell(refusal)
            return False
        self._tell(None)
        return True

    def _tell(self, refusal: Refusal | None) -> None:
        self._alert_text.set_text(self._words.refusal(refusal) if refusal else "")
        self._alert.set_visibility(refusal is not None)
        if refusal and refusal.code == "consent_required":
            background_tasks.create(self._ask_consent(), name="ask consent", context=self._client)


def _checked(args: Any) -> tuple[str, str, int]:
    """What the script sent, as far as it is what our script sends."""
    given = args if isinstance(args, dict) else {}
    text = str(given.get("text") or "")
    length = given.get("length")
    return str(given.get("key") or uuid.uuid4().hex)[:64], text, length if isinstance(length, int) else len(text)
