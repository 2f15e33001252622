"""One verdict per message, before anything of it is kept: is there a text, consent, and is it not too fast?

Of a message that is taken, answering asks first whether a life is in danger (bot/core.py); of one that is refused, the
door does, so that nobody in danger is sent away without a word. Pure but for the rate limit's memory.
"""

from __future__ import annotations

import math
from collections.abc import Set

from bot.care import Care, Finding
from bot.errors import Refusal
from bot.rate_limit import RateLimit
from bot.types import Incoming, Person


class Gate:
    def __init__(self, care: Care, rate_limit: RateLimit, max_chars: int) -> None:
        self._care = care
        self._rate_limit = rate_limit
        self._max_chars = max_chars

    def finding(self, incoming: Incoming) -> Finding | None:
        """What the crisis path says of the message by itself."""
        finding = self._care.find([incoming.text])
        return None if finding.level == "none" else finding

    def refusal(self, incoming: Incoming, scopes: Set[str], *, paced: bool = True) -> Refusal | None:
        """Why this message is not taken, or None when it is. Where it is not `paced` it is never too fast."""
        length = len(incoming.text)
        if not incoming.text.strip():
            return Refusal("empty")
        if length > self._max_chars:
            return Refusal("too_long", limit=self._max_chars, length=length)
        if "talk" not in scopes:
            return Refusal("consent_required")
        if paced and (wait := self._rate_limit.wait_s(incoming.person)):
            return Refusal("limited", seconds=math.ceil(wait))
        return None

    def forget(self, person: Person) -> None:
        """Remember nothing of a person any more."""
        self._rate_limit.forget(person)
        self._care.forget()
