"""Draws the two sample pictures of docs/images from invented days: .venv/bin/python scripts/chart_samples.py"""

from __future__ import annotations

import random
from datetime import date, timedelta
from pathlib import Path

from bot import charts, emotions
from bot.charts import Day
from bot.types import Group

IMAGES = Path(__file__).parents[1] / "docs" / "images"
FIRST = date(2026, 11, 16)
WEEK: tuple[tuple[dict[Group, int], str], ...] = (
    ({"anxiety": 3, "neutral": 2, "hurt": 1}, "초조한"),
    ({"anxiety": 4, "sadness": 2, "embarrassment": 1}, "걱정스러운"),
    ({"sadness": 2, "anger": 1, "neutral": 1}, "외로운"),
    ({}, ""),
    ({"joy": 2, "neutral": 2, "anxiety": 1}, "안도"),
    ({"joy": 5, "neutral": 1}, "기쁨"),
    ({"joy": 3, "embarrassment": 1, "hurt": 1}, "감사하는"),
)


def main() -> None:
    days = [Day(FIRST + timedelta(days=n), *day) for n, day in enumerate(WEEK)]
    (IMAGES / "chart-mood.png").write_bytes(charts.mood(days, "ko"))
    chance = random.Random(7)
    space = [_crowd(FIRST + timedelta(days=n), chance) for n in range(14)]
    (IMAGES / "chart-space.png").write_bytes(charts.emotions(space, "en", people=17))


def _crowd(day: date, chance: random.Random) -> Day:
    if day.weekday() == 6:
        return Day(day, {})
    counts = {group: chance.randint(0, 12) for group in emotions.GROUPS}
    most = max((group for group in emotions.GROUPS if group != "neutral"), key=lambda group: counts[group])
    return Day(day, counts, chance.choice(emotions.members(most)).label)


if __name__ == "__main__":
    main()
