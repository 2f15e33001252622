"""The emotion chip on a person's message: group, confidence and label; a click opens the five best with bars."""

from __future__ import annotations

from nicegui import ui

from bot import emotions
from bot.types import Emotion, Reading
from plugins.platforms.web.pages.popover import popover
from plugins.platforms.web.pages.words import Words, best_of_group, percent


class Chip:
    def __init__(self, words: Words) -> None:
        self._words = words
        self._reading: Reading | None = None
        self._group = ""
        with ui.button(color=None, on_click=self._open).props("flat dense no-caps").classes("m-chip") as self._button:
            self._main = ui.label().classes("m-chip-main")
            self._label = ui.label().classes("m-chip-label")
        self._button.set_visibility(False)

    @property
    def reading(self) -> Reading | None:
        return self._reading

    def show(self, reading: Reading | None) -> None:
        """Show a reading; none leaves what stands there (it may be known to this page alone)."""
        if reading is None or reading == self._reading:
            return
        self._reading = reading
        group = reading.group if reading.sure else "neutral"
        self._button.classes(remove=self._group, add=f"g-{group}")
        self._group = f"g-{group}"
        main, label = self._texts(reading)
        self._main.set_text(main)
        self._label.set_text(label)
        self._label.set_visibility(bool(label))
        self._button.props["aria-label"] = f"{self._words('top_five')}: {main} {label}".strip()
        self._button.set_visibility(True)

    def _texts(self, reading: Reading) -> tuple[str, str]:
        if not reading.sure:
            return f"💭 {self._words('unsure')}", ""
        group = self._words.group(reading.group)
        emoji = emotions.GROUP_NAMES[reading.group][2]
        label = emotions.find(best_of_group(reading).label).name(self._words.language)
        share = self._words("chosen") if reading.model == "person" else percent(reading.groups[reading.group])
        return f"{emoji} {group} {share}", "" if label == group else label

    def _open(self) -> None:
        if self._reading is None:
            return
        with popover(self._button, "m-top-five", "right"):
            ui.label(self._words("top_five" if self._reading.model != "person" else "chosen_by_you")).classes("m-title")
            for emotion in self._reading.emotions:
                self._bar(emotion)
            if not self._reading.sure:
                ui.label(self._words("unsure_detail")).classes("m-detail")

    def _bar(self, emotion: Emotion) -> None:
        with ui.element("div").classes(f"m-bar g-{emotion.group}"):
            ui.label(self._words.emotion(emotion.label)).classes("m-bar-name")
            with ui.element("div").classes("m-bar-track"):
                ui.element("div").classes("m-bar-fill").style(f"width: {max(2, round(emotion.score * 100))}%")
            ui.label(percent(emotion.score)).classes("m-bar-percent")
