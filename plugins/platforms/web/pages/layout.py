"""One open chat page: header, talk, composer; what a person does here, and what is shown to every page of theirs."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from datetime import UTC, datetime

from nicegui import background_tasks, ui
from nicegui.events import GenericEventArguments

from bot.app import App
from bot.errors import Refusal
from bot.types import Action, Chat, Conversation, Incoming, Outgoing, Person
from plugins.platforms.web.hub import Hub
from plugins.platforms.web.pages.composer import Composer
from plugins.platforms.web.pages.consent import ConsentCard, Consents
from plugins.platforms.web.pages.exchange import ExchangeView
from plugins.platforms.web.pages.letters import Letter, Outbox
from plugins.platforms.web.pages.mydata import MyData
from plugins.platforms.web.pages.paused import build_paused
from plugins.platforms.web.pages.settings import Settings
from plugins.platforms.web.pages.talk import Talk
from plugins.platforms.web.pages.words import Words

log = logging.getLogger(__name__)


class Page:
    """`logs_out`: there is a login to leave."""

    def __init__(self, app: App, hub: Hub, person: Person, words: Words, look: str, *, logs_out: bool) -> None:
        self._app = app
        self._hub = hub
        self._person = person
        self._words = words
        self._look = look
        self._logs_out = logs_out
        self._here = Conversation(Chat("web", person.id), person)
        self._consents = Consents(app.privacy, person)
        self._talk = Talk(app.desk, self._here, words, self._do)
        self._asking: ConsentCard | None = None
        self._sending = asyncio.Lock()  # a message has its id before a snapshot of it is shown
        self._watching = contextlib.ExitStack()

    async def build(self) -> None:
        """Draw everything. Snapshots are watched from before the history is read, so none falls between."""
        self._snapshots = self._watching.enter_context(self._hub.watch(self._here))
        self._client = ui.context.client
        self._outbox = Outbox(self._client)
        ui.page_title(self._words("title"))
        with ui.element("div").classes("m-page") as self._root:
            self._build_header()
            with ui.element("main").classes("m-scroll").props("data-maum=scroll"):
                await self._talk.build()
                self._card = ui.element("div").classes("m-card-place")
            self._composer = Composer(self._words, self._app.settings.limits.max_chars)
        ui.on("maum_send", self._send)
        ui.on_exception(lambda: self._composer.tell(self._words.notice("failed")))
        await self._arrange()

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
            MyData(self._words, self._app.privacy, self._person, self._consents, self._changed, self._forget)
            Settings(self._words, self._look, self._logs_out)

    async def _arrange(self) -> None:
        """Draw what may be done now: talk, agree first, or end a pause."""
        state = await self._consents.state()
        self._card.clear()
        self._asking = None
        self._root.classes(remove="m-resting") if state == "talking" else self._root.classes(add="m-resting")
        self._composer.allow(state != "paused")
        self._talk.greet(state == "talking")
        if state == "talking":
            await self._say_that_this_is_an_ai()
            self._client.run_javascript("maum.focus()")
            return
        with self._card:
            if state == "asking":
                self._asking = ConsentCard(self._words, self._consents.terms(self._words), self._answer)
            else:
                build_paused(self._words, self._resume)

    async def _changed(self) -> None:
        """A change of consent is drawn here and on this browser's other pages; what waited is taken now, or is not."""
        async with self._sending:
            may_talk = "talk" in await self._consents.scopes()
            self._outbox.drop(lost=not may_talk)
            if may_talk:
                await self._say_that_this_is_an_ai()
            await self._talk.catch_up()
        await self._arrange()
        self._client.run_javascript("maum.changed()")

    async def _answer(self, scopes: frozenset[str]) -> None:
        """The consent card was answered."""
        await self._consents.give(scopes)
        await self._changed()
        if self._asking:
            self._asking.tell(self._words("consent_declined"))

    async def _resume(self) -> None:
        await self._consents.resume()
        await self._changed()

    async def _forget(self, whole: bool) -> None:
        await self._app.privacy.forget(self._person, None if whole else self._here.chat)
        self._client.run_javascript(f"maum.begin({json.dumps(whole)})")

    async def _send(self, event: GenericEventArguments) -> None:
        letter = Letter.of(event.args)
        async with self._sending:
            view = self._talk.say(letter.text)
            try:
                await self._deliver(letter, view)
            except Exception as error:
                self._talk.withdraw(view)
                self._outbox.refused(letter)
                if not isinstance(error, Refusal):
                    raise
                self._tell(error)

    async def _deliver(self, letter: Letter, view: ExchangeView) -> None:
        if letter.length > len(letter.text):
            raise Refusal("too_long", limit=self._app.settings.limits.max_chars, length=letter.length)
        now = datetime.now(UTC)
        incoming = Incoming(self._here.chat, self._person, letter.key, letter.text, now)
        receipt = await self._app.delivery.receive(incoming, hold=True)
        self._composer.tell("")
        if receipt.outcome == "held":
            if self._outbox.has(letter):  # sent again after a lost connection, and here already
                view.root.delete()
            else:
                await self._hold(letter, view)
            return
        self._outbox.taken(letter)
        if receipt.message is None:  # sent again after a lost connection, and here already
            self._talk.withdraw(view)
            return
        self._talk.accepted(view, receipt.message)
        await self._say_that_this_is_an_ai(view)
        notice = "deferred" if receipt.outcome == "deferred" else ""
        self._hub.publish(Outgoing(self._here, receipt.message, letter.key, notice=notice))

    async def _hold(self, letter: Letter, view: ExchangeView) -> None:
        """The text waits in memory: ask, and take it off the page when its time is over."""
        hold_s = self._app.settings.consent.hold_s
        view.rest()
        if self._asking is None:
            await self._arrange()
        self._outbox.hold(letter, view)
        if self._asking:
            self._asking.tell(self._words.consent("held", minutes=round(hold_s / 60)))
        with self._card:
            ui.timer(hold_s, lambda: self._expire(letter), once=True)  # it goes with the card
        self._client.run_javascript("maum.reveal('[data-maum=card]')")

    def _expire(self, letter: Letter) -> None:
        self._outbox.expire(letter)
        if self._asking and not self._outbox.holds:
            self._asking.tell("")

    async def _say_that_this_is_an_ai(self, before: ExchangeView | None = None) -> None:
        if await self._app.privacy.ai_notice_due(self._here):
            self._talk.note(self._words.consent("ai_notice"), before)

    async def _do(self, action: Action) -> bool:
        try:
            await self._app.delivery.act(action, self._person)
        except Refusal as refusal:
            self._tell(refusal)
            return False
        self._composer.tell("")
        return True

    def _tell(self, refusal: Refusal) -> None:
        self._composer.tell(self._words.refusal(refusal))
        if refusal.code == "consent_required":
            background_tasks.create(self._arrange(), name="ask consent", context=self._client)
