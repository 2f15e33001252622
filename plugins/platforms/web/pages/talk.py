"""The talk on the page: every exchange in order, and where a snapshot belongs."""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable

from nicegui import ui

from bot.desk import Desk
from bot.present import snapshot
from bot.types import Action, Conversation, Outgoing
from plugins.platforms.web.pages.exchange import ExchangeView
from plugins.platforms.web.pages.words import Words
from storage.rows import Exchange

AT_ONCE = 30
MORE = 60
IDEAS = ("idea_1", "idea_2", "idea_3")


class Talk:
    def __init__(self, desk: Desk, here: Conversation, words: Words, do: Callable[[Action], Awaitable[bool]]) -> None:
        self._desk = desk
        self._here = here
        self._words = words
        self._do = do
        self._views: dict[int, ExchangeView] = {}
        self._limit = AT_ONCE

    async def build(self) -> None:
        self._root = ui.element("div").classes("m-log").props("role=log data-maum=log")
        self._root.props["aria-label"] = self._words("talk")
        with self._root:
            self._earlier = ui.button(self._words("earlier"), color=None, on_click=self._load_more)
            self._earlier.props("flat no-caps").classes("m-earlier")
            self._list = ui.element("div").classes("m-list")
            self._greeting = ui.element("div").classes("m-greeting")
        await self._load()

    def greet(self, may_talk: bool) -> None:
        """What stands on an empty page."""
        self._greeting.clear()
        if self._views or not may_talk:
            return
        with self._greeting:
            ui.element("div").classes("m-avatar m-avatar-large").props("aria-hidden=true")
            ui.label(self._words("empty_title")).classes("m-headline")
            ui.label(self._words("empty_detail")).classes("m-detail")
            with ui.element("div").classes("m-choices"):
                for idea in IDEAS:
                    self._suggest(self._words(idea))

    def say(self, text: str) -> ExchangeView:
        """The person's bubble, before anybody knows whether it is taken."""
        self._greeting.clear()
        with self._list:
            view = ExchangeView(self._words, text, int(time.time() * 1000), self._do)
        view.wait()
        return view

    def accepted(self, view: ExchangeView, message: int) -> None:
        view.message = message
        self._views[message] = view

    def note(self, text: str, before: ExchangeView | None = None) -> None:
        """A line of the house's own between the exchanges: before one of them, or after all."""
        with self._list:
            line = ui.label(text).classes("m-note").props("role=note")
        if before:
            line.move(target_index=self._list.default_slot.children.index(before.root))

    def withdraw(self, view: ExchangeView) -> None:
        view.root.delete()
        self.greet(True)

    async def show(self, outgoing: Outgoing) -> None:
        """Show a snapshot under the message it answers; under none, where help is for somebody who was not let in."""
        if not outgoing.message:
            self._help(outgoing.text)
            return
        if outgoing.message not in self._views:
            await self.catch_up()
        view = self._views.get(outgoing.message)
        if view is None:
            return
        self._leave_to(outgoing.message)
        if outgoing.final:
            exchange = await self._desk.conversations.exchange(outgoing.message)
            view.show(outgoing, exchange.feedback)
        elif outgoing.actions or outgoing.notice:
            view.show(outgoing)
        elif view.state == "resting":
            view.wait()  # accepted on another page

    def _help(self, text: str) -> None:
        with self._list, ui.element("div").classes("m-theirs").props("data-maum=help") as lines:
            ui.element("div").classes("m-avatar").props("aria-hidden=true")
            ui.label(text).classes("m-bubble m-reply").props("role=alert")
        ui.run_javascript(f"maum.reveal('#{lines.html_id}')")

    def _leave_to(self, message: int) -> None:
        """Earlier lines that nobody works on are part of this thought: the answer stands under its last line."""
        for earlier, view in self._views.items():
            if earlier < message and view.state == "waiting" and not view.answered:
                view.rest()

    async def catch_up(self) -> None:
        """Show messages that came from another page of the same person, or waited for their consent."""
        exchanges = await self._desk.conversations.transcript(self._here, AT_ONCE)
        await self._add_all([one for one in exchanges if one.message not in self._views])

    async def _load(self) -> None:
        exchanges = await self._desk.conversations.transcript(self._here, self._limit)
        self._earlier.set_visibility(len(exchanges) == self._limit)
        await self._add_all(exchanges)
        if exchanges:
            self._excuse(exchanges[-1])

    async def _add_all(self, exchanges: list[Exchange]) -> None:
        busy = await self._desk.jobs.open_messages(self._here)
        for exchange in exchanges:
            self._add(exchange)
            if exchange.message in busy:
                self._views[exchange.message].wait()
        if exchanges:
            self._leave_to(exchanges[-1].message)
            self._greeting.clear()

    def _excuse(self, last: Exchange) -> None:
        """The last message without an answer and without anybody at work: it failed, and can be tried again."""
        view = self._views[last.message]
        if last.reply is None and view.state == "resting":
            again = Action("again", last.message), Action("other", last.message)
            view.show(Outgoing(self._here, last.message, "", actions=again, notice="failed", final=True))

    async def _load_more(self) -> None:
        self._limit += MORE
        self._list.clear()
        self._views.clear()
        await self._load()

    def _add(self, exchange: Exchange) -> None:
        with self._list:
            view = ExchangeView(self._words, exchange.text, exchange.at, self._do)
        self.accepted(view, exchange.message)
        outgoing = snapshot(self._here, exchange, "")
        if exchange.reply:
            view.show(outgoing, exchange.feedback)
        else:
            view.read(exchange.reading)

    def _suggest(self, text: str) -> None:
        button = ui.button(text, color=None).props("flat dense no-caps").classes("m-choice g-neutral")
        button.on_click(lambda: ui.run_javascript(f"maum.suggest({json.dumps(text)})"))
