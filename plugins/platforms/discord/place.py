"""Where an answer stands on Discord, as the text that delivery keeps for it."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

EPOCH_MS = 1_420_070_400_000  # reference#snowflakes
TOKEN_S = 14.5 * 60  # an interaction's token is good for 15 minutes (receiving-and-responding#followup-messages)


@dataclass(frozen=True, slots=True)
class Place:
    """A channel, the ids of the message's parts, and the token of the interaction it answers, if any.

    `until` is when the token ends, in seconds since 1970. `edition` counts how often parts were taken away: what is
    added later is another message than the one that stood there before.
    """

    channel: int
    parts: tuple[int, ...] = ()
    token: str = ""
    until: int = 0
    edition: int = 0

    @classmethod
    def of_interaction(cls, channel: int, token: str) -> Place:
        return cls(channel, (), token, int(time.time() + TOKEN_S))

    def encode(self) -> str:
        return json.dumps([self.channel, self.parts, self.token, self.until, self.edition], separators=(",", ":"))

    @classmethod
    def decode(cls, handle: str) -> Place:
        channel, parts, token, until, edition = json.loads(handle)
        return cls(channel, tuple(parts), token, until, edition)

    @property
    def open_token(self) -> str:
        """The token while it is good, else nothing."""
        return self.token if time.time() < self.until else ""

    def with_parts(self, parts: Sequence[int]) -> Place:
        fewer = len(parts) < len(self.parts)
        return replace(self, parts=tuple(parts), edition=self.edition + fewer)


def age_s(snowflake: int) -> float:
    """How long ago Discord gave out an id."""
    return time.time() - ((snowflake >> 22) + EPOCH_MS) / 1000
