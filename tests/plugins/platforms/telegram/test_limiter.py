"""We never speak faster than Telegram publishes, and a refusal in one chat holds up no other."""

from __future__ import annotations

import asyncio
import json
import time
from itertools import pairwise
from pathlib import Path

import pytest

from plugins.platforms._bans import Bans
from plugins.platforms.telegram import limiter
from plugins.platforms.telegram.limiter import Limiter
from tests.servers.telegram_flood import Flood

GROUP, PRIVATE, OTHER = -100, 1, 2


class Time:
    """A clock that only moves when somebody waits."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        await asyncio.sleep(0)


async def _turn(pacing: Limiter, chat: int, *, edit: bool = False) -> None:
    async with pacing.turn(chat, edit=edit):
        pass


async def _step(pacing: Limiter, chat: int) -> bool:
    async with pacing.step(chat) as may:
        return may


async def _say(pacing: Limiter, flood: Flood, chat: int, times: int) -> None:
    for _ in range(times):
        await _turn(pacing, chat)
        flood.count(chat, group=chat < 0)  # raises when the platform would refuse


async def test_whoever_waits_for_a_turn_is_never_refused() -> None:
    clock = Time()
    pacing, flood = Limiter(1.0, clock, clock.sleep), Flood(clock=clock)
    await _say(pacing, flood, PRIVATE, 100)
    assert 95 < clock.now < 115  # one a second
    began = clock.now
    await _say(pacing, flood, GROUP, 60)
    assert 115 < clock.now - began < 200  # twenty a minute


async def test_many_chats_together_stay_below_thirty_a_second() -> None:
    clock = Time()
    pacing, flood = Limiter(1.0, clock, clock.sleep), Flood(clock=clock)
    await asyncio.gather(*(_say(pacing, flood, chat, 2) for chat in range(1, 101)))
    assert 6 < clock.now < 12


async def test_a_group_that_has_been_quiet_hears_several_things_at_once() -> None:
    clock = Time()
    await _say(Limiter(1.0, clock, clock.sleep), Flood(clock=clock), GROUP, 3)
    assert clock.now == 0


async def test_a_refusal_counts_for_its_chat_only() -> None:
    clock = Time()
    pacing = Limiter(1.0, clock, clock.sleep)
    pacing.refused(PRIVATE, 30)
    await _turn(pacing, OTHER)
    assert clock.now == 0
    assert not await _step(pacing, PRIVATE)
    await _turn(pacing, PRIVATE)
    assert clock.now == 30


async def test_a_refusal_outlives_the_process_and_leaves_no_trace_when_it_is_over(tmp_path: Path) -> None:
    file = tmp_path / "bans.json"
    Limiter(bans=Bans(file)).refused(PRIVATE, 0.5)
    assert str(PRIVATE) in file.read_text(encoding="utf-8")
    pacing = Limiter(bans=Bans(file))  # the next process
    assert not await _step(pacing, PRIVATE)
    assert await _step(pacing, OTHER)
    began = time.monotonic()
    await _turn(pacing, PRIVATE)
    assert time.monotonic() - began > 0.3
    async with asyncio.timeout(10):
        while json.loads(file.read_text(encoding="utf-8")):
            await asyncio.sleep(0.02)


async def test_a_damaged_page_of_bans_does_not_stop_a_start(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "bans.json"
    file.write_text("[", encoding="utf-8")
    assert await _step(Limiter(bans=Bans(file)), PRIVATE)
    assert "cannot be read" in caplog.text


async def test_in_a_chat_one_thing_is_said_at_a_time() -> None:
    """What is on its way already when a refusal comes would break it."""
    pacing = Limiter()
    said: list[asyncio.Task[None]] = []
    async with pacing.turn(PRIVATE):
        others = [asyncio.create_task(_turn(pacing, chat)) for chat in (PRIVATE, OTHER)]
        for task in others:
            task.add_done_callback(said.append)
        assert not await _step(pacing, PRIVATE)
        await asyncio.wait({others[1]})
        assert said == [others[1]]
        pacing.refused(PRIVATE, 0.2)
    began = time.monotonic()
    await others[0]
    assert time.monotonic() - began > 0.15


async def test_steps_come_every_second_in_private_and_every_three_in_a_group() -> None:
    for chat, apart_s in ((PRIVATE, 1.05), (GROUP, 3.05)):
        clock = Time()
        pacing, flood = Limiter(1.0, clock), Flood(clock=clock)
        shown = []
        while clock.now < 20:
            if await _step(pacing, chat):
                flood.count(chat, group=chat < 0)
                shown.append(clock.now)
            clock.now += 0.25
        gaps = [later - earlier for earlier, later in pairwise(shown)]
        assert min(gaps) >= apart_s
        assert len(shown) >= 6


async def test_steps_leave_half_of_a_groups_minute_to_answers() -> None:
    clock = Time()
    pacing = Limiter(1.0, clock, clock.sleep)
    steps = 0
    while clock.now < 60:
        steps += await _step(pacing, GROUP)
        clock.now += 1
    assert steps == limiter.STEPS_A_MINUTE
    clock.now = 60
    await _say(pacing, Flood(clock=clock), GROUP, 9)
    assert clock.now < 90


async def test_edits_in_a_group_are_three_seconds_apart_whatever_they_say() -> None:
    clock = Time()
    pacing = Limiter(1.0, clock, clock.sleep)
    edited = []
    for _ in range(5):
        await _turn(pacing, GROUP, edit=True)
        edited.append(clock.now)
    assert min(later - earlier for earlier, later in pairwise(edited)) >= 3
    await _turn(pacing, GROUP)
    assert clock.now == edited[-1]  # something new need not wait for that


async def test_a_step_never_overtakes_somebody_who_waits() -> None:
    pacing = Limiter()
    for _ in range(3):
        await _turn(pacing, PRIVATE)
    waiting = asyncio.create_task(_turn(pacing, PRIVATE))
    await asyncio.sleep(0.01)
    assert not await _step(pacing, PRIVATE)
    waiting.cancel()


async def test_a_server_of_our_own_may_be_spoken_to_faster() -> None:
    clock = Time()
    pacing = Limiter(10.0, clock, clock.sleep)
    await _say(pacing, Flood(on=False), PRIVATE, 100)
    assert 9 < clock.now < 12
    pacing.refused(PRIVATE, 30)  # but a refusal is a refusal
    began = clock.now
    await _turn(pacing, PRIVATE)
    assert clock.now - began == pytest.approx(30)


async def test_quiet_chats_are_forgotten() -> None:
    clock = Time()
    pacing = Limiter(1.0, clock, clock.sleep)
    for chat in range(limiter.MANY + 100):
        await _turn(pacing, chat)
    assert len(pacing) <= limiter.MANY
