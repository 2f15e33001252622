"""Where the person writes: the field, the send button, and a line for what could not be done."""

from __future__ import annotations

from nicegui import ui

from plugins.platforms.web.pages.words import Words


class Composer:
    """What is typed and sent is the browser's business (static/chat.js); `max_chars` is what the server takes."""

    def __init__(self, words: Words, max_chars: int) -> None:
        with ui.element("footer").classes("m-footer") as self._root:
            with ui.element("div").classes("m-alert").props("role=alert") as self._alert:
                self._alert_text = ui.label()
            with ui.element("div").classes("m-composer"):
                field = ui.element("textarea").props("data-maum=field rows=1 enterkeyhint=send autocomplete=off")
                field.props["placeholder"] = field.props["aria-label"] = words("placeholder")
                field.props["data-limit"] = max_chars
                send = ui.button(icon="o_arrow_upward", color=None).props("round unelevated data-maum=send")
                send.classes("m-send").props["aria-label"] = words("send")
            ui.label(words.consent("ai_notice")).classes("m-detail m-ai-notice")
        self.tell("")

    def allow(self, may_write: bool) -> None:
        self._root.set_visibility(may_write)

    def tell(self, text: str) -> None:
        """Say what could not be done; empty: all is well."""
        self._alert_text.set_text(text)
        self._alert.set_visibility(bool(text))
