"""The emotion picker: the five that were read first, then six groups and neutral, each with its members."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from nicegui import ui

from bot import emotions
from bot.emotions import Entry
from bot.types import Group, Reading
from plugins.platforms.web.pages.popover import icon_button, sheet
from plugins.platforms.web.pages.words import Words, percent

Choose = Callable[[str], Awaitable[None]]


class Picker:
    """One dialog, open from the moment it is made; `choose` gets the code of the emotion."""

    def __init__(self, words: Words, reading: Reading | None, choose: Choose) -> None:
        self._words = words
        self._choose = choose
        self._dialog = sheet(words("other_title"))
        self._tabs: dict[Group, ui.button] = {}
        with self._dialog, ui.element("div").classes("m-sheet m-picker"):
            with ui.element("div").classes("m-sheet-head"):
                ui.label(words("other_title")).classes("m-title")
                icon_button("o_close", words("close")).on_click(self._dialog.close)
            ui.label(words("other_detail")).classes("m-detail")
            if reading:
                self._offer_read(reading)
            self._offer_groups()
            self._members = ui.element("div").classes("m-choices")
        self._show_members(reading.group if reading else "joy")

    def _offer_read(self, reading: Reading) -> None:
        ui.label(self._words("top_five")).classes("m-subtitle")
        with ui.element("div").classes("m-choices"):
            for emotion in reading.emotions:
                if entry := emotions.entries().get(emotion.label):
                    self._offer(entry, entry.group, percent(emotion.score) if reading.model != "person" else "")

    def _offer_groups(self) -> None:
        ui.label(self._words("all_emotions")).classes("m-subtitle")
        with ui.element("div").classes("m-tabs"):
            for group in emotions.GROUPS:
                text = f"{emotions.GROUP_NAMES[group][2]} {self._words.group(group)}"
                button = ui.button(text, color=None, on_click=lambda group=group: self._show_members(group))
                self._tabs[group] = button.props("flat dense no-caps").classes(f"m-tab g-{group}")

    def _show_members(self, group: Group) -> None:
        for other, button in self._tabs.items():
            button.classes(add="m-set") if other == group else button.classes(remove="m-set")
            button.props["aria-pressed"] = "true" if other == group else "false"
        self._members.clear()
        with self._members:
            for entry in emotions.members(group):
                self._offer(entry, group)

    def _offer(self, entry: Entry, group: Group, share: str = "") -> None:
        async def chosen() -> None:
            self._dialog.close()
            await self._choose(entry.code)

        text = f"{entry.emoji} {entry.name(self._words.language)} {share}".strip()
        button = ui.button(text, color=None, on_click=chosen).props("flat dense no-caps")
        button.classes(f"m-choice g-{group}")
