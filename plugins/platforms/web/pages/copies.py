"""A copy of all that is kept about a person, as files of two kinds."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from nicegui import ui

from bot.export import page
from bot.privacy import Privacy
from bot.types import Person
from plugins.platforms.web.pages.popover import quiet_button
from plugins.platforms.web.pages.words import Words


def offer_copies(words: Words, privacy: Privacy, person: Person) -> None:
    """Two buttons; the file goes to the browser over the page's own connection, and lies nowhere on the way."""
    name = words("export_file", day=f"{datetime.now(UTC):%Y-%m-%d}")

    async def as_json() -> None:
        text = json.dumps(await privacy.export(person), ensure_ascii=False, indent=1)
        ui.download.content(text, f"{name}.json", "application/json")

    async def as_html() -> None:
        ui.download.content(page(await privacy.export(person), words.language), f"{name}.html", "text/html")

    with ui.element("div").classes("m-choices"):
        quiet_button(words("export_json"), as_json)
        quiet_button(words("export_html"), as_html)
