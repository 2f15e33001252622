"""Being forgotten: this chat or everything, asked twice."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from nicegui import ui

from plugins.platforms.web.pages.popover import quiet_button
from plugins.platforms.web.pages.words import Words

Forget = Callable[[bool], Awaitable[None]]


class Forgetting:
    """`forget` is called with “the whole person?” once they are sure."""

    def __init__(self, words: Words, forget: Forget) -> None:
        self._words = words
        self._forget = forget
        self._place = ui.element("div").classes("m-choices")
        self._ask_what()

    def _ask_what(self) -> None:
        self._place.clear()
        with self._place:
            quiet_button(self._words("forget_chat"), lambda: self._ask_whether(whole=False), "m-danger")
            quiet_button(self._words("forget_all"), lambda: self._ask_whether(whole=True), "m-danger")

    def _ask_whether(self, *, whole: bool) -> None:
        async def forget() -> None:
            yes.disable()  # it may take some seconds while answers are stopped
            no.disable()
            await self._forget(whole)

        self._place.clear()
        with self._place:
            question = ui.label(self._words("forget_all_sure" if whole else "forget_chat_sure"))
            question.classes("m-alert").props("role=alert")
            yes = quiet_button(self._words("forget_yes"), forget, "m-danger")
            no = quiet_button(self._words("forget_no"), self._ask_what)
