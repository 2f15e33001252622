"""From Discord's users and channels to ours, and in which language to speak to whom."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from bot.locale import pick
from bot.types import Chat, Language, Person

if TYPE_CHECKING:
    from bot.app import App

MAX_KEPT = 10_000


class Languages:
    """Discord tells a person's language with each interaction, and never with a message: it is remembered meanwhile."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._known: OrderedDict[int, Language] = OrderedDict()

    def note(self, user: int, locale: str) -> Language:
        language = self._known[user] = pick(locale, self._app.settings.language)
        self._known.move_to_end(user)
        if len(self._known) > MAX_KEPT:
            self._known.popitem(last=False)
        return language

    def forget(self, user: int) -> None:
        self._known.pop(user, None)

    async def of(self, user: int, chat: Chat) -> Language:
        """A person's own language if it is known, else that of the place."""
        if user in self._known:
            return self._known[user]
        return (await self._app.spaces.at(chat)).language or self._app.settings.language


def chat_of(channel: Any, guild: int | None) -> Chat:
    """A direct chat, a channel or a thread: each has a history of its own."""
    if guild is None:
        return Chat("discord", str(channel))
    return Chat("discord", str(channel), str(guild), "group")


def person_of(user: Any, language: Language) -> Person:
    return Person("discord", str(user.id), str(user.display_name), language)
