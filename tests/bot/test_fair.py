"""Places given out in turn."""

from __future__ import annotations

import asyncio

from bot.fair import FairSlots


async def _line(slots: FairSlots, key: str, done: list[str]) -> None:
    async with slots.slot(key):
        await asyncio.sleep(0)
        done.append(key)


async def test_a_quiet_server_waits_for_one_turn_of_a_busy_one_only() -> None:
    slots, done = FairSlots(1), list[str]()
    busy = [asyncio.create_task(_line(slots, "busy", done)) for _ in range(50)]
    await asyncio.sleep(0)
    await asyncio.gather(_line(slots, "quiet", done), *busy)
    assert done.index("quiet") <= 3
    assert len(done) == 51


async def test_no_more_than_the_given_number_work_at_once() -> None:
    slots, now, most = FairSlots(3), 0, 0

    async def work(key: str) -> None:
        nonlocal now, most
        async with slots.slot(key):
            now += 1
            most = max(most, now)
            await asyncio.sleep(0)
            now -= 1

    await asyncio.gather(*(work(str(number % 4)) for number in range(40)))
    assert most == 3


async def test_who_gives_up_waiting_costs_nobody_a_place() -> None:
    slots, done = FairSlots(1), list[str]()
    async with slots.slot("a"):
        waiting = [asyncio.create_task(_line(slots, "b", done)) for _ in range(3)]
        await asyncio.sleep(0)
        waiting[0].cancel()
    waiting[1].cancel()  # it has been given the place, but has not woken up yet
    await asyncio.gather(*waiting, return_exceptions=True)
    await asyncio.wait_for(_line(slots, "c", done), 1)
    assert done == ["b", "c"]
