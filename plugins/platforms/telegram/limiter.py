"""How often we speak in a chat: Telegram's published pace, and its word when it tells us to wait.

Bots FAQ (core.telegram.org/bots/faq): one message a second in a chat with short bursts, 20 a minute in a group, about
30 a second overall. The true limits are not published, so whoever is refused waits as long as told. A refusal counts
for its chat only, never for the others. In a chat we say one thing at a time: what is already on its way when a
refusal comes back would break it.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from plugins.platforms._bans import Bans

MINUTE_S = 61.0  # a second more than theirs: clocks and lines differ
GROUP_A_MINUTE = 19
BURST, BURST_S = 3, 3.15
OVERALL, OVERALL_S = 27, 1.0
STEP_S, GROUP_STEP_S = 1.05, 3.05  # between two steps of an answer that is being written
STEPS_A_MINUTE = 9  # the rest of a group's minute is for answers and buttons
MANY = 5_000  # chats remembered before those that have been quiet are dropped


@dataclass
class _Pace:
    """What was said in one chat, by time. `edited`: the last edit of a text. `until`: Telegram wants silence."""

    said: deque[float] = field(default_factory=deque)
    edited: float = -MINUTE_S
    until: float = 0.0
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


class Limiter:
    """One per bot. Chats are Telegram's own numbers; groups are the negative ones.

    `pace`: how many times faster than published, for a server that is not Telegram's own. `bans`: what earlier
    processes were told.
    """

    def __init__(
        self,
        pace: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        bans: Bans | None = None,
    ) -> None:
        self._pace = pace
        self._now = clock
        self._sleep = sleep
        self._paces: defaultdict[int, _Pace] = defaultdict(_Pace)
        self._overall: deque[float] = deque()
        self._bans = bans or Bans()
        for chat, seconds in self._bans.left_s().items():
            self._silence(int(chat), seconds)

    def __len__(self) -> int:
        """How many chats are remembered."""
        return len(self._paces)

    @asynccontextmanager
    async def turn(self, chat: int, *, edit: bool = False) -> AsyncIterator[None]:
        """Wait for a turn to say something that must be said, and say it inside; first come, first served.

        Args:
            edit: it changes a text that stands there, which a group sees no more than every three seconds.
        """
        pace = self._paces[chat]
        async with pace.turn:
            while (rest_s := self._rest_s(chat, pace, edit=edit)) > 0:  # a refusal meanwhile moves the end
                await self._sleep(rest_s / self._pace)
            self._note(pace, edit=edit)
            try:
                yield
            finally:
                if edit:
                    self._edited(pace)
        self._forget_the_quiet()

    @asynccontextmanager
    async def step(self, chat: int) -> AsyncIterator[bool]:
        """May a step of a growing answer be shown right now, inside? Steps never wait and never crowd out."""
        if not self._may_step(chat):
            yield False
            return
        pace = self._paces[chat]
        async with pace.turn:  # it is free: nobody waits here
            try:
                yield True
            finally:
                self._edited(pace)

    def _edited(self, pace: _Pace) -> None:
        """Telegram has answered: the edit came there before this, however late it came, and the next one keeps away."""
        pace.edited = self._clock()

    def refused(self, chat: int, seconds: float) -> None:
        """Telegram said to wait in this chat. To be called inside the turn or step that was refused."""
        self._bans.add(str(chat), seconds)
        self._silence(chat, seconds)

    def _silence(self, chat: int, seconds: float) -> None:
        pace = self._paces[chat]
        pace.until = max(pace.until, self._clock() + seconds * self._pace)

    def _may_step(self, chat: int) -> bool:
        pace = self._paces[chat]
        now, group = self._clock(), chat < 0
        last = pace.said[-1] if pace.said else -MINUTE_S
        if (
            pace.turn.locked()
            or self._rest_s(chat, pace, edit=True) > 0
            or now - last < (GROUP_STEP_S if group else STEP_S)
        ):
            return False
        if group and len(pace.said) >= STEPS_A_MINUTE:
            return False
        self._note(pace, edit=True)
        return True

    def _clock(self) -> float:
        return self._now() * self._pace

    def _rest_s(self, chat: int, pace: _Pace, *, edit: bool) -> float:
        now, said = self._clock(), pace.said
        while said and said[0] <= now - MINUTE_S:
            said.popleft()
        while self._overall and self._overall[0] <= now - OVERALL_S:
            self._overall.popleft()
        ends = [pace.until]
        if edit and chat < 0:
            ends.append(pace.edited + GROUP_STEP_S)
        if len(said) >= BURST:
            ends.append(said[-BURST] + BURST_S)
        if chat < 0 and len(said) >= GROUP_A_MINUTE:
            ends.append(said[-GROUP_A_MINUTE] + MINUTE_S)
        if len(self._overall) >= OVERALL:
            ends.append(self._overall[0] + OVERALL_S)
        return max(ends) - now

    def _note(self, pace: _Pace, *, edit: bool) -> None:
        now = self._clock()
        if edit:
            pace.edited = now
        pace.said.append(now)
        self._overall.append(now)

    def _forget_the_quiet(self) -> None:
        if len(self._paces) <= MANY:
            return
        now = self._clock()
        for chat, pace in list(self._paces.items()):
            idle = not pace.said or pace.said[-1] <= now - MINUTE_S
            if idle and pace.until <= now and not pace.turn.locked():
                del self._paces[chat]
