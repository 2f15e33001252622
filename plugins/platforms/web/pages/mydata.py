"""My data: what a person agreed to, a pause, a copy of everything, being forgotten; each as easy as the other."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from nicegui import ui

from bot.consent import VERSION, Term
from bot.privacy import Privacy
from bot.types import Person
from plugins.platforms.web.pages.consent import Consents
from plugins.platforms.web.pages.copies import offer_copies
from plugins.platforms.web.pages.forgetting import Forget, Forgetting
from plugins.platforms.web.pages.popover import icon_button, quiet_button, section, sheet
from plugins.platforms.web.pages.terms import build_facts, build_tags
from plugins.platforms.web.pages.words import Words

Changed = Callable[[], Awaitable[None]]


class MyData:
    """The header's button and what it opens.

    `changed` is called when talking was allowed or forbidden, `forget` with “the whole person?” when they are sure.
    """

    def __init__(
        self, words: Words, privacy: Privacy, person: Person, consents: Consents, changed: Changed, forget: Forget
    ) -> None:
        self._words = words
        self._privacy = privacy
        self._person = person
        self._consents = consents
        self._changed = changed
        self._forget = forget
        button = ui.button(words("my_data"), icon="o_privacy_tip", color=None, on_click=self.open)
        button.props("flat dense no-caps").classes("m-text-button m-my-data").props["aria-label"] = words("my_data")

    async def open(self) -> None:
        words = self._words
        dialog = sheet(words("my_data"))
        with dialog, ui.element("div").classes("m-sheet m-wide"):
            with ui.element("div").classes("m-sheet-head"):
                ui.label(words("my_data")).classes("m-title")
                icon_button("o_close", words("close")).on_click(dialog.close)
            self._body = ui.element("div").classes("m-sections")
        await self._draw()

    async def _draw(self) -> None:
        state, scopes = await self._consents.state(), await self._consents.scopes()
        self._body.clear()
        with self._body:
            if state == "paused":
                ui.label(self._words("paused_title")).classes("m-alert")
            if state != "asking":
                self._offer_consents(scopes | {"talk"})
                self._offer_pause(state == "paused")
            with section(self._words("export_title"), self._words("export_detail")):
                offer_copies(self._words, self._privacy, self._person)
            with section(self._words("forget_title"), self._words("forget_detail")):
                Forgetting(self._words, self._forget)
            with section(self._words("kept_title"), self._privacy.summary(self._words.language, commands=False)):
                ui.label(self._words.consent("ai_notice")).classes("m-detail")

    def _offer_consents(self, scopes: frozenset[str]) -> None:
        switches: dict[str, ui.switch] = {}

        async def save() -> None:
            await self._consents.give(scope for scope, switch in switches.items() if switch.value)
            if not switches["talk"].value:  # else what is drawn stays, and the next click finds it
                await self._redraw()

        with section(self._words("consents"), self._words("consents_detail")):
            for term in self._consents.terms(self._words):
                switches[term.scope] = self._switch(term, term.scope in scopes, save)
            ui.label(self._words("consent_version", version=VERSION)).classes("m-detail")

    def _switch(self, term: Term, given: bool, save: Changed) -> ui.switch:
        with ui.element("div").classes("m-tick"):
            switch = ui.switch(term.title, value=given, on_change=save).props("dense")
            build_tags(self._words, term)
            with ui.element("details"):
                with ui.element("summary"):
                    ui.label(self._words("more"))
                build_facts(self._words, term)
        return switch

    def _offer_pause(self, is_paused: bool) -> None:
        async def turn() -> None:
            await (self._consents.resume() if is_paused else self._consents.pause())
            await self._redraw()

        with section(self._words("pause_title"), self._words("pause_detail")):
            quiet_button(self._words("resume" if is_paused else "pause"), turn)

    async def _redraw(self) -> None:
        await self._changed()
        await self._draw()
