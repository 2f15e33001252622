"""Slash commands and a message's menu, in Korean and English, answered at once and for the right eyes."""

from __future__ import annotations

import json
from pathlib import Path

from bot.commands import COMMANDS
from bot.errors import ReplyError
from bot.types import Chat, Person
from tests.plugins.platforms.discord.conftest import Guest, connect
from tests.servers.discord_events import component_ids
from tests.servers.discord_hooks import Interaction
from tests.servers.discord_server import DiscordServer
from tests.servers.discord_world import EPHEMERAL, Channel, Permission, User

WAIT_S = 20


async def _said(discord: DiscordServer, interaction: Interaction) -> str:
    """What a command says in the end."""
    await discord.until(lambda: interaction.said.strip() and not _is_loading(interaction), WAIT_S)
    return interaction.said


def _is_loading(interaction: Interaction) -> bool:
    return bool(interaction.original and interaction.original.flags & 1 << 7)


async def test_every_command_is_there_with_its_korean_name(guest: Guest) -> None:
    found = {one["name"]: one for one in guest.discord.state.commands}
    assert set(found) == {"chat", *COMMANDS, "다시 답하기", "감정 보기"}
    assert found["chat"]["name_localizations"]["ko"] == "대화"
    assert found["chat"]["description_localizations"]["ko"] == "마음에게 말을 걸어요"
    assert found["다시 답하기"]["name_localizations"]["en-US"] == "Answer again"
    assert found["regenerate"]["options"][1]["choices"][1]["name_localizations"]["ko"] == "부드럽게"
    assert int(found["settings"]["default_member_permissions"]) == Permission.MANAGE_GUILD
    assert int(found["emotions"]["default_member_permissions"]) == Permission.MANAGE_MESSAGES
    assert found["emotions"]["contexts"] == [0]


async def test_chat_is_answered_in_the_place_of_its_deferral(guest: Guest, minji: User) -> None:
    channel = guest.discord.channel(guest.discord.guild("서버", minji))
    asked = await guest.discord.commands(minji, channel, "chat", text="오늘 좀 슬퍼")
    await guest.discord.until(lambda: asked.said == "그랬구나.", WAIT_S)
    assert asked.original is not None
    assert "again:1:" in component_ids(asked.original)
    assert len(guest.discord.record.of("sent")) == 1


async def test_the_first_answer_comes_at_once_while_the_replier_hangs(
    tmp_path: Path, discord: DiscordServer, minji: User, direct: Channel
) -> None:
    async with connect(tmp_path, discord, "하나 둘 셋 넷 다섯 여섯") as guest:
        guest.house.replier.gate.clear()
        asked = await discord.commands(minji, direct, "chat", text="안녕")
        await discord.until(lambda: asked.answer, 10)
        assert asked.took_s < 3
        assert not asked.failed
        guest.house.replier.gate.set()
        await discord.until(lambda: asked.said == "하나 둘 셋 넷 다섯 여섯", WAIT_S)


async def test_after_fifteen_minutes_the_bot_edits_the_message_itself(
    guest: Guest, minji: User, direct: Channel
) -> None:
    guest.house.replier.answers.extend(["첫 답", "둘째 답"])
    asked = await guest.discord.commands(minji, direct, "chat", text="안녕")
    await guest.discord.until(lambda: asked.said == "첫 답", WAIT_S)
    guest.discord.clock.forward(15 * 60 + 5)
    assert asked.original is not None
    await guest.discord.clicks(minji, asked.original, "again:1:")
    await guest.discord.until(lambda: asked.said == "둘째 답", WAIT_S)
    assert len(guest.discord.record.of("sent")) == 1


async def test_a_chat_that_fails_ends_in_a_word(
    tmp_path: Path, discord: DiscordServer, minji: User, direct: Channel
) -> None:
    async with connect(tmp_path, discord, ReplyError("timeout")):
        asked = await discord.commands(minji, direct, "chat", text="안녕")
        await discord.until(lambda: "길어졌어" in asked.said, WAIT_S)


async def test_a_command_answers_only_the_asker_in_their_language(guest: Guest) -> None:
    for locale in ("ko", "en-US"):
        for name in sorted({*COMMANDS} - {"emotions", "settings", "regenerate"}):
            somebody = guest.discord.user(f"{name} {locale}", locale)
            channel = guest.discord.channel(guest.discord.guild("서버", somebody))
            asked = await guest.discord.commands(somebody, channel, name)
            said = await _said(guest.discord, asked)
            assert not asked.failed
            assert asked.original is not None
            assert asked.original.flags & EPHEMERAL
            assert any("가" <= letter <= "힣" for letter in said) == (locale == "ko"), said


async def test_export_brings_files(guest: Guest, minji: User, direct: Channel) -> None:
    await guest.answer(await guest.discord.says(minji, direct, "안녕하세요"))
    asked = await guest.discord.commands(minji, direct, "export")
    await _said(guest.discord, asked)
    assert asked.original is not None
    files = asked.original.files
    assert set(files) == {"maum.html", "maum.json"}
    assert json.loads(files["maum.json"])["tables"]["messages"][0]["text"] == "안녕하세요"


async def test_forget_asks_first_and_then_nothing_is_left(guest: Guest, minji: User, direct: Channel) -> None:
    await guest.answer(await guest.discord.says(minji, direct, "비밀이야"))
    asked = await guest.discord.commands(minji, direct, "forget")
    await _said(guest.discord, asked)
    assert asked.original is not None
    await guest.discord.clicks(minji, asked.original, "do:forget:all")
    await guest.discord.until(lambda: "지웠" in asked.said, WAIT_S)
    exported = await guest.house.app.privacy.export(Person("discord", str(minji.id)))
    assert exported["tables"]["messages"] == []


async def test_regenerate_takes_an_emotion_that_is_found_by_typing(
    tmp_path: Path, discord: DiscordServer, minji: User, direct: Channel
) -> None:
    async with connect(tmp_path, discord, "첫 답", "둘째 답", "셋째 답") as guest:
        answer = await guest.answer(await discord.says(minji, direct, "안녕"))
        typed = await discord.types(minji, direct, "regenerate", "emotion", "두려")
        await discord.until(lambda: typed.choices, 10)
        assert typed.choices == [{"name": "😨 두려운", "value": "afraid"}]
        everything = await discord.types(minji, direct, "regenerate", "emotion", "")
        await discord.until(lambda: everything.choices, 10)
        assert len(everything.choices) == 25
        await discord.commands(minji, direct, "regenerate", emotion="afraid", tone="softer")
        await discord.until(lambda: answer.content == "둘째 답", WAIT_S)
        assert "anxiety" in guest.house.replier.prompts[-1].aim.groups
        assert [prompt.aim.tone for prompt in guest.house.replier.prompts] == ["usual", "softer"]
        await discord.until(lambda: "again:1:" in component_ids(answer), WAIT_S)
        await discord.commands(minji, direct, "regenerate", tone="shorter")
        await discord.until(lambda: answer.content == "셋째 답", WAIT_S)
        assert guest.house.replier.prompts[-1].aim.tone == "shorter"


async def test_a_command_that_cannot_be_done_says_why(guest: Guest, minji: User, direct: Channel) -> None:
    asked = await guest.discord.commands(minji, direct, "regenerate")
    assert "아직" in await _said(guest.discord, asked)


class TestMenu:
    async def test_again_on_an_answer_on_its_question_and_on_a_slash_answer(
        self, tmp_path: Path, discord: DiscordServer, minji: User
    ) -> None:
        discord.limits.rules = {}
        async with connect(tmp_path, discord, "하나", "둘", "셋", "넷", "다섯") as guest:
            channel = discord.channel(discord.guild("서버", minji))
            question = await discord.says(minji, channel, f"{discord.bot.mention} 안녕")
            answer = await guest.answer(question)
            for target, content in ((answer, "둘"), (question, "셋")):
                await discord.chooses(minji, "다시 답하기", target)
                await discord.until(lambda content=content: answer.content == content, WAIT_S)
                await discord.until(lambda: "again:1:" in component_ids(answer), WAIT_S)
            asked = await discord.commands(minji, channel, "chat", text="안녕")
            await discord.until(lambda: asked.said == "넷", WAIT_S)
            assert asked.original is not None
            await discord.until(lambda: "again:2:" in component_ids(asked.original or answer), WAIT_S)
            await discord.chooses(minji, "다시 답하기", asked.original)
            await discord.until(lambda: asked.said == "다섯", WAIT_S)

    async def test_again_on_ones_own_words_that_the_bot_could_not_see_answers_them(
        self, guest: Guest, minji: User
    ) -> None:
        channel = guest.discord.channel(guest.discord.guild("서버", minji))
        unseen = await guest.discord.says(minji, channel, "혼잣말이야")
        await guest.discord.chooses(minji, "다시 답하기", unseen)
        await guest.answer(unseen)
        assert guest.house.replier.prompts[-1].turns[-1].text == "혼잣말이야"

    async def test_again_on_somebody_elses_words_is_refused(self, guest: Guest, minji: User) -> None:
        jiwoo = guest.discord.user("지우")
        channel = guest.discord.channel(guest.discord.guild("서버", minji, jiwoo))
        theirs = await guest.discord.says(jiwoo, channel, "남의 말")
        asked = await guest.discord.chooses(minji, "다시 답하기", theirs)
        assert "찾을 수 없어" in await _said(guest.discord, asked)
        assert guest.house.replier.prompts == []

    async def test_the_reading_of_a_message_is_shown_to_its_writer_only(self, guest: Guest, minji: User) -> None:
        jiwoo = guest.discord.user("지우")
        channel = guest.discord.channel(guest.discord.guild("서버", minji, jiwoo))
        asked = await guest.discord.says(minji, channel, f"{guest.discord.bot.mention} 슬퍼")
        answer = await guest.answer(asked)
        mine = await guest.discord.chooses(minji, "감정 보기", answer)
        assert "90% 슬픔" in await _said(guest.discord, mine)
        theirs = await guest.discord.chooses(jiwoo, "감정 보기", asked)
        assert "다른 사람의 대화" in await _said(guest.discord, theirs)

    async def test_the_reading_of_ones_unseen_words_is_not_kept(self, guest: Guest, minji: User) -> None:
        guild = guest.discord.guild("서버", minji)
        channel = guest.discord.channel(guild)
        unseen = await guest.discord.says(minji, channel, "나 슬퍼")
        asked = await guest.discord.chooses(minji, "감정 보기", unseen)
        assert "슬픔" in await _said(guest.discord, asked)
        here = Chat("discord", str(channel.id), str(guild.id), "group")
        assert await guest.house.app.desk.messages.find(here, str(unseen.id)) is None


class TestModerators:
    async def test_settings_are_changed_by_moderators_only(self, guest: Guest, minji: User) -> None:
        boss = guest.discord.user("방장")
        channel = guest.discord.channel(guest.discord.guild("서버", boss, minji))
        refused = await guest.discord.commands(minji, channel, "settings", key="language", value="en")
        assert "관리자만" in await _said(guest.discord, refused)
        changed = await guest.discord.commands(boss, channel, "settings", key="language", value="en")
        assert "language → en" in await _said(guest.discord, changed)
        await guest.discord.says(minji, channel, f"{guest.discord.bot.mention} hello")
        await guest.discord.until(lambda: guest.house.replier.prompts, WAIT_S)
        assert guest.house.replier.prompts[-1].language == "en"

    async def test_a_whole_channel_is_listened_to_where_a_moderator_says_so_and_the_intent_is_on(
        self, tmp_path: Path, discord: DiscordServer, minji: User
    ) -> None:
        discord.switch_intents(message_content=True)
        async with connect(tmp_path, discord, options={"message_content": True}) as guest:
            guild = discord.guild("서버", minji)
            heard, quiet = discord.channel(guild, "듣는 곳"), discord.channel(guild, "안 듣는 곳")
            asked = await discord.commands(minji, heard, "settings", key="channels", value=f"<#{heard.id}>")
            assert str(heard.id) in await _said(discord, asked)
            await discord.says(minji, quiet, "여긴 아니야")
            await guest.answer(await discord.says(minji, heard, "그냥 하는 말"))
            assert [prompt.turns[-1].text for prompt in guest.house.replier.prompts] == ["그냥 하는 말"]

    async def test_without_the_intent_a_moderator_hears_that_it_is_off(self, guest: Guest, minji: User) -> None:
        channel = guest.discord.channel(guest.discord.guild("서버", minji))
        asked = await guest.discord.commands(minji, channel, "settings", key="channels", value=str(channel.id))
        await guest.discord.until(lambda: "message_content" in asked.said, WAIT_S)

    async def test_who_has_not_agreed_is_not_listened_to_in_a_whole_channel(
        self, tmp_path: Path, discord: DiscordServer, minji: User
    ) -> None:
        discord.switch_intents(message_content=True)
        more = {"consent": {"default": "ask"}}
        async with connect(tmp_path, discord, options={"message_content": True}, **more) as guest:
            guild = discord.guild("서버", minji)
            channel = discord.channel(guild)
            here = Chat("discord", str(channel.id), str(guild.id), "group")
            boss = Person("discord", str(minji.id))
            await guest.house.app.spaces.change(here, "channels", str(channel.id), boss)
            await discord.says(minji, channel, "그냥 하는 말")
            called = await discord.says(minji, channel, f"{discord.bot.mention} 부르는 말")
            await discord.until(lambda: discord.answers_to(called), WAIT_S)
            assert len(discord.record.of("sent")) == 1
            assert guest.house.classifier.asked == []

    async def test_the_emotion_log_is_shown_to_moderators_of_that_server_by_whispers(
        self, guest: Guest, minji: User
    ) -> None:
        boss, member = guest.discord.user("방장"), guest.discord.user("지우")
        guild = guest.discord.guild("서버", boss, minji, member)
        channel = guest.discord.channel(guild)
        await guest.answer(await guest.discord.says(minji, channel, f"{guest.discord.bot.mention} 슬퍼"))
        asked = await guest.discord.commands(boss, channel, "emotions", person=minji, since="7d", group="sadness")
        said = await _said(guest.discord, asked)
        assert "슬픔 1" in said
        assert "민지" not in said
        assert asked.original is not None
        assert asked.original.flags & EPHEMERAL
        refused = await guest.discord.commands(member, channel, "emotions")
        assert "관리자만" in await _said(guest.discord, refused)
        elsewhere = guest.discord.channel(guest.discord.guild("다른 서버", member, boss))
        refused = await guest.discord.commands(boss, elsewhere, "emotions")
        assert "관리자만" in await _said(guest.discord, refused)
