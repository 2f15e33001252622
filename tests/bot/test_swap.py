"""Exchanging a thing that is in use."""

from __future__ import annotations

import asyncio

from bot.swap import Swappable


async def test_the_old_one_waits_for_its_last_user_while_new_users_get_the_new_one() -> None:
    thing = Swappable("old")
    with thing.use() as first, thing.use():
        swapping = asyncio.create_task(thing.swap("new"))
        await asyncio.sleep(0)
        assert first == "old"
        assert (thing.value, swapping.done()) == ("new", False)
        with thing.use() as second:
            assert second == "new"
        await asyncio.sleep(0)
        assert not swapping.done()
    assert await asyncio.wait_for(swapping, 1) == "old"


async def test_an_unused_thing_is_given_back_at_once() -> None:
    thing = Swappable(1)
    assert await asyncio.wait_for(thing.swap(2), 1) == 1
    assert await asyncio.wait_for(thing.swap(3), 1) == 2
