"""Texts that wait in memory until the person agrees: ten minutes at most, a few a person, and never on disk."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from bot.types import Chat, Incoming, Person

EACH = 8
TOTAL = 1_000


class Held:
    """`keep_s`: how long a text waits before it is dropped."""

    def __init__(self, keep_s: float) -> None:
        self._keep_s = keep_s
        self._waiting: list[Incoming] = []

    def has(self, incoming: Incoming) -> bool:
        """Is it held already? A page sends a message once more after a lost connection."""
        ours = incoming.chat, incoming.person, incoming.message_id
        return any((one.chat, one.person, one.message_id) == ours for one in self._waiting)

    def add(self, incoming: Incoming) -> bool:
        """Hold a message; False when there is no room for it."""
        mine = [one for one in self._waiting if one.person == incoming.person]
        if len(mine) >= EACH or len(self._waiting) >= TOTAL or not self._keep_s:
            return False
        self._waiting.append(incoming)
        asyncio.get_running_loop().call_later(self._keep_s, self._drop, incoming)
        return True

    def replace(self, incoming: Incoming) -> bool:
        """Hold the new text of a message that is held; False when it is not."""
        for at, one in enumerate(self._waiting):
            if (one.chat, one.person, one.message_id) == (incoming.chat, incoming.person, incoming.message_id):
                self._waiting[at] = incoming
                asyncio.get_running_loop().call_later(self._keep_s, self._drop, incoming)
                return True
        return False

    def drop(self, chat: Chat, message_id: str) -> None:
        """The person deleted it."""
        self._waiting = [one for one in self._waiting if (one.chat, one.message_id) != (chat, message_id)]

    def take(self, person: Person, chat: Chat | None = None) -> list[Incoming]:
        """What a person has said (in one chat), oldest first; it is held no more."""
        mine = [one for one in self._waiting if one.person == person and (chat is None or one.chat.id == chat.id)]
        self._waiting = [one for one in self._waiting if one not in mine]
        return mine

    def _drop(self, incoming: Incoming) -> None:
        with suppress(ValueError):
            self._waiting.remove(incoming)
