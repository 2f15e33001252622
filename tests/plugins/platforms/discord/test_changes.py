"""People change their minds: messages are rewritten and deleted, and servers put the bot out."""

from __future__ import annotations

from pathlib import Path

from bot.types import Chat
from tests.plugins.platforms.discord.conftest import Guest, connect
from tests.servers.discord_events import component_ids
from tests.servers.discord_server import DiscordServer
from tests.servers.discord_world import Channel, Message, User

WAIT_S = 20


async def _is_known(guest: Guest, message: Message) -> bool:
    guild = message.channel.guild
    chat = Chat("discord", str(message.channel.id), str(guild.id) if guild else None, "group" if guild else "direct")
    return await guest.house.app.desk.messages.find(chat, str(message.id)) is not None


async def test_a_message_that_was_rewritten_is_offered_a_new_answer(
    tmp_path: Path, discord: DiscordServer, minji: User, direct: Channel
) -> None:
    async with connect(tmp_path, discord, "첫 답", "새 답") as guest:
        asked = await discord.says(minji, direct, "나 오늘 좋아")
        answer = await guest.answer(asked)
        await discord.rewrites(asked, "나 오늘 슬퍼")
        await discord.until(lambda: "고쳤네" in answer.content, WAIT_S)
        await discord.clicks(minji, answer, "again:1:")
        await discord.until(lambda: answer.content == "새 답", WAIT_S)
        assert guest.house.replier.prompts[-1].turns[-1].text == "나 오늘 슬퍼"


async def test_a_mention_that_is_added_later_is_answered(guest: Guest, minji: User) -> None:
    channel = guest.discord.channel(guest.discord.guild("서버", minji))
    asked = await guest.discord.says(minji, channel, "아무도 없어?")
    await guest.discord.rewrites(asked, f"{guest.discord.bot.mention} 거기 있어?")
    await guest.answer(asked)
    assert guest.house.replier.prompts[-1].turns[-1].text == "거기 있어?"


async def test_other_peoples_changes_are_none_of_its_business(
    tmp_path: Path, discord: DiscordServer, minji: User, direct: Channel
) -> None:
    discord.switch_intents(message_content=True)
    ask = {"consent": {"default": "ask"}}
    async with connect(tmp_path, discord, options={"message_content": True}, **ask) as guest:
        channel = discord.channel(discord.guild("서버", minji))
        theirs = await discord.says(minji, channel, "우리끼리")
        await discord.rewrites(theirs, "우리끼리 하는 말")
        asked = await discord.says(minji, direct, "안녕")
        await discord.until(lambda: discord.answers_to(asked), WAIT_S)
        assert [entry.channel for entry in discord.record.of("sent")] == [direct.id]
        assert guest.house.classifier.asked == []


async def test_a_link_that_unfolds_is_no_change(guest: Guest, minji: User, direct: Channel) -> None:
    asked = await guest.discord.says(minji, direct, "이거 봐 https://example.org")
    answer = await guest.answer(asked)
    asked.embeds = [{"type": "link", "url": "https://example.org"}]
    await guest.discord.state._tell("MESSAGE_UPDATE", asked)
    await guest.answer(await guest.discord.says(minji, direct, "또 왔어"))
    assert answer.content == "그랬구나."


async def test_of_a_message_that_was_deleted_nothing_is_kept(guest: Guest, minji: User, direct: Channel) -> None:
    kept = await guest.discord.says(minji, direct, "이건 남아")
    await guest.answer(kept)
    gone = await guest.discord.says(minji, direct, "이건 지울래")
    await guest.answer(gone)
    await guest.discord.deletes(gone)
    await guest.answer(await guest.discord.says(minji, direct, "기억나?"))
    assert not await _is_known(guest, gone)
    assert await _is_known(guest, kept)
    assert "이건 지울래" not in [turn.text for turn in guest.house.replier.prompts[-1].turns]


async def test_an_answer_that_a_moderator_deleted_does_not_break_the_talk(
    guest: Guest, minji: User, direct: Channel
) -> None:
    answer = await guest.answer(await guest.discord.says(minji, direct, "안녕"))
    await guest.discord.deletes(answer)
    again = await guest.discord.commands(minji, direct, "regenerate")

    def mine() -> list[Message]:
        return [one for one in direct.messages.values() if one.author is guest.discord.bot]

    await guest.discord.until(lambda: any("again:1:" in component_ids(one) for one in mine()), WAIT_S)
    assert not again.failed


async def test_leaving_a_server_deletes_what_was_kept_there(guest: Guest, minji: User, direct: Channel) -> None:
    guild = guest.discord.guild("서버", minji)
    await guest.discord.join(guild)
    there = await guest.discord.says(minji, guest.discord.channel(guild), f"{guest.discord.bot.mention} 여기")
    here = await guest.discord.says(minji, direct, "저기")
    await guest.answer(there)
    await guest.answer(here)
    await guest.discord.leave(guild)
    await guest.answer(await guest.discord.says(minji, direct, "나왔어?"))
    for _ in range(100):
        if not await _is_known(guest, there):
            break
    assert not await _is_known(guest, there)
    assert await _is_known(guest, here)


async def test_a_place_has_its_own_persona_and_language(guest: Guest, minji: User) -> None:
    guild = guest.discord.guild("서버", minji)
    channel = guest.discord.channel(guild)
    for key, value in (("persona", "선배"), ("language", "en")):
        asked = await guest.discord.commands(minji, channel, "settings", key=key, value=value)
        await guest.discord.until(lambda asked=asked: "→" in asked.said, WAIT_S)
    await guest.discord.says(minji, channel, f"{guest.discord.bot.mention} hello")
    await guest.discord.until(lambda: guest.house.replier.prompts, WAIT_S)
    prompt = guest.house.replier.prompts[-1]
    assert "an older friend" in prompt.persona
    assert prompt.language == "en"
