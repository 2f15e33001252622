"""How Maum behaves in a place, as its moderators (in a direct chat: its person) set it, with a history of changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from bot.contracts import Platform
from bot.errors import Refusal
from bot.locale import LANGUAGES, words
from bot.types import Chat, Language, Person, Strategy
from storage.people import People
from storage.retention import KINDS
from storage.spaces import Change, SpaceSettings

Key = Literal["persona", "language", "strategy", "channels", "texts_days", "tags_days"]
KEYS: tuple[Key, ...] = get_args(Key)
OWN_KEYS: tuple[Key, ...] = ("persona", "language", "strategy")  # what a person can set in a direct chat
PERSONAS = ("friend", "calm", "cheerful", "senior")  # [persona] of the locale; in a server also words of its own
MAX_PERSONA, MAX_DAYS, MAX_CHANNELS = 500, 3_650, 200
DEFAULT = ("", "-", "default", "기본")


@dataclass(frozen=True, slots=True)
class Place:
    """What is set in a place; None or empty: as the configuration says."""

    persona: str = ""  # one of PERSONAS, or a text
    language: Language | None = None
    strategy: Strategy | None = None
    channels: frozenset[str] = frozenset()  # where every message is heard, not only those to the bot


def place_of(chat: Chat) -> str:
    return f"{chat.platform}:{chat.space_id or chat.id}"


class Spaces:
    def __init__(self, settings: SpaceSettings, people: People, platforms: Mapping[str, Platform]) -> None:
        self._settings = settings
        self._people = people
        self._platforms = platforms

    async def at(self, chat: Chat) -> Place:
        """What holds in a chat now."""
        found = await self._settings.of(place_of(chat))
        return Place(
            persona=found.get("persona") or "",
            language=found.get("language"),
            strategy=found.get("strategy"),
            channels=frozenset(found.get("channels") or ()),
        )

    async def change(self, chat: Chat, key: str, value: str, by: Person) -> object:
        """Set a key for the place a chat belongs to; an empty value or "default" takes the setting back.

        `channels` is a list with commas; a channel with a minus before it is taken out of the present list.

        Returns:
            The value as it is kept.

        Raises:
            Refusal: "not_moderator", "unknown_setting" or "bad_setting".
        """
        await self.authorise(chat, by)
        if key not in (KEYS if chat.space_id else OWN_KEYS):
            raise Refusal("unknown_setting", key=key[:40], keys=", ".join(KEYS if chat.space_id else OWN_KEYS))
        plain = value.strip()
        kept = None if plain.lower() in DEFAULT else await self._checked(chat, key, plain)
        await self._settings.put(place_of(chat), key, kept, self._people.alias(by))
        return kept

    async def undo(self, chat: Chat, by: Person) -> Change:
        """Take the last change back (which is a change, too); returns the state it is now in.

        Raises:
            Refusal: "not_moderator", or "nothing_to_undo".
        """
        await self.authorise(chat, by)
        changes = [change for change in await self._settings.history(place_of(chat), 200) if change.key in KEYS]
        if not changes:
            raise Refusal("nothing_to_undo")
        last = changes[0]
        before = next((change.value for change in changes[1:] if change.key == last.key), None)
        await self._settings.put(place_of(chat), last.key, before, self._people.alias(by))
        return Change(last.key, before, last.at, last.who)

    async def history(self, chat: Chat, by: Person, limit: int = 10) -> list[Change]:
        """The last changes, newest first. Raises Refusal("not_moderator")."""
        await self.authorise(chat, by)
        return await self._settings.history(place_of(chat), limit)

    async def authorise(self, chat: Chat, by: Person) -> None:
        """A direct chat is its person's own; a server's settings are its moderators'.

        Raises:
            Refusal: "not_moderator".
        """
        platform = self._platforms.get(chat.platform)
        if not chat.space_id:
            return
        if by.platform != chat.platform or platform is None or not await platform.may_moderate(by, chat.space_id):
            raise Refusal("not_moderator")

    async def _checked(self, chat: Chat, key: str, value: str) -> Any:
        match key:
            case "language" if value in LANGUAGES:
                return value
            case "strategy" if value in get_args(Strategy):
                return value
            case "persona":
                return _persona(value, own_words=chat.space_id is not None)
            case "channels":
                return _channels(value, (await self._settings.of(place_of(chat))).get("channels") or [])
            case _ if key in KINDS and value.isdecimal() and 1 <= int(value) <= MAX_DAYS:
                return int(value)
        raise Refusal("bad_setting", key=key, value=value[:40], allowed=_allowed(key))


def _persona(value: str, *, own_words: bool) -> str:
    for persona in PERSONAS:
        names = {persona, *(words(language)["persona"][f"{persona}_name"].lower() for language in LANGUAGES)}
        if value.lower() in names:
            return persona
    if not own_words or len(value) > MAX_PERSONA:
        raise Refusal("bad_setting", key="persona", value=value[:40], allowed=_allowed("persona"))
    return value


def _channels(value: str, present: list[str]) -> list[str]:
    chosen = dict.fromkeys(present)
    for part in (part.strip() for part in value.split(",") if part.strip()):
        number = part.lstrip("-<#").rstrip(">")
        if not number.isdecimal():
            raise Refusal("bad_setting", key="channels", value=part[:40], allowed=_allowed("channels"))
        if part.startswith("-"):
            chosen.pop(number, None)
        else:
            chosen[number] = None
    return list(chosen)[:MAX_CHANNELS]


def _allowed(key: str) -> str:
    listed = {"language": LANGUAGES, "strategy": get_args(Strategy), "persona": PERSONAS}
    if key in listed:
        return ", ".join(listed[key])
    return "12345, -12345" if key == "channels" else f"1–{MAX_DAYS}"
