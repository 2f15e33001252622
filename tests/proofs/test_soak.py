"""A long run through the real house: memory stays flat, nothing is left lying, no error is unseen."""

from __future__ import annotations

import asyncio
import random
import statistics
import time
from pathlib import Path

from benchmarks.core import PLATFORM, SETTINGS, Clock, message, rss
from bot.__main__ import build
from bot.app import App
from bot.config import Settings
from bot.upkeep import works
from tests.proofs.parts import errors
from tests.proofs.size import LONG, size, write_down

MESSAGES, CHATS, AT_ONCE = size(600, 100_000), size(50, 2_000), 100
SAMPLES = 100
WARM = 0.3  # the share of the run after which caches and pools are full
MAX_GROWTH = 0.05


async def test_memory_stays_flat_and_nothing_is_left_lying(tmp_path: Path) -> None:
    async with errors() as seen, build(Settings.model_validate(SETTINGS)) as app:
        beside = [asyncio.create_task(work, name=name) for name, work in works(app).items()]
        start = time.perf_counter()
        memory = await _run(app)
        took = time.perf_counter() - start
        for task in beside:
            task.cancel()
        await asyncio.gather(*beside, return_exceptions=True)
        await app.delivery.drain()
    async with build(Settings.model_validate(SETTINGS)) as app:
        assert await app.desk.jobs.backlog() == (0, 0.0)
    assert seen == []
    growth = _growth(memory)
    if LONG:
        assert growth < MAX_GROWTH, memory
    write_down(
        "soak",
        f"{MESSAGES:,} messages of {CHATS:,} people, {MESSAGES / took:.0f} a second",
        f"memory {memory[-1] / 2**20:.0f} MiB, {100 * growth:+.1f} % from a third on; 0 errors, 0 left lying",
    )


async def _run(app: App) -> list[int]:
    clock = app.desk.platforms[PLATFORM]
    assert isinstance(clock, Clock)
    chance, memory = random.Random(11), []
    each = MESSAGES // SAMPLES
    for _ in range(SAMPLES):
        for start in range(0, each, AT_ONCE):
            now = time.perf_counter()
            batch = [message(clock, chance, now, range(CHATS)) for _ in range(min(AT_ONCE, each - start))]
            receipts = await asyncio.gather(*(app.delivery.receive(one) for one in batch))
            assert {receipt.outcome for receipt in receipts} == {"accepted"}
            await clock.all_answered()
        clock.took.clear()
        memory.append(rss())
    assert clock.notices == 0
    return memory


def _growth(memory: list[int]) -> float:
    """How much of itself memory has grown by from the warm point to the end, by a straight line through the samples."""
    warm = memory[int(len(memory) * WARM) :]
    slope, intercept = statistics.linear_regression(range(len(warm)), warm)
    return slope * len(warm) / intercept
