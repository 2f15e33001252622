"""One verdict per message, before anything of it is kept: is there a text, consent, and is it not too fast?

Pure but for the rate limit's memory; the crisis path will stand before the limits here.
"""

from __future__ import annotations

import math
from collections.abc import Set

from bot.errors import Refusal
from bot.rate_limit import RateLimit
from bot.types import Incoming


class Gate:
    def __init__(self, rate_limit: RateLimit, max_chars: int) -> None:
        self._rate_limit = rate_limit
        self._max_chars = max_chars

    def refusal(self, incoming: Incoming, scopes: Set[str]) -> Refusal | None:
        """Why this message is not taken, or None when it is."""
        length = len(incoming.text)
        if not incoming.text.strip():
            return Refusal("empty")
        if length > self._max_chars:
            return Refusal("too_long", limit=self._max_chars, length=length)
        if "talk" not in scopes:
            return Refusal("consent_required")
        if wait := self._rate_limit.wait_s(incoming.person):
            return Refusal("limited", seconds=math.ceil(wait))
        return None
