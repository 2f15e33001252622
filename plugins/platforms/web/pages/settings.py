"""The settings: language, light or dark, logging out. The first two are plain cookies, kept in the browser alone."""

from __future__ import annotations

import json
from collections.abc import Mapping

from nicegui import ui

from plugins.platforms.web.pages.popover import icon_button, quiet_button, sheet
from plugins.platforms.web.pages.words import Words
from plugins.platforms.web.visit import LANGUAGE_COOKIE, LOOK_COOKIE, LOOKS

LANGUAGE_NAMES: Mapping[str, str] = {"ko": "한국어", "en": "English"}


class Settings:
    """The header's settings button and what it opens; `logs_out`: there is a login to leave."""

    def __init__(self, words: Words, look: str, logs_out: bool) -> None:
        self._words = words
        self._look = look
        self._logs_out = logs_out
        self._dark = ui.dark_mode(LOOKS[self._look])
        icon_button("o_tune", words("settings")).on_click(self._open)

    def _open(self) -> None:
        words = self._words
        dialog = sheet(words("settings"))
        with dialog, ui.element("div").classes("m-sheet"):
            with ui.element("div").classes("m-sheet-head"):
                ui.label(words("settings")).classes("m-title")
                icon_button("o_close", words("close")).on_click(dialog.close)
            ui.label(words("language")).classes("m-subtitle")
            _toggle(LANGUAGE_NAMES, words.language).on_value_change(lambda e: _keep_language(e.value))
            ui.label(words("look")).classes("m-subtitle")
            looks = {look: words(f"look_{look}") for look in LOOKS}
            _toggle(looks, self._look).on_value_change(lambda e: self._keep_look(e.value))
            if self._logs_out:
                quiet_button(words("log_out"), lambda: ui.run_javascript("maum.logOut()")).classes("m-log-out")

    def _keep_look(self, look: str) -> None:
        self._look = look
        self._dark.set_value(LOOKS[look])
        ui.run_javascript(f"maum.keep({json.dumps(LOOK_COOKIE)}, {json.dumps(look)})")


def _keep_language(language: str) -> None:
    ui.run_javascript(f"maum.keep({json.dumps(LANGUAGE_COOKIE)}, {json.dumps(language)}); location.reload()")


def _toggle(options: Mapping[str, str], value: str) -> ui.toggle:
    return ui.toggle(dict(options), value=value).props("unelevated no-caps spread").classes("m-toggle")
