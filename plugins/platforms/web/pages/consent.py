"""Consent: what one person agrees to, and the card that asks for it. Nothing is ticked for them, nothing is bundled."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Literal

from nicegui import ui

from bot.consent import VERSION, Term
from bot.privacy import Privacy
from bot.types import Person
from plugins.platforms.web.pages.terms import build_facts, build_tags
from plugins.platforms.web.pages.words import Words

Give = Callable[[frozenset[str]], Awaitable[None]]
#: talking: all is well · asking: there is no consent to talk · paused: there is, and the person paused
State = Literal["talking", "asking", "paused"]


class Consents:
    """What one person agrees to."""

    def __init__(self, privacy: Privacy, person: Person) -> None:
        self._privacy = privacy
        self._person = person

    async def scopes(self) -> frozenset[str]:
        return await self._privacy.scopes(self._person)

    async def state(self) -> State:
        if "talk" in await self.scopes():
            return "talking"
        return "paused" if await self._privacy.is_paused(self._person) else "asking"

    def terms(self, words: Words) -> list[Term]:
        return self._privacy.terms(words.language, "web")

    async def give(self, scopes: Iterable[str]) -> None:
        """Replace all of it; without `talk` everything is withdrawn."""
        wanted = frozenset(scopes)
        await self._privacy.consent(self._person, wanted if "talk" in wanted else ())

    async def pause(self) -> None:
        await self._privacy.pause(self._person)

    async def resume(self) -> None:
        await self._privacy.resume(self._person)


class ConsentCard:
    """Asks for every scope by itself, and for the age. `give` gets the answer; an empty one is a no."""

    def __init__(self, words: Words, terms: list[Term], give: Give) -> None:
        self._words = words
        self._give = give
        self._ticks: dict[str, ui.checkbox] = {}
        with ui.element("section").classes("m-card").props("data-maum=card") as card:
            card.props["aria-label"] = words("consent_title")
            ui.element("div").classes("m-avatar m-avatar-large").props("aria-hidden=true")
            ui.label(words("consent_title")).classes("m-headline").props("role=heading aria-level=1")
            ui.label(words.consent("ai_notice")).classes("m-lead")
            self._news = ui.label().classes("m-alert").props("role=status")
            for term in terms:
                self._ticks[term.scope] = self._ask(term)
            self._of_age = self._ask_age()
            ui.label(words.consent("change")).classes("m-detail")
            ui.label(words("consent_version", version=VERSION)).classes("m-detail")
            self._agree = ui.button(words("consent_agree"), color=None, on_click=self._agreed)
            self._agree.props("unelevated no-caps").classes("m-primary")
            ui.button(words("consent_decline"), color=None, on_click=self._declined).props("flat no-caps")
        self.tell("")
        self._weigh()

    def tell(self, text: str) -> None:
        """Say something above the questions; empty: nothing."""
        self._news.set_text(text)
        self._news.set_visibility(bool(text))

    def _ask(self, term: Term) -> ui.checkbox:
        with ui.element("div").classes("m-tick"):
            box = ui.checkbox(term.title, on_change=self._weigh).props("dense")
            build_tags(self._words, term)
            build_facts(self._words, term)
        return box

    def _ask_age(self) -> ui.checkbox:
        with ui.element("div").classes("m-tick"):
            box = ui.checkbox(self._words("consent_of_age"), on_change=self._weigh).props("dense")
            with ui.element("div").classes("m-tags"):
                ui.label(self._words.consent("needed")).classes("m-tag")
            ui.label(self._words.consent("age")).classes("m-detail")
        return box

    def _weigh(self) -> None:
        self._agree.set_enabled(bool(self._ticks["talk"].value and self._of_age.value))

    async def _agreed(self) -> None:
        await self._give(frozenset(scope for scope, tick in self._ticks.items() if tick.value))

    async def _declined(self) -> None:
        await self._give(frozenset())
