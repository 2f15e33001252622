"""Pictures of days: a PNG in every case, colours that everybody can tell apart, letters that the font has."""

from __future__ import annotations

import io
import re
from datetime import date, timedelta
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from fontTools.ttLib import TTFont
from numpy.typing import NDArray
from PIL import Image

from bot import charts
from bot import emotions as feelings
from bot.charts import Day, caption, days_of
from bot.locale import LANGUAGES, words
from bot.types import Language
from plugins.platforms import web
from storage.emotion_log import Count

FIRST = date(2026, 11, 16)
#: Machado, Oliveira and Fernandes 2009, severity 1.0: what is left of linear RGB
SIGHT = {
    "full": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}
XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)


def _week(*counts: dict[str, int]) -> list[Day]:
    return [Day(FIRST + timedelta(days=n), one, "초조한" if one else "") for n, one in enumerate(counts)]  # type: ignore[arg-type]


WEEK = _week({"anxiety": 5, "joy": 1}, {}, {"anxiety": 4, "joy": 5}, {"hurt": 1, "neutral": 7}, {}, {}, {})
CASES = {
    "one day": _week({"joy": 2}),
    "a week": WEEK,
    "a month": _week(*({"sadness": n % 4, "neutral": n % 3} for n in range(30))),
    "nothing": _week(*({} for _ in range(7))),
    "one group": _week(*({"anger": 1} for _ in range(7))),
    "very uneven": _week({"joy": 1}, {"joy": 1, "hurt": 2, **dict.fromkeys(feelings.GROUPS, 1), "anger": 900}),
}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("days", CASES.values(), ids=CASES)
def test_every_kind_of_days_becomes_a_picture_that_fits_its_paper(days: list[Day], language: Language) -> None:
    for png in (charts.mood(days, language), charts.emotions(days, language, 12)):
        assert png.startswith(b"\x89PNG")
        image = Image.open(io.BytesIO(png)).convert("RGB")
        assert image.width == charts.WIDTH
        assert len(png) < 128 * 1024
        pixels = np.asarray(image).astype(int)
        edge = np.concatenate([pixels[:, -20:].reshape(-1, 3), pixels[-16:].reshape(-1, 3)])
        paper = np.frombuffer(bytes.fromhex(charts.PAPER[1:]), np.uint8)
        assert np.abs(edge - paper).max() <= 4, "something runs off the paper"


def test_a_day_without_messages_has_no_bar() -> None:
    image = np.asarray(Image.open(io.BytesIO(charts.mood(WEEK, "ko"))).convert("RGB")).astype(int)
    saturation = image.max(axis=2) - image.min(axis=2)
    coloured = [bool((saturation[charts.TOP + 84 * n : charts.TOP + 84 * (n + 1)] > 60).any()) for n in range(7)]
    assert coloured == [bool(day.counts.keys() - {"neutral"}) for day in WEEK]


@pytest.mark.parametrize("count", [0, 32])
def test_a_picture_shows_one_to_31_days(count: int) -> None:
    with pytest.raises(ValueError, match="1 to 31 days"):
        charts.mood(_week(*({} for _ in range(count))), "ko")


def test_the_caption_says_the_picture_in_words() -> None:
    assert caption(WEEK, "ko") == "지난 한 주 동안 23번 이야기했어. 가장 많았던 마음은 불안(9번), 그다음은 기쁨(6번)."
    assert caption(WEEK, "en") == "Messages, last 7 days: 23. Most often: anxiety (9), then joy (6)."
    assert caption(WEEK[:2], "ko", 12).startswith("지난 2일 동안 12명이 6번 이야기했어.")
    assert caption(CASES["one day"], "ko") == "하루 동안 2번 이야기했어. 가장 많았던 마음은 기쁨(2번)."
    assert caption(_week({"neutral": 3}), "ko") == "하루 동안 3번 이야기했어. 뚜렷한 마음은 보이지 않았어."
    assert caption(CASES["nothing"], "en") == "Messages, last 7 days: none."


def test_days_hold_every_date_and_what_was_unclear_is_neutral() -> None:
    monday = (("anxiety", "초조한", True, 2), ("anxiety", "두려운", True, 1), ("joy", "기쁨", False, 5))
    counts = [Count(FIRST, group, label, sure, n) for group, label, sure, n in monday]  # type: ignore[arg-type]
    days = days_of(counts, FIRST, FIRST + timedelta(days=2))
    assert [day.date.day for day in days] == [16, 17, 18]
    assert (days[0].counts, days[0].top) == ({"anxiety": 3, "neutral": 5}, "초조한")
    assert (days[1].counts, days[1].top) == ({}, "")


@pytest.mark.parametrize("font", sorted(charts.FONTS.glob("*.otf")), ids=lambda path: path.stem)
def test_the_font_has_every_letter_of_a_picture(font: Path) -> None:
    names = [entry.ko + entry.en for entry in feelings.entries().values()]
    names += [ko + en for ko, en, _ in feelings.GROUP_NAMES.values()]
    texts = [text for language in LANGUAGES for text in words(language)["charts"].values()]
    missing = set("".join(names + texts) + "…") - {chr(code) for code in TTFont(font).getBestCmap()}
    assert not missing, f"run scripts/chart_font.py again: {missing}"


def test_a_foreign_models_own_label_is_shown_as_its_group() -> None:
    day = Day(FIRST, {"neutral": 1}, "感情")
    assert charts.mood([day], "ko") == charts.mood([Day(FIRST, {"neutral": 1})], "ko")


@pytest.mark.parametrize("sight", SIGHT)
def test_the_colours_stay_apart_for_every_eye(sight: str) -> None:
    seen = {group: _lab(SIGHT[sight] @ _linear(fill)) for group, (fill, _) in charts.COLOURS.items()}
    apart = {pair: float(np.linalg.norm(seen[pair[0]] - seen[pair[1]])) for pair in combinations(seen, 2)}
    assert min(apart.values()) > 23, min(apart, key=lambda pair: apart[pair])  # CIE 1976; 2.3 is just noticeable


def test_the_colours_are_those_of_the_web_chat() -> None:
    css = (Path(web.__file__).parent / "pages" / "static" / "chat.css").read_text(encoding="utf-8")
    light = css.partition("body.body--dark")[0]
    assert {group: ink for group, (_, ink) in charts.COLOURS.items()} == {
        group: re.findall(rf"--{group}-ink: (#\w{{6}})", light)[0] for group in feelings.GROUPS
    }


def _linear(colour: str) -> NDArray[np.float64]:
    parts = np.frombuffer(bytes.fromhex(colour[1:]), np.uint8) / 255
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)


def _lab(linear: NDArray[np.float64]) -> NDArray[np.float64]:
    x, y, z = np.cbrt(XYZ @ np.clip(linear, 0, 1) / np.array([0.95047, 1.0, 1.08883]))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])
