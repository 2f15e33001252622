"""Consent: the card of a first visit, and the same two answers as switches in the settings. Nothing is pre-ticked."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from nicegui import ui

from bot.privacy import Privacy
from bot.types import Person
from plugins.platforms.web.pages.words import Words

Changed = Callable[[], Awaitable[None]]
ASKED = ("talk", "log")


class Consents:
    """What one person agrees to, as far as this page asks for it."""

    def __init__(self, privacy: Privacy, person: Person) -> None:
        self._privacy = privacy
        self._person = person

    async def scopes(self) -> frozenset[str]:
        return await self._privacy.scopes(self._person)

    async def may_talk(self) -> bool:
        return "talk" in await self.scopes()

    async def give(self, *, talk: bool, log: bool) -> None:
        """Replace the answers given here; without `talk` everything is withdrawn, also what was given elsewhere."""
        elsewhere = await self.scopes() - set(ASKED)
        wanted = {*elsewhere, "talk", *(["log"] if log else [])} if talk else set()
        await self._privacy.consent(self._person, wanted)


def build_card(words: Words, consents: Consents, agreed: Changed) -> None:
    """The card of a first visit; `agreed` is called once the answer is on disk."""

    async def agree() -> None:
        await consents.give(talk=True, log=bool(log.value))
        await agreed()

    with ui.element("section").classes("m-card") as card:
        card.props["aria-label"] = words("consent_title")
        ui.element("div").classes("m-avatar m-avatar-large").props("aria-hidden=true")
        ui.label(words("consent_title")).classes("m-headline").props("role=heading aria-level=1")
        ui.label(words("consent_intro")).classes("m-lead")
        talk = _tick(words, "talk", "needed")
        log = _tick(words, "log", "optional")
        ui.label(words("consent_age")).classes("m-detail")
        ui.label(words("consent_change")).classes("m-detail")
        button = ui.button(words("consent_agree"), color=None, on_click=agree).props("unelevated no-caps")
        button.classes("m-primary").bind_enabled_from(talk, "value")


def _tick(words: Words, scope: str, tag: str) -> ui.checkbox:
    with ui.element("div").classes("m-tick"):
        box = ui.checkbox(words(f"consent_{scope}")).props("dense")
        ui.label(words(tag)).classes("m-tag")
        ui.label(words(f"consent_{scope}_detail")).classes("m-detail")
    return box


async def build_switches(words: Words, consents: Consents, changed: Changed) -> None:
    """The same answers in the settings, as easily taken back as given."""
    scopes = await consents.scopes()

    async def save() -> None:
        if not talk.value:
            log.set_value(False)
        await consents.give(talk=bool(talk.value), log=bool(log.value))
        await changed()

    talk = _switch(words, "talk", "talk" in scopes, save)
    log = _switch(words, "log", "log" in scopes, save).bind_enabled_from(talk, "value")


def _switch(words: Words, scope: str, value: bool, save: Changed) -> ui.switch:
    with ui.element("div").classes("m-tick"):
        switch = ui.switch(words(f"consent_{scope}_short"), value=value, on_change=save).props("dense")
        ui.label(words(f"consent_{scope}_detail")).classes("m-detail")
    return switch
