"""The moderators' commands: how Maum behaves in their place, and its emotion log. Both check who asks, each time."""

from __future__ import annotations

import asyncio
import re
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from bot import charts, emotions
from bot.errors import Refusal
from bot.locale import LANGUAGES, say
from bot.moderation import DAYS, OFFSETS, UNITS_MS, moment
from bot.said import Choice, Said
from bot.spaces import KEYS, OWN_KEYS, place_of
from bot.types import Conversation, Person
from storage.emotion_log import Filter

if TYPE_CHECKING:
    from bot.app import App

SHOWN = 15  # entries of a list
MENTION = re.compile(r"<@!?(\d+)>")
SPAN = re.compile(r"\d{1,6}[mhdw]|\d{4}-\d\d-\d\d")


async def settings(app: App, here: Conversation, value: str) -> Said:
    """Nothing: show them · `KEY VALUE`: set one · `undo` · `history`."""
    key, _, wanted = value.partition(" ")
    if key == "undo":
        change = await app.spaces.undo(here.chat, here.person)
        return Said(_say(here, "settings_undone", key=change.key, value=_shown(here, change.value)))
    if key == "history":
        changes = await app.spaces.history(here.chat, here.person)
        lines = [f"{_day(change.at)} {change.key} → {_shown(here, change.value)} ({change.who})" for change in changes]
        return Said("\n".join((_say(here, "settings_history"), *lines)))
    if key:
        kept = await app.spaces.change(here.chat, key, wanted, here.person)
        undo = Choice(_say(here, "button_undo"), "settings", "undo")
        return Said(_say(here, "settings_set", key=key, value=_shown(here, kept)), ((undo,),))
    await app.spaces.authorise(here.chat, here.person)
    place = await app.spaces.at(here.chat)
    values = {"persona": place.persona, "language": place.language, "strategy": place.strategy}
    if here.chat.space_id:
        values["channels"] = ", ".join(sorted(place.channels))
    lines = [f"{name}: {_shown(here, now)}" for name, now in values.items()]
    keys = ", ".join(KEYS if here.chat.space_id else OWN_KEYS)
    rows = (
        tuple(Choice(language, "settings", f"language {language}") for language in LANGUAGES),
        tuple(Choice(_say(here, f"strategy_{s}"), "settings", f"strategy {s}") for s in ("empathise", "mirror")),
        tuple(Choice(_say(here, f"button_{name}"), "settings", name) for name in ("undo", "history")),
    )
    return Said("\n".join((_say(here, "settings"), *lines, "", _say(here, "settings_how", keys=keys))), rows)


async def emotions_of(app: App, here: Conversation, value: str) -> Said:
    """Totals and the last entries of this place; words after it: a span (7d), a group, a person."""
    if not here.chat.space_id:
        raise Refusal("not_moderator")
    wanted = replace(_filter(app, here, value), space=place_of(here.chat), size=SHOWN)
    found = await app.moderation.query(here.person, wanted)
    picture = await _picture(app, here, wanted)
    if not found.total:
        return Said(_say(here, "no_emotions"), picture=picture)
    language = here.person.locale
    totals = " · ".join(emotions.totals(found.by_group, language))
    lines = [
        f"{_day(entry.at)} {entry.person} {emotions.find(entry.label).emoji} "
        f"{emotions.find(entry.label).name(language)} {entry.score:.0%}{'' if entry.sure else ' ?'}"
        for entry in found.entries
    ]
    return Said("\n".join((_say(here, "emotions", count=found.total), totals, "", *lines)), picture=picture)


async def _picture(app: App, here: Conversation, wanted: Filter) -> bytes | None:
    """The days of all who agree to be counted; None for single persons and where they are too few."""
    if wanted.person:
        return None
    language = here.person.locale
    days = DAYS if wanted.since is None else 1 + (time.time_ns() // 1_000_000 - wanted.since) // UNITS_MS["d"]
    try:
        totals = await app.moderation.totals(here.person, wanted, min(days, charts.MAX_DAYS), OFFSETS[language])
    except Refusal as refusal:
        if refusal.code != "too_few":
            raise
        return None
    return await asyncio.to_thread(charts.emotions, totals.days, language, totals.people)


def _filter(app: App, here: Conversation, value: str) -> Filter:
    """Raises Refusal("bad_time") for a span that is none."""
    wanted = Filter(since=moment("7d"))
    for word in value.split():
        group = _group(word)
        if SPAN.fullmatch(word):
            wanted = replace(wanted, since=moment(word))
        elif group:
            wanted = replace(wanted, group=group)
        elif mentioned := MENTION.fullmatch(word):
            wanted = replace(wanted, person=app.moderation.alias(Person(here.chat.platform, mentioned[1])))
        else:
            wanted = replace(wanted, person=word)
    return wanted


def _group(word: str) -> str:
    for group, names in emotions.GROUP_NAMES.items():
        if word.lower() in (group, names[0], names[1].lower(), names[2]):
            return group
    return ""


def _shown(here: Conversation, value: object) -> str:
    if isinstance(value, list | tuple):
        value = ", ".join(str(one) for one in value)
    return str(value) if value else say(here.person.locale, "command.as_everywhere")


def _day(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).strftime("%m-%d %H:%M")


def _say(here: Conversation, key: str, /, **facts: object) -> str:
    return say(here.person.locale, f"command.{key}", **facts)
