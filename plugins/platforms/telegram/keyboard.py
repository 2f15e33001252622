"""The buttons under an answer. A button's data is an encoded Action, so it works after a restart and in any process.

Data holds 64 bytes at most (Bot API, InlineKeyboardButton). Choosing an emotion happens in the keyboard in place: an
`other` whose value begins with @ leads through the choice (@: the first page, @joy: a group's members, @back: done).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from bot import emotions
from bot.emotions import GROUP_NAMES, GROUPS
from bot.locale import say
from bot.types import Action, Group, Language, Outgoing, Reading

BACK = "@back"
TONES = ("softer", "shorter", "brighter")


class Button(NamedTuple):
    """`data` comes back when it is pressed; a button with a `url` opens that instead."""

    text: str
    data: str = ""
    url: str = ""


Rows = tuple[tuple[Button, ...], ...]


def under(outgoing: Outgoing) -> Rows:
    """What can be done with an answer now."""
    language, kinds = outgoing.conversation.person.locale, {action.kind for action in outgoing.actions}
    message = outgoing.message
    if "stop" in kinds:
        return ((_button(_word(language, "stop"), Action("stop", message)),),)
    if "again" not in kinds:
        return ()
    mask = _mask(outgoing.reading, language) if outgoing.conversation.chat.kind == "direct" else "🎭"
    rows: list[tuple[Button, ...]] = [
        (_button("🔁 " + _word(language, "again"), Action("again", message)), _choosing(mask, message, "@"))
    ]
    if outgoing.reply:
        rows.append(_pages(outgoing.message, outgoing.reply.variant, outgoing.variants))
    if "feedback" in kinds:
        thumbs = (("👍", "1"), ("👎", "-1"))
        rows.append(tuple(_button(text, Action("feedback", message, value)) for text, value in thumbs))
    return tuple(rows)


def first_page(message: int, reading: Reading | None, language: Language) -> Rows:
    """The five that were read, the groups, and again in another tone."""
    read = [
        _emotion(message, emotions.find(emotion.label), language, f" {emotion.score:.0%}")
        for emotion in (reading.emotions[:5] if reading else ())
        if emotion.label in emotions.entries()
    ]
    groups = [_choosing(_group(group, language), message, f"@{group}") for group in GROUPS]
    tones = [_button(_word(language, f"tone_{tone}"), Action("again", message, tone)) for tone in TONES]
    return (*_by(2, read), *_by(3, groups), tuple(tones), (_back(message, language),))


def members(message: int, group: Group, language: Language) -> Rows:
    """A group's emotions."""
    found = [_emotion(message, entry, language) for entry in emotions.members(group)]
    return (*_by(3, found), (_choosing(f"‹ {_group(group, language)}", message, "@"), _back(message, language)))


def _pages(message: int, variant: int, variants: int) -> tuple[Button, ...]:
    """◀ 1/3 ▶, always three, so that no button moves under a finger."""
    steps = (("◀", max(1, variant - 1)), (f"{variant}/{variants}", variant), ("▶", min(variants, variant + 1)))
    return tuple(_button(text, Action("select", message, str(number))) for text, number in steps)


def _mask(reading: Reading | None, language: Language) -> str:
    if reading is None:
        return "🎭"
    if not reading.sure:
        return f"🎭 {_word(language, 'unsure')}"
    return f"🎭 {emotions.find(reading.top.label).name(language)} {reading.top.score:.0%}"


def _emotion(message: int, entry: emotions.Entry, language: Language, share: str = "") -> Button:
    return _button(f"{entry.emoji} {entry.name(language)}{share}", Action("other", message, entry.code))


def _group(group: Group, language: Language) -> str:
    ko, en, emoji = GROUP_NAMES[group]
    return f"{emoji} {ko if language == 'ko' else en}"


def _back(message: int, language: Language) -> Button:
    return _choosing(_word(language, "back"), message, BACK)


def _choosing(text: str, message: int, page: str) -> Button:
    return _button(text, Action("other", message, page))


def _button(text: str, action: Action) -> Button:
    return Button(text, action.encode())


def _word(language: Language, key: str) -> str:
    return say(language, f"telegram.{key}")


def _by(width: int, buttons: Sequence[Button]) -> Iterable[tuple[Button, ...]]:
    return (tuple(buttons[start : start + width]) for start in range(0, len(buttons), width))
