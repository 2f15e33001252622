"""The commands of the chat platforms, one way for all of them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot import commands
from bot.errors import Refusal
from bot.said import Choice, Said
from bot.types import Chat, Conversation, Person
from tests.house import CHAT, PERSON, House, open_house

HERE = Conversation(CHAT, PERSON)
SERVER = Conversation(Chat("test", "channel", "server", "group"), Person("test", "jun"))


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(tmp_path) as opened:
        opened.platform.moderators.add("jun")
        yield opened


async def _do(house: House, line: str, here: Conversation = HERE) -> Said:
    name, _, value = line.partition(" ")
    return await commands.do(house.app, name, value, here)


async def _press(house: House, said: Said, label: str) -> Said:
    choice = next(choice for row in said.rows for choice in row if label in choice.label)
    return await commands.do(house.app, *Choice.decode(choice.encode()), HERE)


@pytest.mark.parametrize("language", ["ko", "en"])
@pytest.mark.parametrize("name", commands.COMMANDS)
async def test_every_command_answers_and_its_buttons_fit_every_platform(house: House, name: str, language: str) -> None:
    await house.say("슬퍼")
    await house.say("슬퍼", SERVER.person, SERVER.chat)
    person = replace(SERVER.person, locale=language)  # type: ignore[arg-type]
    said = await _do(house, name, Conversation(SERVER.chat, person))
    assert said.text
    assert len(said.text) < 2_000, "Discord's limit"
    assert all(Choice.decode(choice.encode()) for row in said.rows for choice in row)
    assert all(len(row) <= 5 for row in said.rows)
    assert len(said.rows) <= 6


async def test_an_unknown_command_is_refused(house: House) -> None:
    with pytest.raises(Refusal, match="unknown_command"):
        await _do(house, "dance")


async def test_consent_is_ticked_scope_by_scope_with_nothing_ticked_before(tmp_path: Path) -> None:
    async with open_house(tmp_path, consent={"default": "ask"}) as house:
        assert (await house.app.delivery.receive(house.incoming("안녕", lone=True), hold=True)).outcome == "held"
        said = await _do(house, "consent")
        assert "☑" not in said.text
        said = await _press(house, said, "감정 기록하기")
        said = await _press(house, said, "동의하고 시작")
        assert "대화하기" in said.text, "without talking there is nothing to agree to"
        assert await house.app.privacy.scopes(PERSON) == frozenset()
        said = await _press(house, said, "대화하기")
        await _press(house, said, "동의하고 시작")
        assert await house.app.privacy.scopes(PERSON) == {"talk", "log"}
        assert (await house.platform.final(1)).text == "그랬구나.", "what was held is answered"


async def test_agreeing_to_nothing_withdraws(house: House) -> None:
    await house.app.privacy.consent(PERSON, ["talk", "log"])
    await _press(house, await _do(house, "consent"), "동의 안 해")
    assert "talk" not in await house.app.privacy.scopes(PERSON)


async def test_regenerate_takes_a_tone_an_emotion_or_both_in_either_language(house: House) -> None:
    shown = await house.say("안녕")
    for number, words in enumerate(("", "부드럽게", "shorter", "슬픔", "슬픔 부드럽게", "불평/불만 brighter"), 2):
        await _do(house, f"regenerate {words}")
        await house.platform.final(shown.message, number)
    tones = [prompt.aim.tone for prompt in house.replier.prompts[1:]]
    assert tones == ["usual", "softer", "shorter", "usual", "softer", "brighter"]
    assert all("sadness" in prompt.aim.groups for prompt in house.replier.prompts[4:6])
    reading = house.replier.prompts[-1].turns[-1].reading
    assert reading is not None
    assert reading.top.label == "불평/불만"


async def test_a_command_on_nothing_says_so(house: House) -> None:
    for line in ("regenerate", "emotion"):
        with pytest.raises(Refusal, match="nothing_yet"):
            await _do(house, line)


async def test_reset_begins_a_new_talk_and_can_be_undone(house: House) -> None:
    await house.say("내 고양이 이름은 나비야")
    said = await _do(house, "reset")
    await house.say("내 고양이 이름이 뭐게?")
    assert len(house.replier.prompts[-1].turns) == 1
    await _press(house, said, "되돌리기")
    await house.say("이제는?")
    assert "나비" in house.replier.prompts[-1].turns[0].text


async def test_mood_is_a_persons_own(house: House) -> None:
    await house.say("슬퍼")
    await house.say("좋아", Person("test", "other"), Chat("test", "other"))
    said = await _do(house, "mood")
    assert "슬픔" in said.text
    assert "기쁨" not in said.text
    assert said.picture is not None
    assert said.picture.startswith(b"\x89PNG")


async def test_export_brings_a_page_and_the_whole_data(house: House) -> None:
    await house.say("안녕하세요")
    files = dict((await _do(house, "export")).files)
    assert json.loads(files["maum.json"])["tables"]["messages"][0]["text"] == "안녕하세요"
    assert b"<html" in files["maum.html"]


async def test_forget_asks_before_it_deletes(house: House) -> None:
    await house.say("안녕")
    said = await _do(house, "forget")
    await _press(house, said, "지우지 않기")
    assert await house.app.desk.messages.latest(HERE) is not None
    await _press(house, said, "모든 것 지우기")
    assert await house.app.desk.messages.latest(HERE) is None


async def test_pause_and_resume(house: House) -> None:
    await _do(house, "pause")
    with pytest.raises(Refusal, match="consent_required"):
        await house.app.delivery.receive(house.incoming("안녕"))
    await _do(house, "resume")
    assert (await house.say("안녕")).text


async def test_settings_and_the_log_are_for_moderators(house: House) -> None:
    stranger = replace(SERVER, person=PERSON)
    for line in ("settings", "settings language en", "emotions"):
        with pytest.raises(Refusal, match="not_moderator"):
            await _do(house, line, stranger)
    assert "language → en" in (await _do(house, "settings language en", SERVER)).text


async def test_the_places_picture_needs_five_people(house: House) -> None:
    for number in range(4):
        await house.say("슬퍼", Person("test", f"person {number}"), SERVER.chat)
    assert (await _do(house, "emotions", SERVER)).picture is None
    await house.say("슬퍼", PERSON, SERVER.chat)
    assert (await _do(house, "emotions", SERVER)).picture is not None


async def test_the_log_is_asked_by_span_group_and_person(house: House) -> None:
    await house.say("슬퍼", PERSON, SERVER.chat)
    await house.say("좋아", SERVER.person, SERVER.chat)
    alias = house.app.moderation.alias(PERSON)
    assert "슬픔 1" in (await _do(house, "emotions 7d 슬픔", SERVER)).text
    assert alias in (await _do(house, f"emotions {alias}", SERVER)).text
    assert "기쁨" not in (await _do(house, f"emotions {alias}", SERVER)).text
    assert "minji" not in (await _do(house, "emotions", SERVER)).text
