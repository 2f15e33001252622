"""Letters: what the browser's script sends, and the texts among them that wait for the person's consent."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from typing import Any

from nicegui import Client

from plugins.platforms.web.pages.exchange import ExchangeView


@dataclass(frozen=True, slots=True)
class Letter:
    """`length` is that of the text in the browser, which keeps one to itself that is too long to be sent."""

    key: str
    text: str
    length: int

    @classmethod
    def of(cls, args: Any) -> Letter:
        """What the script sent, as far as it is what our script sends."""
        given = args if isinstance(args, dict) else {}
        text, length = str(given.get("text") or ""), given.get("length")
        key = str(given.get("key") or uuid.uuid4().hex)[:64]
        return cls(key, text, length if isinstance(length, int) else len(text))


class Outbox:
    """The tab's outbox, as seen from here: a letter stays in it until we say that it was taken or refused."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._held: dict[str, ExchangeView] = {}

    @property
    def holds(self) -> bool:
        """Does a text wait for consent?"""
        return bool(self._held)

    def has(self, letter: Letter) -> bool:
        """Does this very text wait for consent?"""
        return letter.key in self._held

    def taken(self, letter: Letter) -> None:
        self._tell("taken", letter.key)

    def refused(self, letter: Letter) -> None:
        """It goes back into the field."""
        self._tell("refused", letter.key)

    def hold(self, letter: Letter, view: ExchangeView) -> None:
        """It waits in memory for consent; in the tab it stays, too."""
        self._held[letter.key] = view

    def expire(self, letter: Letter) -> None:
        """It has waited long enough: it is only in the field again."""
        if view := self._held.pop(letter.key, None):
            view.root.delete()
            self.refused(letter)

    def drop(self, *, lost: bool) -> None:
        """What waited is shown no more. `lost`: nobody has taken it, so it goes back into the field."""
        for key, view in self._held.items():
            view.root.delete()
            self._tell("refused" if lost else "taken", key)
        self._held.clear()

    def _tell(self, what: str, key: str) -> None:
        self._client.run_javascript(f"maum.{what}({json.dumps(key)})")
