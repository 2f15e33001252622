"""The answer under a person's message: its text as it grows, a notice, and the buttons that make sense now."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from nicegui import ui

from bot.answering import TONES
from bot.types import ActionKind, Outgoing
from plugins.platforms.web.pages.popover import icon_button, popover
from plugins.platforms.web.pages.words import Words

Act = Callable[[ActionKind, str], Awaitable[None]]


class Answer:
    """Shows snapshots. `act` does what a button says, `choose` opens the emotion picker."""

    def __init__(self, words: Words, act: Act, choose: Callable[[], None]) -> None:
        self._words = words
        self._act = act
        self._choose = choose
        self._variant = 0
        self._feedback = 0
        with ui.element("div").classes("m-theirs") as self._root:
            ui.element("div").classes("m-avatar").props("aria-hidden=true")
            with ui.element("div").classes("m-answer"):
                self._text = ui.label().classes("m-bubble m-reply")
                self._dots = _dots(words("thinking"))
                self._notice = ui.label().classes("m-notice").props("role=status")
                with ui.element("div").classes("m-actions") as self._stop:
                    self._button("o_stop", words("stop"), "stop").classes("m-stop")
                self._row = ui.element("div").classes("m-actions")
        with self._row:
            self._build_row()
        self.hide()

    def hide(self) -> None:
        self._root.set_visibility(False)

    def wait(self) -> None:
        """Something is being thought about and nothing of it is known yet."""
        self._draw(text="", writing=True, can_stop=False)

    def show(self, outgoing: Outgoing, feedback: int) -> None:
        """Replace everything by a snapshot; `feedback` is the thumb given to the variant shown."""
        can_stop = any(action.kind == "stop" for action in outgoing.actions)
        self._draw(outgoing.text, writing=not outgoing.final, can_stop=can_stop, notice=outgoing.notice)
        if outgoing.final:
            self._offer({action.kind for action in outgoing.actions})
            self._page(outgoing.reply.variant if outgoing.reply else 0, outgoing.variants)
            self._mark(feedback)

    def _draw(self, text: str, *, writing: bool, can_stop: bool, notice: str = "") -> None:
        self._root.set_visibility(True)
        self._text.set_text(text)
        self._text.set_visibility(bool(text))
        self._text.classes(add="m-writing") if writing else self._text.classes(remove="m-writing")
        self._dots.set_visibility(writing and not text and not notice)
        self._notice.set_text(self._words.notice(notice) if notice else "")
        self._notice.set_visibility(bool(notice))
        self._stop.set_visibility(writing and can_stop)
        self._row.set_visibility(not writing)

    def _build_row(self) -> None:
        words = self._words
        self._again = self._button("o_repeat", words("again"), "again").classes("m-again")
        self._tones = icon_button("o_arrow_drop_down", words("tones")).on_click(self._open_tones).classes("m-narrow")
        self._other = icon_button("o_theater_comedy", words("other")).on_click(self._choose)
        with ui.element("div").classes("m-pages") as self._pages:
            self._previous = icon_button("o_chevron_left", words("previous")).on_click(lambda: self._turn(-1))
            self._count = ui.label().classes("m-count")
            self._next = icon_button("o_chevron_right", words("next")).on_click(lambda: self._turn(1))
        self._good = icon_button("o_thumb_up", words("good")).on_click(lambda: self._rate(1))
        self._bad = icon_button("o_thumb_down", words("bad")).on_click(lambda: self._rate(-1))

    def _button(self, icon: str, text: str, kind: ActionKind) -> ui.button:
        button = ui.button(text, icon=icon, color=None, on_click=lambda: self._act(kind, ""))
        return button.props("flat dense no-caps").classes("m-text-button")

    def _offer(self, kinds: set[ActionKind]) -> None:
        """Where a life is in danger, there is nothing to ask for again and nothing to rate."""
        self._again.set_visibility("again" in kinds)
        self._tones.set_visibility("again" in kinds)
        self._other.set_visibility("other" in kinds)
        self._good.set_visibility("feedback" in kinds)
        self._bad.set_visibility("feedback" in kinds)

    def _page(self, variant: int, variants: int) -> None:
        self._variant = variant
        self._pages.set_visibility(variants > 1)
        self._count.set_text(self._words("variant_of", variant=variant, variants=variants))
        self._previous.set_enabled(variant > 1)
        self._next.set_enabled(variant < variants)

    def _mark(self, feedback: int) -> None:
        self._feedback = feedback
        for button, value in ((self._good, 1), (self._bad, -1)):
            given = feedback == value
            button.props["aria-pressed"] = "true" if given else "false"
            button.classes(add="m-set") if given else button.classes(remove="m-set")

    async def _turn(self, step: int) -> None:
        await self._act("select", str(self._variant + step))

    async def _rate(self, value: int) -> None:
        await self._act("feedback", "0" if self._feedback == value else str(value))

    def _open_tones(self) -> None:
        with popover(self._tones, "m-menu") as menu:
            for tone in TONES:
                ui.menu_item(self._words(f"tone_{tone}"), on_click=lambda tone=tone: self._in_tone(menu, tone))

    async def _in_tone(self, menu: ui.menu, tone: str) -> None:
        menu.close()
        await self._act("again", "" if tone == "usual" else tone)


def _dots(label: str) -> ui.element:
    with ui.element("div").classes("m-bubble m-dots").props("role=status") as dots:
        dots.props["aria-label"] = label
        for _ in range(3):
            ui.element("i")
    return dots
