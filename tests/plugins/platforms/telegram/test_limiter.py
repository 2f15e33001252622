"""We never speak faster than Telegram publishes, and a refusal in one chat holds up no other."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest

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


async def _say(pacing: Limiter, flood: Flood, chat: int, times: int) -> None:
    for _ in range(times):
        await pacing.wait(chat)
        flood.count(chat, group=chat < 0)  # raises when the platform would refuse


async def test_whoever_waits_for_a_turn_is_never_refused() -> None:
    time = Time()
    pacing, flood = Limiter(1.0, time, time.sleep), Flood(clock=time)
    await _say(pacing, flood, PRIVATE, 100)
    assert 95 < time.now < 115  # one a second
    began = time.now
    await _say(pacing, flood, GROUP, 60)
    assert 115 < time.now - began < 200  # twenty a minute


async def test_many_chats_together_stay_below_thirty_a_second() -> None:
    time = Time()
    pacing, flood = Limiter(1.0, time, time.sleep), Flood(clock=time)
    await asyncio.gather(*(_say(pacing, flood, chat, 2) for chat in range(1, 101)))
    assert 6 < time.now < 12


async def test_a_group_that_has_been_quiet_hears_several_things_at_once() -> None:
    time = Time()
    await _say(Limiter(1.0, time, time.sleep), Flood(clock=time), GROUP, 3)
    assert time.now == 0


async def test_a_refusal_counts_for_its_chat_only() -> None:
    time = Time()
    pacing = Limiter(1.0, time, time.sleep)
    pacing.refused(PRIVATE, 30)
    await pacing.wait(OTHER)
    assert time.now == 0
    assert not pacing.may_step(PRIVATE)
    await pacing.wait(PRIVATE)
    assert time.now == 30


async def test_steps_come_every_second_in_private_and_every_three_in_a_group() -> None:
    for chat, apart_s in ((PRIVATE, 1.05), (GROUP, 3.05)):
        time = Time()
        pacing, flood = Limiter(1.0, time), Flood(clock=time)
        shown = []
        while time.now < 20:
            if pacing.may_step(chat):
                flood.count(chat, group=chat < 0)
                shown.append(time.now)
            time.now += 0.25
        gaps = [later - earlier for earlier, later in pairwise(shown)]
        assert min(gaps) >= apart_s
        assert len(shown) >= 6


async def test_steps_leave_half_of_a_groups_minute_to_answers() -> None:
    time = Time()
    pacing = Limiter(1.0, time, time.sleep)
    steps = 0
    while time.now < 60:
        steps += pacing.may_step(GROUP)
        time.now += 1
    assert steps == limiter.STEPS_A_MINUTE
    time.now = 60
    await _say(pacing, Flood(clock=time), GROUP, 9)
    assert time.now < 90


async def test_edits_in_a_group_are_three_seconds_apart_whatever_they_say() -> None:
    time = Time()
    pacing = Limiter(1.0, time, time.sleep)
    edited = []
    for _ in range(5):
        await pacing.wait(GROUP, edit=True)
        edited.append(time.now)
    assert min(later - earlier for earlier, later in pairwise(edited)) >= 3
    await pacing.wait(GROUP)
    assert time.now == edited[-1]  # something new need not wait for that


async def test_a_step_never_overtakes_somebody_who_waits() -> None:
    pacing = Limiter()
    for _ in range(3):
        await pacing.wait(PRIVATE)
    waiting = asyncio.create_task(pacing.wait(PRIVATE))
    await asyncio.sleep(0.01)
    assert not pacing.may_step(PRIVATE)
    waiting.cancel()


async def test_a_server_of_our_own_may_be_spoken_to_faster() -> None:
    time = Time()
    pacing = Limiter(10.0, time, time.sleep)
    await _say(pacing, Flood(on=False), PRIVATE, 100)
    assert 9 < time.now < 12
    pacing.refused(PRIVATE, 30)  # but a refusal is a refusal
    began = time.now
    await pacing.wait(PRIVATE)
    assert time.now - began == pytest.approx(30)


async def test_quiet_chats_are_forgotten() -> None:
    time = Time()
    pacing = Limiter(1.0, time, time.sleep)
    for chat in range(limiter.MANY + 100):
        await pacing.wait(chat)
    assert len(pacing) <= limiter.MANY
