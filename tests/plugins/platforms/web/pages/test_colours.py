"""Every colour that text stands on gives enough contrast, in light and in dark (WCAG 2.2, AA: 4.5 to 1)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bot.emotions import GROUPS
from plugins.platforms import web

CSS = (Path(web.__file__).parent / "pages" / "static" / "chat.css").read_text(encoding="utf-8")
PAIRS = [
    *((group, f"{group}-ink") for group in GROUPS),
    *(("said", "said-ink"), ("brand", "brand-ink"), ("alert", "alert-ink")),
    *((ground, ink) for ground in ("paper", "surface") for ink in ("ink", "soft")),
]


@pytest.mark.parametrize("look", ["light", "dark"])
def test_text_is_readable_on_every_ground(look: str) -> None:
    block = re.search(rf"body\.body--{look} \{{(.*?)\}}", CSS, re.DOTALL)
    assert block
    colours = dict(re.findall(r"--([\w-]+): #(\w{6});", block[1]))
    contrasts = {(ground, ink): _contrast(colours[ground], colours[ink]) for ground, ink in PAIRS}
    assert {pair: round(contrast, 1) for pair, contrast in contrasts.items() if contrast < 4.5} == {}


def _contrast(one: str, other: str) -> float:
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
