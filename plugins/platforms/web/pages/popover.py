"""Small parts of the page: what opens on a click and is gone when it closes, buttons, sections."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from nicegui import ui
from nicegui.element import Element


def popover(anchor: Element, name: str, side: Literal["left", "right"] = "left") -> ui.menu:
    """An open menu under `anchor`, to be filled; a page holds no element of one that is closed."""
    place = f'no-parent-event anchor="bottom {side}" self="top {side}"'
    with anchor:
        menu = ui.menu(value=True).props(place).classes(f"m-popover {name}")
    menu.on("hide", menu.delete)
    return menu


def sheet(label: str) -> ui.dialog:
    """An open dialog, to be filled; like `popover`, it leaves nothing behind."""
    dialog = ui.dialog(value=True)
    dialog.props["aria-label"] = label
    dialog.on("hide", dialog.delete)
    return dialog


def icon_button(icon: str, label: str) -> ui.button:
    """A quiet round button that says its name to a screen reader and to a resting pointer."""
    button = ui.button(icon=icon, color=None).props("flat round dense").classes("m-icon-button")
    button.props["aria-label"] = button.props["title"] = label
    return button


def quiet_button(text: str, clicked: Callable[[], object], look: str = "") -> ui.button:
    button = ui.button(text, color=None, on_click=clicked).props("flat dense no-caps")
    return button.classes(f"m-choice g-neutral {look}")


def section(title: str, detail: str) -> ui.element:
    """A part of a dialog with a title and a sentence, to be filled."""
    with ui.element("section").classes("m-section") as part:
        ui.label(title).classes("m-subtitle").props("role=heading aria-level=2")
        ui.label(detail).classes("m-detail")
    return part
