"""Telegram is away for a while: what people wrote is answered when it is back, once and in order."""

from __future__ import annotations

import asyncio

import pytest

from bot.types import Chat, Conversation, Person
from tests.plugins.platforms.telegram.house import TelegramHouse
from tests.servers.telegram_rules import ApiError
from tests.servers.telegram_server import TelegramServer
from tests.servers.telegram_world import Human

PAUSE_S = 1.0  # long enough to look at what has been said, on a busy machine, too


@pytest.fixture(autouse=True)
def _no_second_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.screen.RETRIES_S", ())
    monkeypatch.setattr("plugins.platforms._outage.FIRST_PAUSE_S", PAUSE_S)


async def _nobody_works(house: TelegramHouse) -> None:
    while house.app.delivery._lanes:
        await asyncio.sleep(0.01)


async def _says_in_the_middle_of_an_answer(house: TelegramHouse, human: Human, first: str, second: str) -> None:
    """The first is being answered when the second comes, which is on disk when this returns."""
    house.gate.clear()
    house.server.says(human, first)
    await house.server.until(lambda: [p for p in house.server.world.shown(house.room(human)) if p.text == "…"])
    house.server.says(human, second)
    here = Conversation(Chat("telegram", str(human.id)), _person(human))
    while len(await house.app.desk.jobs.open_messages(here)) < 2:
        await asyncio.sleep(0.01)


def _person(human: Human) -> Person:
    return Person("telegram", str(human.id))


def _answers(server: TelegramServer, room: int) -> list[str]:
    """The answers that were finished in a chat, in turn."""
    edits = [c.asked for c in server.calls("editMessageText") if c.error is None and int(c.asked["chat_id"]) == room]
    return [asked["text"] for asked in edits if "again:" in asked["reply_markup"]]


@pytest.mark.parametrize("status", [502, 503, 0])
async def test_after_an_outage_everything_is_answered_once_and_in_order(house: TelegramHouse, status: int) -> None:
    server, minji, jiwoo = house.server, house.person(), house.person("지우")
    await house.talks(minji, "안녕")
    await house.talks(jiwoo, "나도 안녕")
    await _says_in_the_middle_of_an_answer(house, minji, "하나", "둘")
    server.down = status
    house.gate.set()
    await _nobody_works(house)
    server.says(minji, "셋")  # what Telegram keeps until we can ask for it
    server.says(jiwoo, "넷")
    await asyncio.sleep(0.3)
    server.down = None
    await server.answer(house.room(jiwoo), 2)
    await server.until(lambda: "‘셋’ 들었어 (1)." in _answers(server, minji.id))
    await _nobody_works(house)
    answers = _answers(server, minji.id)
    assert answers[:2] == ["‘안녕’ 들었어 (1).", "‘하나’ 들었어 (1)."]
    assert answers[2:] in (["‘둘’ 들었어 (1).", "‘셋’ 들었어 (1)."], ["‘셋’ 들었어 (1)."])  # 둘 and 셋: one thought
    assert [post.text for post in server.world.shown(house.room(minji)) if post.text == "…"] == []


async def test_what_is_said_when_telegram_is_back_waits_for_what_was_said_before(house: TelegramHouse) -> None:
    server, minji = house.server, house.person()
    await house.talks(minji, "안녕")
    server.faults["editmessagetext"].extend([ApiError(502, "Bad Gateway")] * 3)
    server.says(minji, "하나")
    await server.until(lambda: not server.faults["editmessagetext"])
    await _nobody_works(house)
    assert _answers(server, minji.id) == ["‘안녕’ 들었어 (1)."]
    await asyncio.sleep(PAUSE_S)  # what was tried in vain is tried again after a pause only
    server.says(minji, "둘")
    await server.until(lambda: len(_answers(server, minji.id)) == 3)
    assert _answers(server, minji.id) == [f"‘{text}’ 들었어 (1)." for text in ("안녕", "하나", "둘")]


async def test_who_is_told_to_wait_is_not_away(house: TelegramHouse, caplog: pytest.LogCaptureFixture) -> None:
    server, minji = house.server, house.person()
    await house.talks(minji, "안녕")
    server.faults["editmessagetext"].append(ApiError(429, "", retry_after=1))
    assert (await house.talks(minji, "하나")).text == "‘하나’ 들었어 (1)."
    assert "away" not in caplog.text


async def test_help_is_said_again_and_again_to_a_person_without_consent(house: TelegramHouse) -> None:
    server, minji = house.server, house.person()
    await house.app.privacy.pause(_person(minji))
    server.faults["sendmessage"].extend([ApiError(502, "Bad Gateway")] * 3)
    server.says(minji, "나 오늘 밤에 죽으려고 해. 유서도 다 썼어")
    await house.said(house.room(minji), "109")
