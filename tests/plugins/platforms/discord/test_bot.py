"""End to end: the bot in a process of its own, started, killed and started again, against the local Discord.
`KILLS=50 pytest …/test_bot.py -k killed` kills it oftener."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path

import pytest

from tests.plugins.platforms.discord.bot import Bot
from tests.plugins.platforms.discord.conftest import is_finished
from tests.proofs.size import size
from tests.servers.discord_events import component_ids
from tests.servers.discord_record import Kind
from tests.servers.discord_server import DiscordServer
from tests.servers.discord_world import Channel, Message, User
from tests.servers.openai_server import Fault, OpenAIServer, Saying

WAIT_S = 60
LONG = "오늘 정말 많이 애썼구나. 네 마음이 어땠을지 알 것 같아. 천천히 이야기해 줘. 나는 여기 있을게. " * 3

KILLS = int(os.environ.get("KILLS", "2"))
KILLED_AT: tuple[Kind, ...] = ("sent", "edited", "typing")

pytestmark = pytest.mark.timeout(400)


async def _finished(discord: DiscordServer, asked: Message) -> Message:
    await discord.until(lambda: discord.answers_to(asked) and is_finished(discord.answers_to(asked)[-1]), WAIT_S)
    return discord.answers_to(asked)[-1]


async def test_consent_a_streamed_answer_its_buttons_and_all_of_it_after_a_restart(
    tmp_path: Path, discord: DiscordServer, llm: OpenAIServer, minji: User, direct: Channel
) -> None:
    bot = Bot(tmp_path, discord, llm, consent="ask")
    llm.will(Saying(LONG, pace_s=0.025))
    async with bot:
        asked = await discord.says(minji, direct, "오늘 회사에서 너무 슬펐어")
        await discord.until(lambda: discord.answers_to(asked), WAIT_S)
        question = discord.answers_to(asked)[0]
        for custom_id in ("do:consent:?t", "do:consent:?lt", "do:consent:!lt"):
            before = question.edited_at
            await discord.clicks(minji, question, custom_id)
            await discord.until(lambda before=before: question.edited_at != before, WAIT_S)
        await discord.until(lambda: len(discord.answers_to(asked)) == 2, WAIT_S)
        answer = await _finished(discord, asked)
        assert answer.content.strip() == LONG.strip()
        steps = discord.record.history(answer.id)
        assert len(steps) > 3, "it was streamed"
        assert all(LONG.startswith(step.strip()) for step in steps[1:])
        assert component_ids(answer)["other:1:"] == "🎭슬픔 90%"
    assert "오늘 회사" not in bot.log, "no person's text in any log"
    await bot.start()
    try:
        llm.will("다시 생각해 봤어. 정말 속상했겠다.")
        click = await discord.clicks(minji, answer, "again:1:")
        await discord.until(lambda: answer.content == "다시 생각해 봤어. 정말 속상했겠다.", WAIT_S)
        assert click.took_s < 3
        await discord.until(lambda: "select:1:1" in component_ids(answer), WAIT_S)
        await discord.clicks(minji, answer, "select:1:1")
        await discord.until(lambda: answer.content.strip() == LONG.strip(), WAIT_S)
        assert len(discord.record.of("sent")) == 2, "the question and one answer"
    finally:
        assert await bot.stop() == 0
    assert "Traceback" not in bot.log


async def test_a_mention_and_a_slash_command_while_the_model_hangs(
    tmp_path: Path, discord: DiscordServer, llm: OpenAIServer, minji: User
) -> None:
    channel = discord.channel(discord.guild("서버", minji))
    async with Bot(tmp_path, discord, llm, MAUM_REPLIER__DEADLINE_S="1") as bot:
        llm.will("반가워!")
        asked = await discord.says(minji, channel, f"{discord.bot.mention} 안녕")
        assert (await _finished(discord, asked)).content == "반가워!"
        llm.always(Fault.STALL)
        commands = [await discord.commands(minji, channel, "chat", text=f"들려? {number}") for number in range(3)]
        await discord.until(lambda: all(one.answer for one in commands), WAIT_S)
        assert max(one.took_s for one in commands) < 3
        await discord.until(lambda: all("길어졌어" in one.said for one in commands), WAIT_S)
        assert not any(one.failed for one in commands)
        assert "connected as 마음, 1 servers" in bot.log


async def test_killed_in_the_middle_nothing_is_lost_and_nothing_is_shown_twice(
    tmp_path: Path, discord: DiscordServer, llm: OpenAIServer, minji: User
) -> None:
    discord.limits.rules = {}
    guild = discord.guild("서버", minji)
    places = [discord.direct(minji), discord.channel(guild), discord.channel(guild)]
    llm.always("그랬구나.")
    bot = Bot(tmp_path, discord, llm)
    async with bot:
        for place in places:  # from now on it knows where to look for what it missed
            await _finished(discord, await discord.says(minji, place, f"{discord.bot.mention} 안녕"))
    llm.always(Saying(LONG, pace_s=0.03))
    said: list[str] = []
    command = None
    for kills in range(KILLS):
        await bot.start()
        before = len(discord.record.of(KILLED_AT[kills % 3]))
        for number, place in enumerate(places):
            said.append(f"말 {kills} 곳 {number}")
            await discord.says(minji, place, f"{discord.bot.mention} {said[-1]}")
        if command is None:
            command = await discord.commands(minji, places[1], "chat", text="명령으로")
            await discord.until(lambda command=command: command.answer, WAIT_S)
        await discord.until(lambda k=kills, before=before: len(discord.record.of(KILLED_AT[k % 3])) > before, WAIT_S)
        await bot.kill()
        said.append(f"그사이 {kills}")
        await discord.says(minji, places[0], said[-1])
    llm.always("그랬구나.")
    async with bot:
        await discord.until(lambda: all(_was_heard(llm, text) for text in said), WAIT_S)
        await discord.until(lambda: all(is_finished(one) for one in _answers(discord)), WAIT_S)
        assert command is not None
        await discord.until(lambda: command.original and is_finished(command.original), WAIT_S)
        await asyncio.sleep(1)
    assert discord.record.doubled() == {}
    assert discord.record.mass_mentions == 0
    assert "Traceback" not in bot.log


def _answers(discord: DiscordServer) -> list[Message]:
    places = discord.state.channels.values()
    return [one for place in places for one in place.messages.values() if one.author is discord.bot and one.answers]


def _was_heard(llm: OpenAIServer, text: str) -> bool:
    """Was the model asked about it, by itself or as one thought with other lines?"""
    return any(text in json.dumps(request.body, ensure_ascii=False) for request in llm.requests)


async def test_what_was_missed_in_an_outage_is_answered_once(
    tmp_path: Path, discord: DiscordServer, llm: OpenAIServer, minji: User, direct: Channel
) -> None:
    discord.limits.rules = {}
    jiwoo = discord.user("지우")
    channel = discord.channel(discord.guild("서버", minji, jiwoo))
    bot = Bot(tmp_path, discord, llm, MAUM_PLATFORMS__DISCORD__CATCH_UP_MESSAGES="5")
    llm.always("그랬구나.")
    async with bot:
        for place in (direct, channel):
            await _finished(discord, await discord.says(minji, place, f"{discord.bot.mention} 안녕"))
    missed = [
        await discord.says(minji, direct, "거기 있어?"),
        await discord.says(jiwoo, channel, f"{discord.bot.mention} 나도 왔어"),
    ]
    quiet = await discord.says(jiwoo, channel, "우리끼리 하는 말")
    sticker = await discord.says(minji, direct, "", stickers=[{"id": "1", "name": "wave", "format_type": 1}])
    for _ in range(2):  # the second start finds nothing more to do
        async with bot:
            for message in missed:
                await _finished(discord, message)
            await discord.until(lambda: discord.record.answered(sticker.id), WAIT_S)
            await asyncio.sleep(1.5)
    assert [discord.record.answered(message.id) for message in (*missed, quiet, sticker)] == [1, 1, 0, 1]
    flood = [await discord.says(minji, direct, f"줄 {number}") for number in range(8)]
    async with bot:
        await discord.until(lambda: "5 messages from before" in bot.log, WAIT_S)
        await asyncio.sleep(1)
    assert discord.record.doubled() == {}
    assert not any(discord.record.answered(message.id) for message in flood[5:])


async def test_a_bot_that_crashes_over_and_over_slows_down(
    tmp_path: Path, discord: DiscordServer, llm: OpenAIServer
) -> None:
    free, every_s, spacing_s = size(1, 2), size(3, 8), size(0, 5)
    options = {"IDENTIFY_FREE": str(free), "IDENTIFY_EVERY_S": str(every_s)}
    bot = Bot(tmp_path, discord, llm, **{f"MAUM_PLATFORMS__DISCORD__{name}": value for name, value in options.items()})
    for _ in range(free + 1):
        await bot.start()
        await bot.kill()
    times = [entry.at for entry in discord.record.of("identify")]
    assert times[-1] - times[-2] >= every_s - 0.1
    assert times[1] - times[0] >= spacing_s - 0.1, "Discord takes one in five seconds"


async def test_a_wrong_token_ends_with_a_line_and_code_2(
    tmp_path: Path, discord: DiscordServer, llm: OpenAIServer
) -> None:
    bot = Bot(tmp_path, discord, llm, DISCORD_TOKEN="wrong")
    await bot.start(ready=False)
    assert await bot.wait() == 2
    assert bot.log.splitlines()[-1].startswith("maum: Discord refuses the token in DISCORD_TOKEN")


async def test_doctor_tries_each_step(tmp_path: Path, discord: DiscordServer, llm: OpenAIServer) -> None:
    said = await Bot(tmp_path, discord, llm).do("doctor", "--json")
    mine = [one for one in json.loads(said) if one["part"] == "platform discord"]
    assert [one["state"] for one in mine] == ["ok", "ok", "warning", "ok", "warning", "ok"]
    assert mine[0]["text"] == "the token is 마음's"
    assert "in no server yet" in mine[4]["text"]
