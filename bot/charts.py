"""Days of feelings as a picture (PNG) and as a sentence. Drawing takes a moment: call it in a thread.

Each fill has its group's hue in the web chat and that group's ink (chat.css) as its outline. The seven come from a
search for colours that differ most, also with protanopia, deuteranopia and tritanopia; a test measures how much.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from bot import emotions as feelings
from bot.locale import say
from bot.types import Group, Language

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont

    from storage.emotion_log import Count

COLOURS: Mapping[Group, tuple[str, str]] = {  # fill, ink
    "joy": ("#f7cf4e", "#664a00"),
    "sadness": ("#34679a", "#1f4a86"),
    "anger": ("#b8452a", "#8f2318"),
    "anxiety": ("#53279c", "#55338f"),
    "hurt": ("#f593c8", "#8a2358"),
    "embarrassment": ("#7fd09a", "#17603a"),
    "neutral": ("#7b7770", "#4d4a45"),
}
PAPER, LINE, INK, SOFT = "#f5f2ec", "#d8d2c6", "#2b2a28", "#6a655d"
FONTS = Path(__file__).with_name("fonts")
MAX_DAYS = 31
# Pixels. A phone shows 1080 of them on about 400 points, so 30 are the size of small print there.
WIDTH, EDGE, TOP = 1080, 56, 216
BAR_LEFT, BAR_RIGHT, NAME_LEFT, THINNEST = 226, 660, 800, 15
TITLE, TEXT, SMALL = 54, 36, 30
FINER = 2  # drawn that much larger and reduced: round corners without steps


@dataclass(frozen=True, slots=True)
class Day:
    """Messages of one day by group; `top` is its most frequent label, empty where no feeling was clear."""

    date: date
    counts: Mapping[Group, int]
    top: str = ""


def days_of(counts: Sequence[Count], first: date, last: date) -> list[Day]:
    """Every day from first to last, also the empty ones. What was not clear is neutral, as on the page."""
    return [_day(first + timedelta(days=n), counts) for n in range((last - first).days + 1)]


def _day(day: date, counts: Sequence[Count]) -> Day:
    groups: Counter[Group] = Counter()
    labels: Counter[str] = Counter()
    for one in counts:
        if one.day == day:
            group = one.group if one.sure else "neutral"
            groups[group] += one.n
            if group != "neutral":
                labels[one.label] += one.n
    top = max(sorted(labels), key=lambda label: labels[label], default="")
    return Day(day, groups, top)


def caption(days: Sequence[Day], language: Language, people: int = 0) -> str:
    """The picture in words, for screen readers; `people` is given for the days of a space."""
    sums = _sums(days)
    facts = {"span": _span(days, language), "messages": sums.total(), "people": people}
    if not sums.total():
        return say(language, "charts.nothing", **facts)
    said = say(language, "charts.said_people" if people else "charts.said", **facts)
    ranked = [(_group(group, language), n) for group, n in sums.most_common() if group != "neutral"]
    if not ranked:
        return f"{said} {say(language, 'charts.unclear')}"
    (first, n), (second, m) = [*ranked, ("", 0)][:2]
    key = "charts.most_then" if second else "charts.most"
    return f"{said} {say(language, key, first=first, n=n, second=second, m=m)}"


def mood(days: Sequence[Day], language: Language) -> bytes:
    """A person's own days, oldest first, as a PNG 1080 pixels wide.

    Raises:
        ValueError: not 1 to 31 days.
    """
    return _picture(days, language, "mine", 0)


def emotions(days: Sequence[Day], language: Language, people: int) -> bytes:
    """The days of a space with its `people`, as a PNG; days with few people are empty already.

    Raises:
        ValueError: not 1 to 31 days.
    """
    return _picture(days, language, "space", people)


def _picture(days: Sequence[Day], language: Language, whose: Literal["mine", "space"], people: int) -> bytes:
    if not 1 <= len(days) <= MAX_DAYS:
        raise ValueError(f"a picture shows 1 to {MAX_DAYS} days, not {len(days)}")
    row = 84 if len(days) <= 10 else 46
    legend = _legend(days, language)
    foot = TOP + row * len(days) + 28
    sheet = Sheet(foot + 52 * ((len(legend) + 2) // 3) + (56 if people else 0) + 28)
    sheet.text(EDGE, 76, say(language, f"charts.{whose}", span=_span(days, language)), TITLE, bold=True)
    sheet.text(EDGE, 146, _line(days, language, people), TEXT, SOFT, width=WIDTH - 2 * EDGE)
    most = max(sum(day.counts.values()) for day in days)
    for number, day in enumerate(days):
        _draw_day(sheet, day, TOP + row * number + row // 2, row, most, language)
    for number, (group, text) in enumerate(legend):
        _draw_key(sheet, EDGE + number % 3 * 330, foot + 52 * (number // 3) + 26, group, text)
    if people:
        sheet.text(EDGE, sheet.height - 56, say(language, "charts.few"), SMALL, SOFT, width=WIDTH - 2 * EDGE)
    return sheet.png()


def _draw_day(sheet: Sheet, day: Day, middle: int, row: int, most: int, language: Language) -> None:
    weekday = say(language, "charts.weekdays").split()[day.date.weekday()]
    when = say(language, "charts.day", weekday=weekday, month=day.date.month, day=day.date.day)
    total, half = sum(day.counts.values()), int(row * 0.36)
    sheet.text(EDGE, middle, when, TEXT if row > 60 else SMALL, INK if total else SOFT, width=BAR_LEFT - EDGE - 16)
    if not total:
        sheet.dots(BAR_LEFT, BAR_RIGHT, middle)
        return
    left = float(BAR_LEFT)
    for group, n in ((group, day.counts.get(group, 0)) for group in feelings.GROUPS):
        if n:
            right = left + max(THINNEST, (BAR_RIGHT - BAR_LEFT) * n / most)
            _draw_part(sheet, (left, middle - half, right - 3, middle + half), group, language)
            left = right
    sheet.text(left + 10, middle, str(total), SMALL, SOFT)
    sheet.text(NAME_LEFT, middle, _name(day.top, language), TEXT if row > 60 else SMALL, width=WIDTH - EDGE - NAME_LEFT)


def _draw_part(sheet: Sheet, box: tuple[float, float, float, float], group: Group, language: Language) -> None:
    fill, ink = COLOURS[group]
    sheet.box(box, fill, ink)
    name = _name("", language) if group == "neutral" else _group(group, language)
    if box[3] - box[1] > 40 and sheet.length(name, SMALL) < box[2] - box[0] - 16:
        on = INK if group in ("joy", "hurt", "embarrassment") else "#ffffff"
        sheet.text((box[0] + box[2]) / 2, (box[1] + box[3]) / 2, name, SMALL, on, centred=True)


def _draw_key(sheet: Sheet, left: int, middle: int, group: Group, text: str) -> None:
    sheet.box((left, middle - 15, left + 30, middle + 15), *COLOURS[group])
    sheet.text(left + 44, middle, text, SMALL, width=276)


def _legend(days: Sequence[Day], language: Language) -> list[tuple[Group, str]]:
    sums = _sums(days)
    return [(group, f"{_group(group, language)} {sums[group]}") for group in feelings.GROUPS if sums[group]]


def _line(days: Sequence[Day], language: Language, people: int) -> str:
    sums = _sums(days)
    if not sums.total():
        return say(language, "charts.line_nothing")
    key = "charts.line_people" if people else "charts.line"
    parts = [say(language, key, messages=sums.total(), people=people)]
    ranked = [group for group, _ in sums.most_common() if group != "neutral"]
    if ranked:
        parts.append(say(language, "charts.line_most", first=_group(ranked[0], language)))
    return " · ".join(parts)


def _sums(days: Sequence[Day]) -> Counter[Group]:
    sums: Counter[Group] = Counter()
    for day in days:
        sums.update(day.counts)
    return +sums


def _span(days: Sequence[Day], language: Language) -> str:
    key = {1: "span_one", 7: "span_week"}.get(len(days), "span_many")
    return say(language, f"charts.{key}", days=len(days))


def _group(group: Group, language: Language) -> str:
    if group == "neutral":
        return say(language, "charts.neutral")
    return feelings.GROUP_NAMES[group][language == "en"]


def _name(label: str, language: Language) -> str:
    """An emotion's name, or that of its group where the font lacks a letter (a foreign model's own labels)."""
    entry = feelings.find(label or feelings.NEUTRAL)
    known = label in feelings.entries()
    return entry.name(language) if known or not label else feelings.GROUP_NAMES[entry.group][language == "en"]


class Sheet:
    """A sheet of paper to draw on; measures are pixels of the finished picture."""

    def __init__(self, height: int) -> None:
        from PIL import Image, ImageDraw

        self.height = height
        self._image = Image.new("RGB", (WIDTH * FINER, height * FINER), PAPER)
        self._draw = ImageDraw.Draw(self._image)

    def text(
        self, left: float, middle: float, text: str, size: int, colour: str = INK, *,
        width: float = 0, bold: bool = False, centred: bool = False,
    ) -> None:  # fmt: skip
        """Write one line; one wider than `width` gets smaller, down to two thirds, and then loses its end."""
        smallest = size * 2 // 3
        while width and size > smallest and self.length(text, size, bold=bold) > width:
            size -= 1
        if width and self.length(text, size, bold=bold) > width:
            while self.length(f"{text}…", size, bold=bold) > width:
                text = text[:-1].rstrip(" ,/·(")
            text += "…"
        at, anchor = (left * FINER, middle * FINER), "mm" if centred else "lm"
        self._draw.text(at, text, fill=colour, font=_font(size, bold), anchor=anchor)

    def length(self, text: str, size: int, *, bold: bool = False) -> float:
        return _font(size, bold).getlength(text) / FINER

    def box(self, corners: tuple[float, float, float, float], fill: str, ink: str) -> None:
        """A box with round corners."""
        radius = min(9.0, (corners[2] - corners[0]) / 2, (corners[3] - corners[1]) / 2) * FINER
        at = [corner * FINER for corner in corners]
        self._draw.rounded_rectangle(at, radius, fill=fill, outline=ink, width=FINER + 1)

    def dots(self, left: int, right: int, middle: int) -> None:
        """A dotted line: a day without a word."""
        for x in range(left, right, 24):
            self._draw.ellipse([x * FINER, (middle - 3) * FINER, (x + 6) * FINER, (middle + 3) * FINER], fill=LINE)

    def png(self) -> bytes:
        from PIL import Image

        small = self._image.reduce(FINER).quantize(256, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
        buffer = io.BytesIO()
        small.save(buffer, "PNG")
        return buffer.getvalue()


def _font(size: int, bold: bool) -> FreeTypeFont:
    from PIL import ImageFont

    path = FONTS / f"maum-chart-{'bold' if bold else 'regular'}.otf"
    return ImageFont.truetype(path, size * FINER, layout_engine=ImageFont.Layout.BASIC)
