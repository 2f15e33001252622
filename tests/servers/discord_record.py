"""The local Discord's own record of everything a client did, from which losses and doubles are counted without
asking the client's tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "sent",  # a new message stands in a channel
    "edited",
    "deleted",
    "typing",
    "again",  # a send whose nonce was known: no new message
    "responded",  # the first answer to an interaction
    "identify",
    "resume",
    "refused",  # a request or payload against the rules; `why` says which
    "limited",  # a 429
    "inside_ban",  # a request although its bucket was to be left alone until later
]


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing a client did. `pings` says that a text would have rung everybody, or a whole role."""

    kind: Kind
    at: float
    channel: int = 0
    message: int = 0
    answers: int = 0
    content: str = ""
    nonce: str = ""
    interaction: int = 0
    why: str = ""
    pings: bool = False


class Record:
    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.listeners: list[Callable[[], None]] = []

    def add(self, entry: Entry) -> None:
        self.entries.append(entry)
        for listener in self.listeners:
            listener()

    def of(self, *kinds: Kind) -> list[Entry]:
        return [entry for entry in self.entries if entry.kind in kinds]

    def history(self, message: int) -> list[str]:
        """Every content a message ever had, oldest first."""
        return [entry.content for entry in self.of("sent", "edited") if entry.message == message]

    def answered(self, message: int) -> int:
        """How many messages that are still there answer a person's message."""
        gone = {entry.message for entry in self.of("deleted")}
        return sum(entry.answers == message and entry.message not in gone for entry in self.of("sent"))

    def doubled(self) -> dict[int, int]:
        """Messages of people with more than one answer that is still there."""
        gone = {entry.message for entry in self.of("deleted")}
        counts = Counter(entry.answers for entry in self.of("sent") if entry.answers and entry.message not in gone)
        return {message: count for message, count in counts.items() if count > 1}

    @property
    def mass_mentions(self) -> int:
        return sum(entry.pings for entry in self.entries)
