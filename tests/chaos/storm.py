"""A bot that is killed (kill -9) again and again while people talk to it. What got lost, and what was said twice?

Counted from what the platform's own server saw, never from the bot's tables. `python -m tests.chaos` is the long form.
"""

from __future__ import annotations

import asyncio
import random
import sqlite3
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from tests.chaos.parts import END

PHASES = ("start", "ingest", "classify", "reply", "send")
JITTER_S = {"start": 1.5, "ingest": 0.03, "classify": 0.03, "reply": 0.15, "send": 0.02}
WAIT_S = 60.0  # how long a person waits for an answer before it counts as lost
LETTERS = str.maketrans("0123456789", "abcdefghij")
DYING_S = 2.0  # a killed bot is gone by then, and so is all that it had asked
PHASE_S = 10.0  # how long we wait for the bot to come to a phase


class Surface(Protocol):
    """A platform's local server with people on it, and the bot that is pointed at it."""

    name: str

    def say(self, person: int, text: str) -> None:
        """Person number `person` writes in their chat."""

    def shown(self, person: int) -> Sequence[str]:
        """The texts of the bot's messages that stand in that person's chat."""

    @property
    def strays(self) -> int:
        """How many placeholders stand there for good."""

    @property
    def sent(self) -> int:
        """How many messages and edits the bot has sent so far."""

    @property
    def violations(self) -> int:
        """How often the bot spoke where it had been told to wait."""

    async def start(self, *, ready: bool = False) -> None:
        """Start the bot; `ready`: wait until it hears."""

    async def kill(self) -> None: ...

    async def stop(self) -> int: ...

    @property
    def database(self) -> Path: ...


@dataclass
class Toll:
    """What it cost."""

    messages: int = 0
    kills: Counter[str] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    strays: int = 0
    broken: int = 0
    violations: int = 0
    seconds: float = 0.0

    def row(self, name: str) -> str:
        """One row of the table in docs/reliability.md."""
        phases = ", ".join(f"{phase} {self.kills[phase]}" for phase in PHASES)
        kills = sum(self.kills.values())
        cells = (name, kills, phases, self.messages, len(self.lost), len(self.doubled), self.strays, self.broken)
        return f"| {' | '.join(map(str, (*cells, self.violations)))} | {self.seconds:.0f} s |"


class Signals(asyncio.DatagramProtocol):
    """Where the bot says it is."""

    def __init__(self) -> None:
        self.seen: Counter[str] = Counter()

    def datagram_received(self, data: bytes, addr: object) -> None:
        self.seen[data.decode()] += 1


class Storm:
    def __init__(
        self, surface: Surface, signals: Signals, *, people: int, messages: int, kills: int, seed: int
    ) -> None:
        self._surface = surface
        self._signals = signals
        self._people = people
        self._messages = messages
        self._kills = kills
        self._dice = random.Random(seed)
        self._said: dict[int, list[str]] = {person: [] for person in range(people)}
        self._next = 0
        self.toll = Toll()

    async def rage(self) -> Toll:
        """Let everybody talk, kill the bot `kills` times, let it end its work, and count."""
        began = time.monotonic()
        await self._surface.start(ready=True)
        talking = [asyncio.create_task(self._talk(person)) for person in range(self._people)]
        await self._know_everybody()
        await self._kill_them()
        await asyncio.gather(*talking)
        await self._surface.stop()
        self._count()
        self.toll.seconds = time.monotonic() - began
        return self.toll

    async def _talk(self, person: int) -> None:
        """One person: one thought, now and then in two lines, and the next one when it is answered."""
        while self._next < self._messages or sum(self.toll.kills.values()) < self._kills:
            marks = [self._mark() for _ in range(1 + (self._dice.random() < 0.2))]
            for mark in marks:
                self._said[person].append(mark)
                self._surface.say(person, f"{mark} 점심에 국수 먹었어")
            with suppress(TimeoutError):
                async with asyncio.timeout(WAIT_S):
                    while not all(self._answers(person, mark) for mark in marks):
                        await asyncio.sleep(0.05)
            await asyncio.sleep(self._dice.random() * 0.5)

    async def _know_everybody(self) -> None:
        """Nobody tells a bot of a chat it has never seen: each person has had one answer before the first kill."""
        async with asyncio.timeout(WAIT_S):
            while not all(marks and self._answers(person, marks[0]) for person, marks in self._said.items()):
                await asyncio.sleep(0.05)

    def _mark(self) -> str:
        """In letters: no answer may say the number of a help line that is no more (bot/care.py)."""
        self._next += 1
        return "t" + f"{self._next:05d}".translate(LETTERS)

    def _answers(self, person: int, mark: str) -> int:
        return sum(mark in text and END in text for text in self._surface.shown(person))

    async def _kill_them(self) -> None:
        for number in range(self._kills):
            phase = PHASES[number % len(PHASES)]
            await self._come_to(phase)
            await asyncio.sleep(self._dice.random() * JITTER_S[phase])
            await self._surface.kill()
            self.toll.kills[phase] += 1
            self.toll.broken += not is_whole(self._surface.database)
            await self._surface.start()

    async def _come_to(self, phase: str) -> None:
        if phase == "start":
            return
        before = self._seen(phase)
        with suppress(TimeoutError):
            async with asyncio.timeout(PHASE_S):
                while self._seen(phase) == before:
                    await asyncio.sleep(0.001)

    def _seen(self, phase: str) -> int:
        return {"ingest": self._next, "send": self._surface.sent}.get(phase, self._signals.seen[phase])

    def _count(self) -> None:
        toll = self.toll
        toll.messages = self._next
        toll.violations = self._surface.violations
        toll.strays = self._surface.strays
        for person, marks in self._said.items():
            answers = [self._answers(person, mark) for mark in marks]
            toll.lost += [mark for mark, count in zip(marks, answers, strict=True) if count == 0]
            toll.doubled += [mark for mark, count in zip(marks, answers, strict=True) if count > 1]


def is_whole(database: Path) -> bool:
    """Does the database of a killed bot open whole?"""
    if not database.exists():
        return True
    with closing(sqlite3.connect(database)) as connection:
        return bool(connection.execute("PRAGMA quick_check").fetchone() == ("ok",))
