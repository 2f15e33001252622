"""The connection breaks in every way Discord knows; what people write meanwhile is answered all the same, once."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bot.errors import OperatorError
from bot.types import Chat, Person
from plugins.platforms.discord import DiscordPlatform
from tests.house import open_house
from tests.plugins.platforms.discord.conftest import Guest, connect, is_finished
from tests.servers.discord_server import DiscordServer
from tests.servers.discord_world import Channel, User

WAIT_S = 30


async def _back(guest: Guest, kind: str, count: int = 1) -> None:
    await guest.discord.until(lambda: len(guest.discord.record.of(kind)) >= count, WAIT_S)  # type: ignore[arg-type]


async def test_a_line_that_breaks_is_resumed_and_nothing_is_missed(guest: Guest, minji: User, direct: Channel) -> None:
    guest.discord.gateway.cut()
    missed = await guest.discord.says(minji, direct, "끊긴 동안 한 말")
    await guest.answer(missed)
    assert len(guest.discord.record.of("resume")) == 1
    assert guest.discord.record.doubled() == {}


async def test_only_a_long_absence_is_trouble(
    guest: Guest, minji: User, direct: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("plugins.platforms.discord.connection.PATIENCE_S", 0.0)
    await guest.answer(await guest.discord.says(minji, direct, "안녕"))
    assert guest.platform.trouble() == ""
    guest.discord.down = 503
    guest.discord.gateway.closed = True
    guest.discord.gateway.cut()
    while not guest.platform.trouble():
        await asyncio.sleep(0.02)
    guest.discord.down = None
    guest.discord.gateway.closed = False
    while guest.platform.trouble():
        await asyncio.sleep(0.02)


async def test_a_wish_to_reconnect_is_followed(guest: Guest, minji: User, direct: Channel) -> None:
    await guest.discord.gateway.ask_to_reconnect()
    await _back(guest, "resume")
    await guest.answer(await guest.discord.says(minji, direct, "안녕"))


async def test_a_session_that_is_lost_is_begun_anew_and_caught_up_with(
    guest: Guest, minji: User, direct: Channel
) -> None:
    await guest.answer(await guest.discord.says(minji, direct, "안녕"))
    await guest.discord.gateway.invalidate()
    missed = [await guest.discord.says(minji, direct, f"못 들은 말 {number}") for number in range(2)]
    await _back(guest, "identify", 2)
    await guest.answer(missed[-1])
    assert [turn.text for turn in guest.house.replier.prompts[-1].turns if turn.role == "user"][-2:] == [
        "못 들은 말 0",
        "못 들은 말 1",
    ]
    assert guest.discord.record.doubled() == {}


async def test_a_frame_that_is_no_json_costs_a_connection_and_no_message(
    guest: Guest, minji: User, direct: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("plugins.platforms.discord.connection.RETRY_S", (0.1,))
    await guest.answer(await guest.discord.says(minji, direct, "안녕"))
    for link in list(guest.discord.gateway.links):
        await link.socket.send_str("{ no json")
    missed = await guest.discord.says(minji, direct, "못 들은 말")
    await guest.answer(missed)
    assert guest.discord.record.doubled() == {}


async def test_requests_that_are_limited_are_repeated_in_time(guest: Guest, minji: User, direct: Channel) -> None:
    guest.discord.limits.rules = dict.fromkeys(guest.discord.limits.rules, (5, 1.0))  # waited out at each refusal
    guest.discord.limits.chance, guest.discord.limits.chance_wait_s = 0.5, 0.15
    said = [await guest.discord.says(minji, guest.discord.direct(minji), f"말 {number}") for number in range(4)]
    for message in said:
        await guest.answer(message)
    assert guest.discord.record.of("limited")
    assert guest.discord.record.of("inside_ban") == []
    assert guest.discord.record.doubled() == {}


async def test_a_server_that_fails_for_a_moment_loses_nothing(guest: Guest, minji: User, direct: Channel) -> None:
    guest.discord.down = 500
    asked = await guest.discord.says(minji, direct, "안녕")
    await guest.discord.until(lambda: sum("POST" in one for one in guest.discord.requests) >= 2, WAIT_S)
    guest.discord.down = None
    await guest.answer(asked)
    assert guest.discord.record.doubled() == {}


async def test_discord_may_be_down_when_the_bot_starts(
    tmp_path: Path, discord: DiscordServer, minji: User, direct: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("plugins.platforms.discord.connection.RETRY_S", (0.1,))
    discord.down = 503

    async def comes_up() -> None:
        while not discord.requests:
            await asyncio.sleep(0.02)
        discord.down = None

    coming = asyncio.create_task(comes_up())
    async with connect(tmp_path, discord) as guest:
        await guest.answer(await discord.says(minji, direct, "이제 왔네"))
    await coming


async def test_an_outage_in_the_middle_of_an_answer_delays_it_and_loses_nothing(
    tmp_path: Path, discord: DiscordServer, minji: User, direct: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.screen.RETRIES_S", ())
    jiwoo = discord.user("지우")
    other = discord.direct(jiwoo)
    async with connect(tmp_path, discord, "하나 둘 셋 넷 다섯") as guest:
        guest.house.replier.gate.clear()
        asked = await discord.says(minji, direct, "안녕")
        while not guest.house.replier.prompts:
            await asyncio.sleep(0.02)
        discord.down = 503
        guest.house.replier.gate.set()
        while guest.house.app.delivery._lanes:
            await asyncio.sleep(0.02)
        discord.down = None
        await asyncio.sleep(1)  # what was tried in vain is tried again after a pause only
        await guest.answer(await discord.says(jiwoo, other, "이제 돼?"))
        assert (await guest.answer(asked)).content == "하나 둘 셋 넷 다섯"
        assert len(guest.house.replier.prompts) == 2, "the answer was kept"
    assert discord.record.doubled() == {}


async def test_while_discord_is_down_at_the_start_other_platforms_are_answered(
    tmp_path: Path, discord: DiscordServer, minji: User, direct: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("plugins.platforms.discord.connection.RETRY_S", (0.1,))
    monkeypatch.setattr("plugins.platforms.discord.connection.START_S", 0.5)
    asked = await discord.says(minji, direct, "안녕")
    discord.down = 503
    async with open_house(tmp_path, delivery={"burst_s": 0.0, "workers": 1}) as house:
        platform = DiscordPlatform(api_base=discord.api_base, gateway=discord.gateway_url, identify_every_s=0.1)
        house.app.desk.platforms["discord"] = platform  # type: ignore[index]
        running = asyncio.create_task(platform.run(house.app))
        here, somebody = Chat("discord", str(direct.id)), Person("discord", str(minji.id))
        await house.app.delivery.receive(house.incoming("안녕", somebody, here, message_id=str(asked.id)))
        assert (await house.say("여기는?")).text == "그랬구나."
        discord.down = None
        await discord.until(lambda: discord.answers_to(asked) and is_finished(discord.answers_to(asked)[0]), WAIT_S)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_a_wrong_token_ends_in_one_clear_line(tmp_path: Path, discord: DiscordServer) -> None:
    discord.gateway.token = "another"
    with pytest.raises(OperatorError, match="DISCORD_TOKEN"):
        await _run(tmp_path, discord)


async def test_an_intent_that_is_not_switched_on_ends_in_one_clear_line(tmp_path: Path, discord: DiscordServer) -> None:
    with pytest.raises(OperatorError, match="Message Content Intent"):
        await _run(tmp_path, discord, message_content=True)


async def test_a_process_may_take_some_of_the_shards(tmp_path: Path, discord: DiscordServer) -> None:
    async with connect(tmp_path, discord, options={"shard_count": 3, "shard_ids": (1,)}):
        assert [session.shard for session in discord.gateway.connected()] == [(1, 3)]


def test_shards_that_do_not_exist_are_refused() -> None:
    with pytest.raises(OperatorError, match="shard_ids"):
        DiscordPlatform(shard_count=2, shard_ids=(2,))


async def test_discord_says_where_to_connect_and_in_how_many_shards_that_share_the_servers(
    tmp_path: Path, discord: DiscordServer, minji: User, direct: Channel
) -> None:
    discord.gateway.needs_shards = True
    places = [discord.channel(discord.guild(f"서버 {number}", minji)) for number in range(4)]
    async with connect(tmp_path, discord, options={"gateway": ""}) as guest:
        await discord.ready(2, WAIT_S)
        assert "GET /gateway/bot" in discord.requests
        assert sorted(session.shard for session in discord.gateway.connected()) == [(0, 2), (1, 2)]
        for place in (*places, direct):
            await guest.answer(await discord.says(minji, place, f"{discord.bot.mention} 안녕"))


async def _run(tmp: Path, discord: DiscordServer, **options: object) -> None:
    """Connect, and let what goes wrong come out."""
    async with open_house(tmp) as house:
        platform = DiscordPlatform(api_base=discord.api_base, gateway=discord.gateway_url, **options)  # type: ignore[arg-type]
        await asyncio.wait_for(platform.run(house.app), WAIT_S)
