"""One exchange on the page: what the person said, what was read in it, and the answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Literal

from nicegui import ui

from bot.types import Action, ActionKind, Outgoing, Reading
from plugins.platforms.web.pages.answer import Answer
from plugins.platforms.web.pages.chip import Chip
from plugins.platforms.web.pages.picker import Picker
from plugins.platforms.web.pages.words import Words

#: resting: as stored · waiting: accepted, nobody works on it yet · writing: the answer is growing
State = Literal["resting", "waiting", "writing"]


class ExchangeView:
    """`do` carries an action out and says whether it was taken; `message` is our id, 0 until it has one."""

    def __init__(self, words: Words, text: str, at_ms: int, do: Callable[[Action], Awaitable[bool]]) -> None:
        self.message = 0
        self.state: State = "resting"
        self.answered = False
        self._words = words
        self._do = do
        self._last: Outgoing | None = None
        self._feedback = 0
        with ui.element("article").classes("m-exchange") as self.root:
            with ui.element("div").classes("m-mine"):
                ui.label(text).classes("m-bubble m-said").props("dir=auto")
                with ui.element("div").classes("m-meta"):
                    self._chip = Chip(words)
                    ui.element("time").props(f"data-at={at_ms}")
            self._answer = Answer(words, self._act, self._pick)

    def read(self, reading: Reading | None) -> None:
        self._chip.show(reading)

    def wait(self) -> None:
        self.state = "waiting"
        self._answer.wait()

    def rest(self) -> None:
        """Back to what is known: the stored answer, or none (the lines of a burst but the last)."""
        self.state = "resting"
        if self._last and self._last.final:
            self._answer.show(self._last, self._feedback)
        else:
            self._answer.hide()

    def show(self, outgoing: Outgoing, feedback: int = 0) -> None:
        self.read(outgoing.reading)
        if outgoing.final:
            self.state = "resting"
            self.answered = outgoing.reply is not None
            self._last, self._feedback = outgoing, feedback
        else:
            self.state = "writing"
        self._answer.show(outgoing, feedback)

    async def _act(self, kind: ActionKind, value: str) -> None:
        """Do it; a second click on a message that is being answered starts nothing."""
        more = kind in ("again", "other")
        if more and self.state != "resting":
            return
        if more:
            self.wait()
        if not await self._do(Action(kind, self.message, value)) and more and self.state == "waiting":
            self.rest()

    def _pick(self) -> None:
        Picker(self._words, self._chip.reading, lambda code: self._act("other", code))
