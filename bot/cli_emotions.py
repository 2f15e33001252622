"""`maum emotions`: the emotion log in the terminal."""

from __future__ import annotations

import json
import re
from datetime import datetime

from rich.console import Console
from rich.table import Table

from bot import emotions
from bot.__main__ import open_storage
from bot.answering import label_of
from bot.config import Settings
from bot.errors import OperatorError
from bot.moderation import Moderation
from storage.emotion_log import EmotionLog, Filter, Page
from storage.rows import now_ms

UNITS_MS = {"m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}


def asked(since: str, person: str, group: str, label: str, size: int) -> Filter:
    """The command's options as a question to the log.

    Raises:
        OperatorError: a time span or group that is none.
        Refusal: "unknown_emotion".
    """
    span = re.fullmatch(r"(\d{1,6})([mhdw])", since)
    if not span:
        raise OperatorError(f"--since {since!r} is no time span: write 30m, 12h, 7d or 4w")
    if group and group not in emotions.GROUPS:
        raise OperatorError(f"--group {group!r} is unknown: {', '.join(emotions.GROUPS)}")
    start = now_ms() - int(span[1]) * UNITS_MS[span[2]]
    return Filter(since=start, person=person, group=group, label=label_of(label) if label else "", size=size)


async def show(settings: Settings, wanted: Filter, *, as_json: bool) -> None:
    """Ask and print."""
    async with open_storage(settings) as (database, _, people):
        page = await Moderation(EmotionLog(database, people), {}).query(None, wanted)
    print(_json(page)) if as_json else _draw(page)


def _json(page: Page) -> str:
    entries = [{name: getattr(entry, name) for name in entry.__slots__} for entry in page.entries]
    whole = {"total": page.total, "coverage": page.coverage, "by_group": page.by_group, "entries": entries}
    return json.dumps(whole, ensure_ascii=False)


def _draw(page: Page) -> None:
    console = Console(highlight=False)
    share = f", {page.coverage:.0%} of the messages" if page.coverage is not None else ""
    console.print(f"{page.total} readings{share}")
    for group, count in sorted(page.by_group.items(), key=lambda item: -item[1]):
        ko, en, emoji = emotions.GROUP_NAMES[group]  # type: ignore[index]
        console.print(f"{emoji} {ko} · {en:<13} {'█' * max(1, round(40 * count / page.total))} {count}")
    if not page.entries:
        return
    table = Table()
    for heading in ("when", "who", "where", "emotion", "score", "reply", "corrected"):
        table.add_column(heading)
    for entry in page.entries:
        when = datetime.fromtimestamp(entry.at / 1000).strftime("%m-%d %H:%M")
        found = emotions.find(entry.label)
        sure = "" if entry.sure else " ?"
        hit = {True: "hit", False: "missed", None: ""}[entry.hit]
        emotion = f"{found.emoji} {found.ko} · {found.en}"
        table.add_row(when, entry.person, entry.platform, emotion, f"{entry.score:.0%}{sure}", hit, entry.corrected)
    console.print(table)
