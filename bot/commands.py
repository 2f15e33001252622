"""What the commands of the chat platforms do: one way for all of them. Words stand in the locale's table [command].

A platform hands over a command's name and the words after it, and shows what is said; a button under it is one more
command. `chat` is not here: it is a message. Refusals are the platform's to show, as everywhere.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING

from bot import charts, commands_moderators, emotions
from bot.answering import TONES
from bot.consent import INITIALS
from bot.errors import Refusal
from bot.export import page
from bot.locale import say
from bot.moderation import DAYS, OFFSETS
from bot.said import Choice, Said
from bot.spaces import PERSONAS
from bot.types import Action, Conversation, Language, Reading

if TYPE_CHECKING:
    from bot.app import App

Command = Callable[["App", Conversation, str], Awaitable[Said]]
TICKED, EMPTY = "☑", "☐"
SHOW, AGREE, DECLINE = "?", "!", "!-"
BARS = 12


async def do(app: App, name: str, value: str, here: Conversation) -> Said:
    """Do a command. `here.person` asked for it; `value` is what stood after the command.

    Raises:
        Refusal: it cannot be done, and why; "unknown_command".
    """
    command = COMMANDS.get(name)
    if command is None:
        raise Refusal("unknown_command", command=name[:40])
    return await command(app, here, value.strip())


async def _help(app: App, here: Conversation, value: str) -> Said:
    lines = [f"/{name} — {about(name, here.person.locale)}" for name in ("chat", *COMMANDS) if name not in HIDDEN]
    return Said("\n".join((_say(here, "help"), *lines)))


async def _privacy(app: App, here: Conversation, value: str) -> Said:
    scopes = await app.privacy.scopes(here.person)
    terms = app.privacy.terms(here.person.locale, here.person.platform)
    agreed = ", ".join(term.title for term in terms if term.scope in scopes)
    none = say(here.person.locale, "privacy.nothing")
    text = say(here.person.locale, "privacy.agreed", scopes=agreed or none)
    buttons = [_choice(here, name, name) for name in ("consent", "export", "forget", "pause")]
    return Said(f"{app.privacy.summary(here.person.locale)}\n\n{text}", (tuple(buttons[:2]), tuple(buttons[2:])))


async def _consent(app: App, here: Conversation, value: str) -> Said:
    """`?` and initials: the ticks as they are shown; `!` and initials: what is agreed to; `!-`: nothing is."""
    person = here.person
    terms = app.privacy.terms(person.locale, person.platform)
    offered = {INITIALS[term.scope]: term for term in terms}
    ticks = {initial for initial in value[1:] if initial in offered}
    if value == DECLINE or (value.startswith(AGREE) and "t" in ticks):
        scopes = await app.privacy.consent(person, [offered[initial].scope for initial in ticks])
        return Said(_say(here, "agreed" if scopes else "declined"))
    if not value:
        ticks = {INITIALS[scope] for scope in await app.privacy.scopes(person) if INITIALS.get(scope) in offered}
    parts = [say(person.locale, "consent.ai_notice"), say(person.locale, "consent.age")]
    if value.startswith(AGREE):
        parts.append(_say(here, "talk_needed"))
    for initial, term in offered.items():
        need = _say(here, "needed" if term.needed else "optional")
        mark = "❗" if term.sensitive else ""
        facts = " · ".join((term.purpose, term.items, term.period, term.refuse))
        parts.append(f"{TICKED if initial in ticks else EMPTY} {mark}{term.title} ({need})\n{facts}")
    rows = [
        (Choice(f"{TICKED if initial in ticks else EMPTY} {term.title}", "consent", SHOW + _toggled(ticks, initial)),)
        for initial, term in offered.items()
    ]
    agree = Choice(_say(here, "agree"), "consent", AGREE + "".join(sorted(ticks)))
    return Said("\n\n".join(parts), (*rows, (agree, Choice(_say(here, "decline"), "consent", DECLINE))))


async def _export(app: App, here: Conversation, value: str) -> Said:
    exported = await app.privacy.export(here.person)
    readable = page(exported, here.person.locale).encode()
    whole = json.dumps(exported, ensure_ascii=False, indent=1).encode()
    return Said(_say(here, "exported"), files=(("maum.html", readable), ("maum.json", whole)))


async def _forget(app: App, here: Conversation, value: str) -> Said:
    if value not in ("all", "chat", "no"):
        rows = tuple((Choice(_say(here, f"forget_{what}"), "forget", what),) for what in ("chat", "all", "no"))
        return Said(_say(here, "forget_ask"), rows)
    if value == "no":
        return Said(_say(here, "forget_not"))
    counts = await app.privacy.forget(here.person, here.chat if value == "chat" else None)
    return Said(say(here.person.locale, "privacy.forgotten", count=sum(counts.values())))


async def _pause(app: App, here: Conversation, value: str) -> Said:
    await app.privacy.pause(here.person)
    return Said(_say(here, "paused"), ((_choice(here, "resume", "resume"),),))


async def _resume(app: App, here: Conversation, value: str) -> Said:
    scopes = await app.privacy.resume(here.person)
    return Said(_say(here, "resumed")) if "talk" in scopes else await _consent(app, here, "")


async def _regenerate(app: App, here: Conversation, value: str) -> Said:
    """One more variant of the last answer, or of that to the message named first; the rest: an emotion and a tone."""
    number, _, rest = value.partition(" ")
    named = number.isdecimal() and len(number) < 19
    message, value = (int(number), rest.strip()) if named else (await _latest(app, here), value)
    emotion, _, last = value.rpartition(" ")
    tone = _tone(last)
    if not tone:
        emotion = value
    kind, wanted = ("other", f"{emotion}/{tone}" if tone else emotion) if emotion else ("again", tone)
    receipt = await app.delivery.act(Action.decode(f"{kind}:{message}:{wanted}"), here.person)
    return Said(_say(here, "deferred" if receipt.outcome == "deferred" else "regenerating"))


async def _emotion(app: App, here: Conversation, value: str) -> Said:
    """What was read in the last message, or in the one with our id `value`."""
    if value.isdecimal() and (await app.desk.conversations.conversation(int(value))).person != here.person:
        raise Refusal("not_yours")
    message = int(value) if value.isdecimal() else await _latest(app, here)
    reading = (await app.desk.conversations.exchange(message)).reading
    if reading is None:
        return Said(_say(here, "no_reading"))
    return Said("\n".join((_say(here, "reading_sure" if reading.sure else "reading_unsure"), *bars(reading, here))))


async def _mood(app: App, here: Conversation, value: str) -> Said:
    """The person's own last days as a picture; a number after the command: how many of them."""
    language = here.person.locale
    asked = int(value) if value.isdecimal() and value.isascii() and len(value) < 4 else DAYS
    days = await app.moderation.own_days(here.person, max(1, min(asked, charts.MAX_DAYS)), OFFSETS[language])
    if not any(day.counts for day in days):
        return Said(_say(here, "no_mood"))
    picture = await asyncio.to_thread(charts.mood, days, language)
    return Said(charts.caption(days, language), picture=picture)


async def _persona(app: App, here: Conversation, value: str) -> Said:
    if value:
        await app.spaces.change(here.chat, "persona", value, here.person)
        return Said(_say(here, "persona_set"))
    place = await app.spaces.at(here.chat)
    now = place.persona if place.persona in PERSONAS else "" if place.persona else "friend"
    named = {persona: say(here.person.locale, f"persona.{persona}_name") for persona in PERSONAS}
    row = tuple(Choice(f"● {name}" if one == now else name, "persona", one) for one, name in named.items())
    return Said(_say(here, "persona_ask", now=named.get(now, place.persona)), (row,))


async def _reset(app: App, here: Conversation, value: str) -> Said:
    if value == "undo":
        done = await app.desk.messages.end_talk(here, undo=True)
        return Said(_say(here, "reset_undone" if done else "nothing"))
    done = await app.desk.messages.end_talk(here)
    return (
        Said(_say(here, "reset"), ((_choice(here, "undo", "reset", "undo"),),)) if done else Said(_say(here, "nothing"))
    )


COMMANDS: Mapping[str, Command] = {
    "regenerate": _regenerate,
    "emotion": _emotion,
    "mood": _mood,
    "persona": _persona,
    "reset": _reset,
    "privacy": _privacy,
    "consent": _consent,
    "export": _export,
    "forget": _forget,
    "pause": _pause,
    "resume": _resume,
    "help": _help,
    "settings": commands_moderators.settings,
    "emotions": commands_moderators.emotions_of,
}
MODERATORS = frozenset({"settings", "emotions"})
HIDDEN = MODERATORS  # moderators find them in the platform's own menu


def about(name: str, language: Language) -> str:
    """One line on a command, for the platform's menu (at most 100 characters, Discord's limit)."""
    return say(language, f"command.{name}_about")


def local_name(name: str, language: Language) -> str:
    """A command's name in a language, where the platform takes more than Latin letters."""
    return say(language, f"command.{name}_name")


def bars(reading: Reading, here: Conversation) -> list[str]:
    """The five best emotions, one line each."""
    lines = []
    for emotion in reading.emotions:
        entry = emotions.find(emotion.label)
        full = round(emotion.score * BARS)
        lines.append(
            f"{entry.emoji} {'█' * full}{'░' * (BARS - full)} {emotion.score:.0%} {entry.name(here.person.locale)}"
        )
    return lines


async def _latest(app: App, here: Conversation) -> int:
    message = await app.desk.messages.latest(here)
    if message is None:
        raise Refusal("nothing_yet")
    return message


def _tone(value: str) -> str:
    """A tone by its code or its name in either language; empty when it is none."""
    wanted = value.lower()
    named = {say(language, f"tone_name.{tone}"): tone for language in ("ko", "en") for tone in TONES}
    return wanted if wanted in TONES else named.get(wanted, "")


def _toggled(ticks: set[str], initial: str) -> str:
    return "".join(sorted(ticks ^ {initial}))


def _choice(here: Conversation, label: str, command: str, value: str = "") -> Choice:
    return Choice(_say(here, f"button_{label}"), command, value)


def _say(here: Conversation, key: str, /, **facts: object) -> str:
    return say(here.person.locale, f"command.{key}", **facts)
