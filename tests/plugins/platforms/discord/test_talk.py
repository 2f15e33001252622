"""Talking: direct messages, mentions, replies, threads; what is not for the bot, and what it cannot see."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from bot.errors import ReplyError
from bot.types import Chat
from plugins.platforms.discord.parts import LIMIT
from tests.plugins.platforms.discord.conftest import Guest, connect, rejoined
from tests.servers.discord_events import component_ids
from tests.servers.discord_server import DiscordServer
from tests.servers.discord_world import Channel, Permission, User


async def test_a_direct_message_is_answered_as_a_reply(guest: Guest, minji: User, direct: Channel) -> None:
    asked = await guest.discord.says(minji, direct, "오늘 좀 슬퍼")
    answer = await guest.answer(asked)
    assert answer.content == "그랬구나."
    assert guest.discord.record.history(answer.id)[0] == "생각하는 중…"
    assert component_ids(answer) == {
        "again:1:": "🔁",
        "other:1:": "🎭슬픔 90%",
        "feedback:1:1": "👍",
        "feedback:1:-1": "👎",
    }
    assert guest.discord.record.of("typing")


async def test_a_first_answer_says_that_this_is_an_ai_and_the_next_does_not(
    guest: Guest, minji: User, direct: Channel
) -> None:
    first = await guest.answer(await guest.discord.says(minji, direct, "안녕"))
    second = await guest.answer(await guest.discord.says(minji, direct, "또 안녕"))
    assert "AI" in first.embeds[0]["description"]
    assert second.embeds == []


async def test_where_the_bot_may_not_embed_that_it_is_an_ai_stands_in_small_letters(guest: Guest) -> None:
    for known in (True, False):
        somebody = guest.discord.user("누구")
        guild = guest.discord.guild("서버", somebody)
        channel = guest.discord.channel(guild)
        channel.denied = Permission.EMBED_LINKS
        if known:
            await guest.discord.join(guild)
        answer = await guest.answer(await guest.discord.says(somebody, channel, f"{guest.discord.bot.mention} 안녕"))
        assert answer.content.startswith("그랬구나.\n-# 나는 사람이 아니라 AI야")
        assert bool(guest.discord.record.of("refused")) == (not known)


async def test_a_mention_in_a_server_is_answered_without_its_name_in_the_text(guest: Guest, minji: User) -> None:
    channel = guest.discord.channel(guest.discord.guild("서버", minji))
    asked = await guest.discord.says(minji, channel, f"{guest.discord.bot.mention} 나 너무 화나")
    answer = await guest.answer(asked)
    assert guest.house.replier.prompts[-1].turns[-1].text == "나 너무 화나"
    assert component_ids(answer)["other:1:"] == "🎭", "what somebody feels is not for the whole channel"


async def test_a_reply_to_the_bot_goes_on_with_the_talk(guest: Guest, minji: User) -> None:
    channel = guest.discord.channel(guest.discord.guild("서버", minji))
    first = await guest.answer(await guest.discord.says(minji, channel, f"{guest.discord.bot.mention} 안녕"))
    await guest.answer(await guest.discord.says(minji, channel, "그래서 말인데", to=first))
    assert [turn.text for turn in guest.house.replier.prompts[-1].turns] == ["안녕", "그랬구나.", "그래서 말인데"]


async def test_a_reply_without_its_ping_hears_why_it_cannot_be_read(guest: Guest, minji: User) -> None:
    channel = guest.discord.channel(guest.discord.guild("서버", minji))
    first = await guest.answer(await guest.discord.says(minji, channel, f"{guest.discord.bot.mention} 안녕"))
    quiet = await guest.discord.says(minji, channel, "조용히", to=first, ping=False)
    await guest.discord.until(lambda: guest.discord.answers_to(quiet))
    assert "알림(@)" in guest.discord.answers_to(quiet)[0].content


async def test_other_peoples_talk_is_not_answered(guest: Guest, minji: User, direct: Channel) -> None:
    jiwoo = guest.discord.user("지우")
    guild = guest.discord.guild("서버", minji, jiwoo)
    channel = guest.discord.channel(guild)
    for text in ("우리끼리 하는 말", "@everyone 모두 모여", f"{jiwoo.mention} 어디야"):
        await guest.discord.says(minji, channel, text)
    await guest.answer(await guest.discord.says(minji, direct, "안녕"))
    assert len(guest.house.replier.prompts) == 1


async def test_a_thread_a_channel_and_a_direct_chat_have_their_own_histories(
    guest: Guest, minji: User, direct: Channel
) -> None:
    guild = guest.discord.guild("서버", minji)
    channel = guest.discord.channel(guild)
    thread = guest.discord.channel(guild, "가지", parent=channel)
    for place in (direct, channel, thread):
        await guest.answer(await guest.discord.says(minji, place, f"{guest.discord.bot.mention} 여기는 {place.id}"))
    assert [len(prompt.turns) for prompt in guest.house.replier.prompts] == [1, 1, 1]
    assert (
        await guest.house.app.desk.messages.find(Chat("discord", str(thread.id), str(guild.id), "group"), "0") is None
    )


async def test_lines_in_a_row_are_one_thought(
    tmp_path: Path, discord: DiscordServer, minji: User, direct: Channel
) -> None:
    async with connect(tmp_path, discord, delivery={"burst_s": 0.4, "drain_s": 1.0}) as guest:
        said = [await discord.says(minji, direct, text) for text in ("있잖아", "오늘 말이야", "너무 슬펐어")]
        await guest.answer(said[-1])
        assert [discord.record.answered(one.id) for one in said] == [0, 0, 1]
        assert len(guest.house.replier.prompts) == 1


async def test_what_has_no_words_gets_an_honest_word(guest: Guest, minji: User) -> None:
    picture = {"id": "1", "filename": "a.png", "size": 1, "url": "", "proxy_url": ""}
    voice = picture | {"filename": "a.ogg", "content_type": "audio/ogg"}
    sticker = {"id": "1", "name": "wave", "format_type": 1}
    cases: list[tuple[dict[str, Any], str]] = [
        ({"attachments": [picture]}, "사진"),
        ({"attachments": [voice]}, "음성"),
        ({"stickers": [sticker]}, "스티커"),
        ({}, "불렀어"),
    ]
    for more, word in cases:
        direct = guest.discord.direct(minji)
        shown = await guest.discord.says(minji, direct, "" if more else guest.discord.bot.mention, **more)
        await guest.discord.until(lambda shown=shown: guest.discord.answers_to(shown))
        assert word in guest.discord.answers_to(shown)[0].content
    assert guest.house.replier.prompts == []


async def test_words_beside_a_picture_are_answered_and_the_picture_is_owned_up_to(
    guest: Guest, minji: User, direct: Channel
) -> None:
    picture = {"id": "1", "filename": "a.png", "size": 1, "url": "", "proxy_url": ""}
    shown = await guest.discord.says(minji, direct, "이거 봐", attachments=[picture])
    await guest.discord.until(lambda: len(guest.discord.answers_to(shown)) == 2)
    assert any("글만 읽고" in one.content for one in guest.discord.answers_to(shown))


async def test_another_bots_words_are_not_answered(guest: Guest, minji: User, direct: Channel) -> None:
    other = guest.discord.user("다른 봇")
    other.bot = True
    await guest.discord.says(other, guest.discord.direct(other), "안녕")
    await guest.answer(await guest.discord.says(minji, direct, "안녕"))
    assert len(guest.house.replier.prompts) == 1


async def test_an_answer_that_fails_ends_in_a_word(
    tmp_path: Path, discord: DiscordServer, minji: User, direct: Channel
) -> None:
    async with connect(tmp_path, discord, ReplyError("busy")) as guest:
        answer = await guest.answer(await discord.says(minji, direct, "안녕"))
        assert "밀려" in answer.content


async def test_who_writes_too_fast_hears_so_once(
    tmp_path: Path, discord: DiscordServer, minji: User, direct: Channel
) -> None:
    discord.limits.rules = {}
    async with connect(tmp_path, discord, limits={"per_minute": 1, "burst": 1}) as guest:
        said = [await discord.says(minji, direct, str(number)) for number in range(5)]
        await guest.answer(said[0])
        await discord.until(lambda: any("천천히" in entry.content for entry in discord.record.of("sent")))
        await asyncio.sleep(0.2)
        assert sum("천천히" in entry.content for entry in discord.record.of("sent")) == 1


async def test_a_full_queue_is_said(tmp_path: Path, discord: DiscordServer, minji: User, direct: Channel) -> None:
    async with connect(
        tmp_path, discord, "하나 둘 셋 넷 다섯", delivery={"queue": 1, "burst_s": 0.0, "drain_s": 0.5}
    ) as guest:
        guest.house.replier.gate.clear()
        await discord.says(minji, direct, "먼저")
        await discord.until(lambda: discord.record.of("sent"))
        jiwoo = discord.user("지우")
        late = await discord.says(jiwoo, discord.direct(jiwoo), "나도")
        await discord.until(lambda: discord.answers_to(late))
        assert "너무 많아" in discord.answers_to(late)[0].content
        guest.house.replier.gate.set()


@pytest.mark.parametrize("known", [True, False])
async def test_where_the_bot_may_not_write_nothing_breaks(
    guest: Guest, minji: User, direct: Channel, known: bool
) -> None:
    guild = guest.discord.guild("서버", minji)
    channel = guest.discord.channel(guild)
    channel.denied = Permission.SEND_MESSAGES
    if known:
        await guest.discord.join(guild)
    await guest.discord.says(minji, channel, f"{guest.discord.bot.mention} 들려?")
    await guest.discord.until(lambda: known or guest.discord.record.of("refused"))
    await guest.answer(await guest.discord.says(minji, direct, "여기는?"))
    assert len(guest.discord.limits.invalid) <= (0 if known else 6)
    assert len(guest.house.replier.prompts) == (1 if known else 2), "what cannot be answered is not taken"


@pytest.mark.parametrize("length", [LIMIT - 1, LIMIT, LIMIT + 1, 3 * LIMIT])
async def test_a_long_answer_loses_no_character(
    tmp_path: Path, discord: DiscordServer, minji: User, direct: Channel, length: int
) -> None:
    discord.limits.rules = {}
    words = "가나다라마바사아자차카타파하😭🤷‍♀️거너더러머버서어저처커터퍼허. " * (length // 10)
    block = "```python\nprint('안녕 😭')\n```\n"
    text = (block + words)[: length - 1] + "끝"
    async with connect(tmp_path, discord, text) as guest:
        asked = await discord.says(minji, direct, "길게")
        await discord.until(
            lambda: rejoined([one.content for one in direct.messages.values() if one.author is discord.bot]) == text, 60
        )
        parts = [one for one in direct.messages.values() if one.author is discord.bot]
        assert len(parts) >= -(-length // LIMIT)
        assert [bool(one.components) for one in parts] == [False] * (len(parts) - 1) + [True]
        assert discord.record.answered(asked.id) == 1
        assert guest.discord.record.mass_mentions == 0


async def test_no_answer_can_ring_everybody(
    tmp_path: Path, discord: DiscordServer, minji: User, direct: Channel
) -> None:
    async with connect(tmp_path, discord, "@everyone @here <@&1> 모두 일어나") as guest:
        await guest.answer(await discord.says(minji, direct, "안녕"))
        assert discord.record.mass_mentions == 0
