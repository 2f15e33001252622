"""How often a bot may speak. FAQ (“My bot is hitting limits”): one message a second in a chat, short bursts allowed;
20 a minute in a group; about 30 a second overall. The exact figures are not published; these are the published ones,
with a burst of three. Edits count: clients are seen to be refused for edits alone.
"""

from __future__ import annotations

import math
import time
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.servers.telegram_rules import ApiError

BURST = 3
GROUP_PER_MINUTE = 20
OVERALL_PER_SECOND = 30


@dataclass
class Flood:
    """`violations` counts calls made while the bot had been told to wait in that chat. `on` False lifts the limits."""

    on: bool = True
    violations: int = 0
    clock: Callable[[], float] = time.monotonic
    _sent: defaultdict[int, deque[float]] = field(default_factory=lambda: defaultdict(deque))
    _overall: deque[float] = field(default_factory=deque)
    _banned_until: dict[int, float] = field(default_factory=dict)
    _banned_at: dict[int, float] = field(default_factory=dict)

    def count(self, chat: int, *, group: bool) -> None:
        """One message or edit more.

        Raises:
            ApiError: 429 with the seconds to wait.
        """
        now = self.clock()
        if now < self._banned_until.get(chat, 0.0):
            self.violations += 1
            self.ban(chat, self._banned_until[chat] - now)
        if not self.on:
            return
        wait_s = self._wait_s(chat, now, group=group)
        if wait_s > 0:
            self.ban(chat, wait_s)
        self._sent[chat].append(now)
        self._overall.append(now)

    def ban(self, chat: int, seconds: float) -> None:
        """Refuse everything in a chat for a while.

        Raises:
            ApiError: always (API ResponseParameters.retry_after: whole seconds).
        """
        wait_s = max(1, math.ceil(seconds))
        self._banned_at[chat] = self.clock()
        self._banned_until[chat] = self.clock() + wait_s
        raise ApiError(429, f"Too Many Requests: retry after {wait_s}", retry_after=wait_s)

    def take_back(self, since: float) -> None:
        """Lift the bans spoken from then on: who was told of them died before the answer can have been read."""
        self._banned_until = {c: until for c, until in self._banned_until.items() if self._banned_at[c] < since}

    def _wait_s(self, chat: int, now: float, *, group: bool) -> float:
        sent = self._sent[chat]
        while sent and sent[0] < now - 60:
            sent.popleft()
        while self._overall and self._overall[0] < now - 1:
            self._overall.popleft()
        waits = [0.0]
        if len(self._overall) >= OVERALL_PER_SECOND:
            waits.append(self._overall[0] + 1 - now)
        if group and len(sent) >= GROUP_PER_MINUTE:
            waits.append(sent[-GROUP_PER_MINUTE] + 60 - now)
        if len(sent) >= BURST:  # no more than BURST in any BURST seconds: one a second with short bursts
            waits.append(sent[-BURST] + BURST - now)
        return max(waits)
