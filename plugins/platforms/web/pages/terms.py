"""One scope of consent on the page: what for, what, how long, and what if not; sensitive ones stand out."""

from __future__ import annotations

from nicegui import ui

from bot.consent import Term
from plugins.platforms.web.pages.words import Words

#: what the law wants to be seen at a glance (Korea: Personal Information Protection Act, enforcement decree art. 17)
STRONG = ("items", "period")


def build_tags(words: Words, term: Term) -> None:
    with ui.element("div").classes("m-tags"):
        if term.sensitive:
            ui.label(words.consent("sensitive")).classes("m-tag m-tag-sensitive")
        ui.label(words.consent("needed" if term.needed else "optional")).classes("m-tag")


def build_facts(words: Words, term: Term) -> None:
    """The notice itself, one line a fact."""
    with ui.element("dl").classes("m-facts"):
        for part in ("purpose", "items", "period", "refuse"):
            strong = " m-strong" if part in STRONG and (term.sensitive or part == "period") else ""
            with ui.element("dt"):
                ui.label(words(part))
            with ui.element("dd"):
                ui.label(getattr(term, part)).classes(strong)
