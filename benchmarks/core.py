"""The whole way of a message but for reading and writing: how fast, how steady, and does memory grow?

An instant replier and an instant classifier, everything else as it runs: gate, one commit a step with
`synchronous=FULL`, lanes, screens. Open loop: messages come at a fixed rate whatever becomes of the earlier ones, and
the time of each is counted from the moment it was due. Two processes share the chats, and one database file, as those
do that serve different shards of one Discord bot.
"""

from __future__ import annotations

import asyncio
import os
import random
import resource
import statistics
import tempfile
import time
from collections.abc import AsyncGenerator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path
from threading import Barrier

from benchmarks._page import conditions, table
from bot import emotions, event_loop
from bot.__main__ import build
from bot.app import App
from bot.config import Settings
from bot.contracts import Classifier, Platform, Replier
from bot.types import Chat, Chunk, Incoming, Outgoing, Person, Prompt, Scores, Text

RATES, SECONDS, CHATS = "1x120,1x150,1x180,2x240,2x300", 60.0, 500
WORDS = ("오늘은", "조금", "힘들었는데", "그래도", "친구랑", "이야기해서", "괜찮아졌어", "내일은", "더", "나을까")
SETTINGS = {
    "classifier": {"use": "benchmarks.core:Instant"},
    "replier": {"use": ["benchmarks.core:Ready"], "closed_loop": False},
    "platforms": {"use": ["benchmarks.core:Clock"]},
    "consent": {"default": "trusted"},
    "delivery": {"burst_s": 0.0, "workers": 64, "queue": 100_000},
    "limits": {"per_minute": 1_000_000, "burst": 1_000_000},
}
START_S = 60.0  # how long a process waits for the others to be ready
PLATFORM = "benchmarks.core:Clock"


class Instant(Classifier):
    """Reads everything as neutral, at once."""

    def __init__(self) -> None:
        labels = emotions.label_set("maum")
        rest = 0.1 / (len(labels) - 1)
        self._scores = Scores(labels, tuple(0.9 if label == emotions.NEUTRAL else rest for label in labels))

    @property
    def model(self) -> str:
        return "instant"

    @property
    def labels(self) -> tuple[str, ...]:
        return self._scores.labels

    async def classify(self, texts: Sequence[Text]) -> list[Scores]:
        return [self._scores for _ in texts]


class Ready(Replier):
    """Has its answer ready."""

    async def reply(self, prompt: Prompt) -> AsyncGenerator[Chunk, None]:
        yield Chunk("그랬구나. 더 이야기해 줄래?", finish="stop", model="ready")


@dataclass
class Clock(Platform):
    """Shows nothing, and notes when each message's answer was final. Keeps no snapshot."""

    due: dict[str, float] = field(default_factory=dict)
    took: list[float] = field(default_factory=list)
    notices: int = 0

    async def run(self, app: App) -> None:
        await asyncio.Event().wait()

    async def all_answered(self) -> None:
        while self.due:  # noqa: ASYNC110  # which is the last to be answered is not known before
            await asyncio.sleep(0.01)

    async def show(self, outgoing: Outgoing, handle: str | None) -> str:
        if outgoing.final:
            self.notices += bool(outgoing.notice)
            self.took.append(time.perf_counter() - self.due.pop(outgoing.answers))
        return handle or str(outgoing.message)


@dataclass(frozen=True)
class Result:
    """What one process saw. Seconds, and bytes of memory."""

    sent: int
    took: list[float]
    notices: int
    cpu_s: float
    rss: list[int]


_together: Barrier | None = None


def _begin(together: Barrier) -> None:
    global _together
    _together = together


def run(rate: float, seconds: float, chats: range) -> Result:
    """In a process of its own, which shares its state folder with the others of its row."""
    return event_loop.run(measure(rate, seconds, chats))


async def measure(rate: float, seconds: float, chats: range) -> Result:
    """Send `rate` messages a second for so long, each to one of `chats` conversations at random."""
    async with build(Settings.model_validate(SETTINGS)) as app:
        clock = app.desk.platforms[PLATFORM]
        assert isinstance(clock, Clock)
        await _send(app, clock, rate, min(seconds, 3.0), chats)  # warm up: statements, rows of people
        if _together:
            await asyncio.to_thread(_together.wait, START_S)
        clock.took.clear()
        watching = asyncio.create_task(_memory(rss := []))
        cpu = time.process_time()
        sent = await _send(app, clock, rate, seconds, chats)
        cpu = time.process_time() - cpu
        watching.cancel()
        await app.delivery.drain()
    return Result(sent, clock.took, clock.notices, cpu, rss)


async def _send(app: App, clock: Clock, rate: float, seconds: float, chats: range) -> int:
    chance = random.Random(7)
    start, count = time.perf_counter(), int(rate * seconds)
    receiving = set()
    for number in range(count):
        due = start + number / rate
        if (wait := due - time.perf_counter()) > 0:
            await asyncio.sleep(wait)
        task = asyncio.create_task(app.delivery.receive(message(clock, chance, due, chats)))
        receiving.add(task)
        task.add_done_callback(receiving.discard)
    await clock.all_answered()
    return count


def message(clock: Clock, chance: random.Random, due: float, chats: range) -> Incoming:
    who = str(chance.choice(chats))
    identity = f"{time.monotonic_ns()}-{chance.getrandbits(32)}"
    clock.due[identity] = due
    text = f"{' '.join(chance.choices(WORDS, k=12))} {identity}"  # each is another one, so nothing of it is known
    return Incoming(Chat(PLATFORM, who), Person(PLATFORM, who), identity, text, datetime.now(UTC), lone=True)


async def _memory(into: list[int]) -> None:
    while True:
        into.append(rss())
        await asyncio.sleep(1)


def rss() -> int:
    """Resident memory of this process now, in bytes."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize()


def pace() -> float:
    """How many milliseconds this machine takes now for a million additions in plain Python: the median of nine."""
    took = []
    for _ in range(9):
        start, total = time.perf_counter(), 0
        for number in range(1_000_000):
            total += number
        took.append(time.perf_counter() - start)
    return 1000 * statistics.median(took)


def main() -> str:
    """A table: one row for so many processes and that rate, each in a state folder of its own."""
    load = os.getloadavg()[0]
    seconds = float(os.environ.get("SECONDS", SECONDS))
    asked = [tuple(map(int, row.split("x"))) for row in os.environ.get("RATES", RATES).split(",")]
    rows = [_row(processes, rate, seconds) for processes, rate in asked]
    head = ["processes", "messages/s", "sent", "answered", "p50 ms", "p95 ms", "p99 ms", "longest ms", "CPU ms each"]
    head += ["memory of one, MiB", "a million additions, ms"]
    return f"{conditions(load)}\n\nEach rate for {seconds:g} s over {CHATS} chats.\n\n{table(head, rows)}"


def _row(processes: int, rate: int, seconds: float) -> list[object]:
    before = pace()
    found = _measured(processes, rate, seconds)
    sent = sum(one.sent for one in found)
    took = sorted(time for one in found for time in one.took)
    shares = [took[min(len(took) - 1, int(len(took) * part))] for part in (0.5, 0.95, 0.99)]
    times = [f"{1000 * one:.0f}" for one in (*shares, took[-1])]
    cpu = f"{1000 * sum(one.cpu_s for one in found) / sent:.2f}"
    memory = f"{found[0].rss[0] / 2**20:.0f} → {found[0].rss[-1] / 2**20:.0f}"
    return [processes, rate, sent, len(took), *times, cpu, memory, f"{before:.0f}, {pace():.0f}"]


def _measured(processes: int, rate: int, seconds: float) -> list[Result]:
    context = get_context("spawn")
    with tempfile.TemporaryDirectory() as state:
        os.environ |= {"MAUM_STATE_DIR": state, "MAUM_MASTER_KEY_FILE": f"{state}/key"}
        begin = {"initializer": _begin, "initargs": (context.Barrier(processes),)}
        with ProcessPoolExecutor(processes, mp_context=context, **begin) as pool:
            parts = [range(CHATS)[number::processes] for number in range(processes)]
            running = [pool.submit(run, rate / processes, seconds, part) for part in parts]
            return [one.result() for one in running]


if __name__ == "__main__":
    print(main())
