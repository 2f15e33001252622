"""What a person sees when the page itself cannot be drawn: our words, and nothing of the error, which is in the log."""

from __future__ import annotations

from nicegui import ui

from bot.types import Language
from plugins.platforms.web.pages.words import Words
from plugins.platforms.web.visit import language_of


def build_broken(head: str, default: Language) -> None:
    words = Words(language_of(ui.context.client.request, default))
    ui.add_head_html(head)
    with ui.element("div").classes("m-card"):
        ui.element("div").classes("m-avatar m-avatar-large").props("aria-hidden=true")
        ui.label(words.notice("failed")).classes("m-lead").props("role=alert")
        ui.link(words("back"), "/")
