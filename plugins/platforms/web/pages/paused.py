"""What stands in the composer's place while a person pauses."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from nicegui import ui

from plugins.platforms.web.pages.words import Words


def build_paused(words: Words, resume: Callable[[], Awaitable[None]]) -> None:
    with ui.element("section").classes("m-card m-paused") as card:
        card.props["aria-label"] = words("paused_title")
        ui.label(words("paused_title")).classes("m-headline").props("role=status")
        ui.label(words("pause_detail")).classes("m-lead")
        button = ui.button(words("resume"), color=None, on_click=resume).props("unelevated no-caps")
        button.classes("m-primary")
