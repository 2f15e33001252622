"""Small things that open on a click and are gone from the page when they close."""

from __future__ import annotations

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
