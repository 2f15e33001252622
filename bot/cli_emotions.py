"""`maum emotions`: the emotion log in the terminal."""

from __future__ import annotations

import json
from datetime import datetime

from rich.console import Console
from rich.table import Table

from bot import emotions
from bot.__main__ import open_storage
from bot.answering import label_of
from bot.config import Settings
from bot.errors import OperatorError
from bot.moderation import Moderation, moment
from storage.emotion_log import EmotionLog, Filter, Page


def asked(since: str, person: str, group: str, label: str, size: int) -> Filter:
    """The command's options as a question to the log.

    Raises:
        OperatorError: there is no such group.
        Refusal: "bad_time" or "unknown_emotion".
    """
    if group and group not in emotions.GROUPS:
        raise OperatorError(f"--group {group!r} is unknown: {', '.join(emotions.GROUPS)}")
    return Filter(since=moment(since), person=person, group=group, label=label_of(label) if label else "", size=size)


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
