"""First contact: nothing is kept or read before a person has agreed, and only they can agree."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.types import Person
from tests.plugins.platforms.discord.conftest import Guest, connect
from tests.servers.discord_events import component_ids
from tests.servers.discord_server import DiscordServer
from tests.servers.discord_world import EPHEMERAL, Channel, Message, User

WAIT_S = 20


@pytest.fixture
async def guest(tmp_path: Path, discord: DiscordServer) -> AsyncIterator[Guest]:
    async with connect(tmp_path, discord, consent={"default": "ask"}) as guest:
        yield guest


async def _asked(guest: Guest, message: Message) -> Message:
    await guest.discord.until(lambda: guest.discord.answers_to(message), WAIT_S)
    return guest.discord.answers_to(message)[0]


async def _press(guest: Guest, person: User, message: Message, label: str) -> None:
    before = message.edited_at
    custom_id = next(key for key, words in component_ids(message).items() if label in words)
    await guest.discord.clicks(person, message, custom_id)
    await guest.discord.until(lambda: message.edited_at != before, WAIT_S)


async def test_a_first_message_is_asked_about_and_answered_once_agreed(
    guest: Guest, minji: User, direct: Channel
) -> None:
    said = await guest.discord.says(minji, direct, "나 오늘 슬퍼")
    question = await _asked(guest, said)
    assert "AI" in question.content
    assert "저장하지 않았어" in question.content
    assert "☑" not in question.content, "nothing is ticked before"
    assert "학습" not in question.content, "training is never offered on Discord"
    assert guest.house.classifier.asked == []
    assert (await guest.house.app.privacy.export(Person("discord", str(minji.id))))["tables"]["people"] == []
    await _press(guest, minji, question, "대화하기")
    await _press(guest, minji, question, "동의하고 시작")
    await guest.discord.until(lambda: len(guest.discord.answers_to(said)) == 2, WAIT_S)
    answer = await guest.answer(said, 2)
    assert answer.content == "그랬구나."
    assert "고마워" in question.content
    assert question.components == []
    scopes = await guest.house.app.privacy.scopes(Person("discord", str(minji.id)))
    assert scopes == {"talk"}


async def test_who_does_not_agree_is_left_in_peace(guest: Guest, minji: User, direct: Channel) -> None:
    question = await _asked(guest, await guest.discord.says(minji, direct, "안녕"))
    await _press(guest, minji, question, "동의 안 해")
    assert "아무것도 저장하지 않았어" in question.content
    assert guest.house.replier.prompts == []
    assert (await guest.house.app.privacy.export(Person("discord", str(minji.id))))["tables"]["people"] == []


async def test_several_lines_are_asked_about_once_and_all_answered(guest: Guest, minji: User, direct: Channel) -> None:
    first = await guest.discord.says(minji, direct, "안녕")
    question = await _asked(guest, first)
    last = await guest.discord.says(minji, direct, "거기 있어?")
    await _press(guest, minji, question, "대화하기")
    await _press(guest, minji, question, "동의하고 시작")
    await guest.answer(last)
    assert sum("☐" in entry.content for entry in guest.discord.record.of("sent")) == 1
    texts = [turn.text for turn in guest.house.replier.prompts[-1].turns if turn.role == "user"]
    assert texts == ["안녕", "거기 있어?"]


async def test_in_a_server_the_list_is_shown_to_the_person_alone(guest: Guest, minji: User) -> None:
    jiwoo = guest.discord.user("지우")
    channel = guest.discord.channel(guest.discord.guild("서버", minji, jiwoo))
    said = await guest.discord.says(minji, channel, f"{guest.discord.bot.mention} 안녕")
    question = await _asked(guest, said)
    assert "☐" not in question.content
    (custom_id,) = component_ids(question)
    stranger = await guest.discord.clicks(jiwoo, question, custom_id)
    await guest.discord.until(lambda: "다른 사람" in stranger.said, WAIT_S)
    opened = await guest.discord.clicks(minji, question, custom_id)
    await guest.discord.until(lambda: opened.original and opened.original.components, WAIT_S)
    assert opened.original is not None
    assert opened.original.flags & EPHEMERAL
    await _press(guest, minji, opened.original, "대화하기")
    await _press(guest, minji, opened.original, "동의하고 시작")
    await guest.discord.until(lambda: question.id not in channel.messages, WAIT_S)
    assert (await guest.answer(said)).content == "그랬구나."


async def test_a_chat_command_waits_for_consent_and_is_then_answered_in_its_place(
    guest: Guest, minji: User, direct: Channel
) -> None:
    asked = await guest.discord.commands(minji, direct, "chat", text="안녕")
    await guest.discord.until(lambda: asked.original and asked.original.components, WAIT_S)
    assert asked.original is not None
    (custom_id,) = component_ids(asked.original)
    opened = await guest.discord.clicks(minji, asked.original, custom_id)
    await guest.discord.until(lambda: opened.original and opened.original.components, WAIT_S)
    assert opened.original is not None
    await _press(guest, minji, opened.original, "대화하기")
    await _press(guest, minji, opened.original, "동의하고 시작")
    await guest.discord.until(lambda: asked.said == "그랬구나.", WAIT_S)
