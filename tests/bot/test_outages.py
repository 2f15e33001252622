"""A platform that is away: what is said meanwhile waits, in the order it was said, and nobody else waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.errors import Unreachable
from bot.types import Outgoing, Person
from tests.house import PERSON, House, MemoryPlatform, Players, open_house

OTHER = Person("test", "jun")


class FlickeringPlatform(MemoryPlatform):
    """Away for as many answers as `absences` says; what comes between is shown."""

    absences = 0

    async def show(self, outgoing: Outgoing, handle: str | None) -> str:
        if outgoing.final and self.absences:
            self.absences -= 1
            raise Unreachable("told to be for a moment")
        return await super().show(outgoing, handle)

    def order(self, person: Person = PERSON) -> list[int]:
        return [o.message for o in self.shown if o.final and o.conversation.person == person]


@asynccontextmanager
async def _flickering(tmp: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[House, FlickeringPlatform]]:
    monkeypatch.setattr("bot.screen.RETRIES_S", ())
    platform = FlickeringPlatform()
    async with open_house(tmp, players=Players(platform=platform)) as house:
        yield house, platform


async def _idle(house: House) -> None:
    while house.app.delivery._lanes:
        await asyncio.sleep(0.01)


async def _say_several(house: House, count: int, person: Person = PERSON) -> list[int]:
    """Messages that wait for each other: the first is being written when the others come."""
    house.replier.gate.clear()
    house.replier.answers.extend(f"답 {n} 이고 다섯 낱말이야." for n in range(count))
    receipts = [await house.app.delivery.receive(house.incoming(f"말 {n}", person, lone=True)) for n in range(count)]
    house.replier.gate.set()
    return [receipt.message or 0 for receipt in receipts]


async def test_what_waits_for_its_platform_is_answered_before_what_was_said_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with _flickering(tmp_path, monkeypatch) as (house, platform):
        platform.absences = 2  # the lane looks once more, as something came in meanwhile
        messages = await _say_several(house, 3)
        await _idle(house)
        assert platform.order() == [], "the later ones wait behind it"
        assert (await house.say("나는?", OTHER)).text, "others go on"
        assert await house.app.delivery.recover() == 1
        await platform.final(messages[-1])
        assert platform.order() == messages
        assert len(house.replier.prompts) == 4, "what was written is kept"


async def test_a_message_that_comes_when_the_platform_is_back_waits_for_the_earlier_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with _flickering(tmp_path, monkeypatch) as (house, platform):
        platform.absences = 3
        messages = await _say_several(house, 2)
        await _idle(house)
        assert await house.app.delivery.recover() == 1
        await _idle(house)
        assert platform.order() == []
        shown = await house.say("이제 돼?")
        assert platform.order() == [*messages, shown.message]


async def test_a_platform_that_is_back_while_an_answer_finds_it_away_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with _flickering(tmp_path, monkeypatch) as (house, platform):
        platform.absences = 1
        house.replier.gate.clear()
        receipt = await house.app.delivery.receive(house.incoming("안녕", lone=True))
        house.replier.answers.append("하나 둘 셋 넷 다섯")
        await house.replier.asked.wait()
        assert await house.app.delivery.recover() == 0, "somebody works on it"
        house.replier.gate.set()
        assert (await platform.final(receipt.message or 0)).text == "하나 둘 셋 넷 다섯"


async def test_what_waits_is_answered_in_order_after_a_restart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with _flickering(tmp_path, monkeypatch) as (house, platform):
        platform.absences = 9
        messages = await _say_several(house, 3)
        await _idle(house)
    async with _flickering(tmp_path, monkeypatch) as (house, platform):
        receipt = await house.app.delivery.receive(house.incoming("나 왔어", message_id="later", lone=True))
        shown = await platform.final(receipt.message or 0)
        assert platform.order() == [*messages, shown.message]


async def test_nobody_waits_behind_an_answer_that_was_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.answering.WAIT_MS", 0)
    async with _flickering(tmp_path, monkeypatch) as (house, platform):
        platform.absences = 2  # for the first answer, and for the word that it failed
        messages = await _say_several(house, 2)
        await platform.final(messages[1])
        await _idle(house)
        assert platform.order() == messages[1:]
        assert await house.app.delivery.recover() == 0


async def test_what_waits_is_not_answered_to_a_person_who_paused_or_was_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with _flickering(tmp_path, monkeypatch) as (house, platform):
        platform.away = True
        for person in (PERSON, OTHER):
            await _say_several(house, 2, person)
        await _idle(house)
        await house.app.privacy.pause(PERSON)
        await house.app.privacy.forget(OTHER)
        platform.away = False
        assert await house.app.delivery.recover() == 0
        assert (platform.shown, house.replier.prompts) == ([], [])
        await house.app.privacy.resume(PERSON)
        shown = await house.say("나 다시 왔어")
        assert platform.order() == [shown.message]
