"""The buttons under an answer: again, another emotion, paging, thumbs, stop; who may, and for how long."""

from __future__ import annotations

import asyncio
from pathlib import Path

from bot.types import Person
from tests.plugins.platforms.discord.conftest import Guest, connect
from tests.servers.discord_events import component_ids
from tests.servers.discord_server import DiscordServer
from tests.servers.discord_world import EPHEMERAL, Channel, Message, Permission, User

A_DAY_S = 26 * 3_600
ANSWERS = ("첫 번째 답이야.", "두 번째 답이야.", "세 번째 답이야.")


async def _answered(guest: Guest, person: User, place: Channel) -> Message:
    return await guest.answer(await guest.discord.says(person, place, f"{guest.discord.bot.mention} 오늘 좀 슬퍼"))


async def _becomes(guest: Guest, message: Message, content: str) -> None:
    await guest.discord.until(lambda: message.content == content and "again:1:" in component_ids(message), 20)


async def test_again_adds_a_variant_in_the_same_message_and_all_can_be_paged(
    tmp_path: Path, discord: DiscordServer, minji: User, direct: Channel
) -> None:
    discord.limits.rules = {}
    async with connect(tmp_path, discord, *ANSWERS) as guest:
        answer = await _answered(guest, minji, direct)
        for content in ANSWERS[1:]:
            click = await discord.clicks(minji, answer, "again:1:")
            await _becomes(guest, answer, content)
            assert not click.failed
        labels = component_ids(answer)
        assert (labels["select:1:2"], "select:1:4" in labels) == ("◀️", False)
        assert [one["label"] for one in answer.components[1]["components"] if one.get("label")] == ["3/3"]
        await discord.clicks(minji, answer, "select:1:2")
        await _becomes(guest, answer, ANSWERS[1])
        await discord.clicks(minji, answer, "select:1:1")
        await _becomes(guest, answer, ANSWERS[0])
        assert len(discord.record.of("sent")) == 1


async def test_the_answer_that_was_turned_down_is_told_to_the_replier(
    tmp_path: Path, discord: DiscordServer, minji: User, direct: Channel
) -> None:
    async with connect(tmp_path, discord, *ANSWERS) as guest:
        answer = await _answered(guest, minji, direct)
        await discord.clicks(minji, answer, "again:1:")
        await _becomes(guest, answer, ANSWERS[1])
        assert guest.house.replier.prompts[-1].rejected == (ANSWERS[0],)


async def test_another_emotion_is_chosen_from_the_five_best_or_by_group(
    tmp_path: Path, discord: DiscordServer, minji: User, direct: Channel
) -> None:
    async with connect(tmp_path, discord, *ANSWERS) as guest:
        answer = await _answered(guest, minji, direct)
        click = await discord.clicks(minji, answer, "other:1:")
        await discord.until(lambda: click.original and click.original.components, 20)
        picker = click.original
        assert picker is not None
        assert picker.flags & EPHEMERAL
        best, groups = (row["components"][0] for row in picker.components)
        assert (len(best["options"]), best["options"][0]["value"], len(groups["options"])) == (5, "sad", 7)
        await discord.clicks(minji, picker, groups["custom_id"], "anxiety")
        await discord.until(lambda: "pick:1:member" in component_ids(picker), 20)
        await discord.clicks(minji, picker, "pick:1:member", "afraid")
        await _becomes(guest, answer, ANSWERS[1])
        reading = guest.house.replier.prompts[-1].turns[-1].reading
        assert reading is not None
        assert (reading.top.label, reading.model) == ("두려운", "person")
        assert "두려운" in picker.content
        assert component_ids(answer)["other:1:"] == "🎭두려운"


async def test_a_reading_that_may_not_be_kept_can_still_be_chosen_from(
    tmp_path: Path, discord: DiscordServer, minji: User, direct: Channel
) -> None:
    async with connect(tmp_path, discord, consent={"default": "ask"}) as guest:
        await guest.house.app.privacy.consent(_person(minji), ["talk"])
        answer = await _answered(guest, minji, direct)
        click = await discord.clicks(minji, answer, "other:1:")
        await discord.until(lambda: click.original and click.original.components, 20)
        assert click.original is not None
        assert click.original.components[0]["components"][0]["custom_id"] == "pick:1:best"


async def test_thumbs_are_thanked_for(guest: Guest, minji: User, direct: Channel) -> None:
    answer = await _answered(guest, minji, direct)
    click = await guest.discord.clicks(minji, answer, "feedback:1:-1")
    await guest.discord.until(lambda: click.followups, 20)
    assert click.followups[0].flags & EPHEMERAL
    assert (await guest.house.app.desk.conversations.exchange(1)).feedback == -1


async def test_stop_keeps_what_was_said_so_far(
    tmp_path: Path, discord: DiscordServer, minji: User, direct: Channel
) -> None:
    async with connect(tmp_path, discord, "첫 문장이야. 둘째 문장이야. 셋째 문장은 끝나지 않아.") as guest:
        guest.house.replier.gate.clear()
        asked = await discord.says(minji, direct, "안녕")
        await discord.until(lambda: discord.answers_to(asked), 20)
        answer = discord.answers_to(asked)[0]
        assert component_ids(answer) == {"stop:1:": "⏹️"}
        await discord.until(lambda: answer.content.strip() == "첫 문장이야. 둘째 문장이야.", 20)
        await discord.clicks(minji, answer, "stop:1:")
        await discord.until(lambda: "멈췄어" in answer.content, 20)
        assert answer.content.startswith("첫 문장이야. 둘째 문장이야.")
        assert "again:1:" in component_ids(answer)


async def test_only_the_asker_or_a_moderator_may_click(guest: Guest, minji: User) -> None:
    jiwoo, boss = guest.discord.user("지우"), guest.discord.user("방장")
    guild = guest.discord.guild("서버", boss, minji, jiwoo)
    answer = await _answered(guest, minji, guest.discord.channel(guild))
    click = await guest.discord.clicks(jiwoo, answer, "again:1:")
    await guest.discord.until(lambda: click.followups, 20)
    assert click.followups[0].flags & EPHEMERAL
    assert "다른 사람의 대화" in click.said
    guild.members[jiwoo] = Permission.MANAGE_MESSAGES
    for person in (jiwoo, boss):
        again = await guest.discord.clicks(person, answer, "again:1:")
        prompts = len(guest.house.replier.prompts)
        await guest.discord.until(lambda n=prompts: len(guest.house.replier.prompts) > n, 20)
        await guest.discord.until(lambda: "again:1:" in component_ids(answer), 20)
        assert again.followups == []
    assert len(guest.house.replier.prompts) == 3


async def test_a_double_click_starts_one_job(
    tmp_path: Path, discord: DiscordServer, minji: User, direct: Channel
) -> None:
    async with connect(tmp_path, discord, "답이야.", "하나 둘 셋 넷 다섯", "답이야.") as guest:
        answer = await _answered(guest, minji, direct)
        guest.house.replier.gate.clear()
        shown = list(answer.components)
        clicks = []
        for _ in range(2):
            answer.components = shown  # both fingers saw the button
            clicks.append(await discord.clicks(minji, answer, "again:1:"))
        await discord.until(lambda: any("벌써" in click.said for click in clicks), 20)
        guest.house.replier.gate.set()
        await _becomes(guest, answer, "하나 둘 셋 넷 다섯")
        assert len(guest.house.replier.prompts) == 2
        assert not any(click.failed for click in clicks)


async def test_a_button_that_means_nothing_is_answered(guest: Guest, minji: User, direct: Channel) -> None:
    answer = await _answered(guest, minji, direct)
    for custom_id in ("something:else", "again:99999:"):
        answer.components = [{"type": 1, "components": [{"type": 2, "style": 1, "label": "?", "custom_id": custom_id}]}]
        click = await guest.discord.clicks(minji, answer, custom_id)
        await guest.discord.until(lambda click=click: click.said, 10)
        assert not click.failed


async def test_old_messages_have_working_buttons_and_few_edits(
    tmp_path: Path, discord: DiscordServer, minji: User, direct: Channel
) -> None:
    discord.clock.forward(-A_DAY_S)
    async with connect(tmp_path, discord, "답이야.", "오래된 말에 길게 답해. 둘째 문장이야. 셋째 문장이야.") as guest:
        answer = await _answered(guest, minji, direct)
        discord.clock.forward(A_DAY_S)
        guest.house.replier.gate.clear()
        click = await discord.clicks(minji, answer, "again:1:")
        await discord.until(lambda: component_ids(answer) == {"stop:1:": "⏹️"}, 20)
        await asyncio.sleep(1.5)
        guest.house.replier.gate.set()
        await _becomes(guest, answer, "오래된 말에 길게 답해. 둘째 문장이야. 셋째 문장이야.")
        assert not click.failed
        assert len(discord.limits.old_edits[answer.id]) == 2


async def test_when_an_old_message_takes_no_more_edits_the_answer_stands_in_a_new_one(
    tmp_path: Path, discord: DiscordServer, minji: User, direct: Channel
) -> None:
    discord.clock.forward(-A_DAY_S)
    async with connect(tmp_path, discord, *ANSWERS) as guest:
        answer = await _answered(guest, minji, direct)
        discord.clock.forward(A_DAY_S)
        discord.limits.old_edits[answer.id] = [discord.clock.now()] * 9
        await discord.clicks(minji, answer, "again:1:")

        def mine() -> list[Message]:
            return [one for one in direct.messages.values() if one.author is discord.bot]

        await discord.until(lambda: len(mine()) == 2 and mine()[-1].content == ANSWERS[1], 20)


async def test_a_click_is_answered_at_once_however_slow_the_replier(
    tmp_path: Path, discord: DiscordServer, minji: User, direct: Channel
) -> None:
    async with connect(tmp_path, discord, "답이야.", "하나 둘 셋 넷 다섯") as guest:
        answer = await _answered(guest, minji, direct)
        guest.house.replier.gate.clear()
        click = await discord.clicks(minji, answer, "again:1:")
        await discord.until(lambda: click.answer, 10)
        assert click.took_s < 3
        await asyncio.sleep(0)
        guest.house.replier.gate.set()


def _person(user: User) -> Person:
    return Person("discord", str(user.id))
