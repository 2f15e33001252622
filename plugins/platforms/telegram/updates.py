"""What an update of Telegram's means to us. Updates are read as they come, field by field: whatever is missing, of the
wrong kind or new makes an update mean nothing, and never harms the next one.

Fields: Bot API (core.telegram.org/bots/api), Update, Message, CallbackQuery, ChatMemberUpdated.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from bot.locale import pick
from bot.types import Chat, Conversation, Incoming, Language, Person

PLATFORM = "telegram"
#: what we ask to be told about
KINDS = ("message", "edited_message", "callback_query", "my_chat_member")
Other = Literal["", "sticker", "picture", "voice", "other"]
#: a message's field → what we say we cannot read
OTHERS: Mapping[str, Other] = {
    "sticker": "sticker",
    "photo": "picture",
    "animation": "picture",
    "video": "picture",
    "video_note": "picture",
    "paid_media": "picture",
    "story": "picture",
    "voice": "voice",
    "audio": "voice",
    "document": "other",
    "location": "other",
    "contact": "other",
    "poll": "other",
    "dice": "other",
    "game": "other",
    "checklist": "other",
}
COMMAND = re.compile(r"/([A-Za-z0-9_]{1,32})(?:@(\w+))?(?:\s+(.*))?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Me:
    """The bot's own account."""

    id: int
    username: str
    hears_all: bool = False  # privacy mode is off


@dataclass(frozen=True, slots=True)
class Said:
    """A person wrote something. `to_us`: in a group, it is meant for the bot. `other`: it holds what we cannot read."""

    incoming: Incoming
    to_us: bool
    other: Other = ""
    edited: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """A person gave a command. `under`: our id of the message whose answer it replied to."""

    command: str
    rest: str
    incoming: Incoming
    under: int | None = None


@dataclass(frozen=True, slots=True)
class Pressed:
    """A person pressed a button under the bot's message with Telegram's number `message`."""

    id: str
    data: str
    person: Person
    chat: Chat
    message: int

    @property
    def here(self) -> Conversation:
        return Conversation(self.chat, self.person)


@dataclass(frozen=True, slots=True)
class Moved:
    """Somebody let the bot into a group, or out of it."""

    chat: Chat
    person: Person
    here: bool


Event = Said | Asked | Pressed | Moved


def read(update: Any, me: Me, language: Language = "ko") -> Event | None:
    """What an update means; None when it means nothing to us. `language`: where a person's own is not known."""
    if not isinstance(update, Mapping):
        return None
    for kind in ("message", "edited_message"):
        if message := _table(update, kind):
            return _message(message, me, language, edited=kind == "edited_message")
    if query := _table(update, "callback_query"):
        return _pressed(query, language)
    if change := _table(update, "my_chat_member"):
        return _moved(change, language)
    return None


def chat_of(update: Any) -> int | None:
    """Telegram's number of the chat that an update is about, if it is about one."""
    for content in update.values() if isinstance(update, Mapping) else ():
        if isinstance(content, Mapping):
            chat = _table(content, "chat") or _table(_table(content, "message") or {}, "chat") or {}
            return _whole(chat, "id")
    return None


def address(chat: str) -> tuple[int, int | None]:
    """Telegram's numbers of one of our chats: the chat and, in a forum, the topic."""
    number, _, thread = chat.partition("/")
    return int(number), int(thread) if thread else None


def _message(message: Mapping[str, Any], me: Me, language: Language, *, edited: bool) -> Event | None:
    chat, person, number = _chat(message), _person(message, language), _whole(message, "message_id")
    if chat is None or person is None or number is None:
        return None
    text = _text(message, "text") or _text(message, "caption")
    other = next((word for field, word in OTHERS.items() if field in message), "")
    if (not text and not other) or message.get("is_automatic_forward") is True:
        return None  # a service message, or a channel's post that Telegram copies into its group
    if command := COMMAND.fullmatch(text):
        return _command(command, message, me, Incoming(chat, person, str(number), text, _moment(message)), edited)
    named = _without_name(text, me)
    answered = _table(message, "reply_to_message")
    to_bot = answered is not None and _whole(_table(answered, "from") or {}, "id") == me.id
    reply_to = _whole(answered, "message_id") if answered else None
    incoming = Incoming(chat, person, str(number), named, _moment(message), str(reply_to) if reply_to else None)
    to_us = chat.kind == "direct" or to_bot or named != text
    return Said(incoming, to_us, other, edited)  # type: ignore[arg-type]


def _command(
    found: re.Match[str], message: Mapping[str, Any], me: Me, incoming: Incoming, edited: bool
) -> Asked | None:
    name, to, rest = found.groups()
    if edited or (to and to.lower() != me.username.lower()):
        return None
    return Asked(name.lower(), (rest or "").strip(), incoming, _under(_table(message, "reply_to_message") or {}))


def _under(answered: Mapping[str, Any]) -> int | None:
    """Which message of a person the bot's message answers: its buttons say so."""
    rows = (_table(answered, "reply_markup") or {}).get("inline_keyboard")
    for row in rows if isinstance(rows, list) else ():
        for button in row if isinstance(row, list) else ():
            data = _text(button, "callback_data") if isinstance(button, Mapping) else ""
            if found := re.fullmatch(r"(?:again|stop):(\d{1,18}):", data):
                return int(found[1])
    return None


def _pressed(query: Mapping[str, Any], language: Language) -> Pressed | None:
    person, message = _person(query, language), _table(query, "message") or {}
    identity, data = _text(query, "id"), _text(query, "data")
    chat, number = _chat(message), _whole(message, "message_id")
    if person is None or not identity or chat is None or number is None:
        return None
    return Pressed(identity, data, person, chat, number)


def _moved(change: Mapping[str, Any], language: Language) -> Moved | None:
    chat, person = _chat(change), _person(change, language)
    before, now = (_is_in(_table(change, field)) for field in ("old_chat_member", "new_chat_member"))
    if chat is None or person is None or chat.kind == "direct" or before == now:
        return None
    return Moved(chat, person, now)


def _is_in(member: Mapping[str, Any] | None) -> bool:
    status = (member or {}).get("status")
    return status in ("creator", "administrator", "member") or (
        status == "restricted" and (member or {}).get("is_member") is True
    )


def _chat(message: Mapping[str, Any]) -> Chat | None:
    chat = _table(message, "chat") or {}
    number, kind = _whole(chat, "id"), chat.get("type")
    thread = _whole(message, "message_thread_id") if message.get("is_topic_message") is True else None
    here = f"{number}/{thread}" if thread else str(number)
    if number and kind == "private":
        return Chat(PLATFORM, here)
    if number and kind in ("group", "supergroup"):
        return Chat(PLATFORM, here, str(number), "group")
    return None  # channels, and what nobody knows yet


def _person(message: Mapping[str, Any], language: Language) -> Person | None:
    sender = _table(message, "from") or {}
    number = _whole(sender, "id")
    if not number or sender.get("is_bot") is not False:
        return None
    locale = pick(_text(sender, "language_code") or None, language)
    return Person(PLATFORM, str(number), _text(sender, "first_name"), locale)


def _without_name(text: str, me: Me) -> str:
    if not me.username:
        return text
    found = re.sub(rf"(?<!\w)@{re.escape(me.username)}(?!\w)", " ", text, flags=re.IGNORECASE)
    return found.strip() if found != text else text


def _moment(message: Mapping[str, Any]) -> datetime:
    date = _whole(message, "date")
    try:
        return datetime.fromtimestamp(date or 0, UTC) if date else datetime.now(UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.now(UTC)


def _table(of: Mapping[str, Any], field: str) -> Mapping[str, Any] | None:
    value = of.get(field)
    return value if isinstance(value, Mapping) else None


def _text(of: Mapping[str, Any], field: str) -> str:
    value = of.get(field)
    return value if isinstance(value, str) else ""


def _whole(of: Mapping[str, Any], field: str) -> int | None:
    value = of.get(field)
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63 else None
