"""Rules of the gateway, shown by a wrong client that is put out; and whose words an app may read."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.servers.discord_client import BareClient
from tests.servers.discord_server import DiscordServer
from tests.servers.discord_world import Channel, User


class TestGateway:
    async def test_a_right_client_is_welcome(self, server: DiscordServer, client: BareClient) -> None:
        server.guild("서버", server.user("방장"))
        socket = await client.connect()
        assert (await socket.hear())["d"]["heartbeat_interval"] == 41_250
        await socket.identify(shard=[0, 1])
        ready = await socket.hear()
        assert ready["d"]["resume_gateway_url"] == server.gateway_url
        assert ready["d"]["shard"] == [0, 1]
        assert (await socket.hear())["t"] == "GUILD_CREATE"
        await socket.say(1, 2)
        assert (await socket.hear())["op"] == 11

    @pytest.mark.parametrize(
        ("fields", "code"),
        [
            ({"token": "wrong"}, 4004),
            ({"intents": 1 << 15}, 4014),
            ({"intents": 1 << 1}, 4014),
            ({"intents": 1 << 30}, 4013),
            ({"intents": None}, 4013),
            ({"shard": [2, 2]}, 4010),
            ({"properties": {}}, 4002),
        ],
    )
    async def test_a_wrong_identify_is_closed(self, client: BareClient, fields: dict[str, Any], code: int) -> None:
        socket = await client.connect()
        await socket.hear()
        await socket.identify(**fields)
        assert await socket.closed_with() == code

    async def test_the_message_content_intent_must_be_switched_on(
        self, server: DiscordServer, client: BareClient
    ) -> None:
        server.switch_intents(message_content=True)
        await client.identified(intents=1 << 15)

    async def test_a_big_bot_needs_shards(self, server: DiscordServer, client: BareClient) -> None:
        server.gateway.needs_shards = True
        socket = await client.connect()
        await socket.hear()
        await socket.identify()
        assert await socket.closed_with() == 4011

    async def test_identifying_twice_within_five_seconds_is_invalid(
        self, server: DiscordServer, client: BareClient
    ) -> None:
        server.gateway.spacing_s = 5.0
        await client.identified()
        socket = await client.connect()
        await socket.hear()
        await socket.identify()
        assert await socket.hear() == {"op": 9, "d": False}

    async def test_too_many_identifies_a_day_reset_the_token(self, server: DiscordServer, client: BareClient) -> None:
        server.gateway.max_identifies = 2
        for _ in range(2):
            await client.identified()
        socket = await client.connect()
        await socket.hear()
        await socket.identify()
        await socket.socket.receive(timeout=5)
        assert (await client.call("GET", "/users/@me"))[0] == 401

    @pytest.mark.parametrize(
        ("said", "code"), [('{"op": 77, "d": null}', 4001), ("nonsense", 4002), ('{"op": 3, "d": {}}', 4003)]
    )
    async def test_a_wrong_payload_is_closed(self, client: BareClient, said: str, code: int) -> None:
        socket = await client.connect()
        await socket.hear()
        await socket.socket.send_str(said)
        assert await socket.closed_with() == code

    async def test_a_payload_over_4096_bytes_is_closed(self, client: BareClient) -> None:
        socket = await client.connect()
        await socket.hear()
        await socket.identify(more="a" * 4_096)
        assert await socket.closed_with() == 4002

    async def test_more_than_120_payloads_a_minute_are_too_many(self, client: BareClient) -> None:
        socket = await client.identified()
        for _ in range(120):
            await socket.say(1, None)
        assert await socket.closed_with() == 4008

    async def test_identifying_again_on_one_connection_is_closed(self, client: BareClient) -> None:
        socket = await client.identified()
        await socket.identify()
        assert await socket.closed_with() == 4005

    async def test_another_version_or_encoding_is_refused(self, client: BareClient) -> None:
        socket = await client.connect("v=6&encoding=etf")
        assert await socket.closed_with() == 4012

    async def test_a_missed_heartbeat_ends_the_connection(self, server: DiscordServer, client: BareClient) -> None:
        server.gateway.heartbeat_s = 0.1
        socket = await client.identified()
        assert await socket.closed_with() == 4000

    async def test_a_heartbeat_may_stay_without_an_answer(self, server: DiscordServer, client: BareClient) -> None:
        socket = await client.identified()
        server.gateway.acks = False
        await socket.say(1, 1)
        with pytest.raises(TimeoutError):
            await socket.socket.receive(timeout=0.2)

    async def test_a_resume_brings_what_was_missed(
        self, server: DiscordServer, client: BareClient, minji: User, chat: Channel
    ) -> None:
        socket = await client.identified()
        server.gateway.cut()
        await server.says(minji, chat, "못 들은 말")
        again = await client.connect()
        await again.hear()
        await again.resume(server.gateway.sessions[0].id, 1)
        assert (await again.hear())["d"]["content"] == "못 들은 말"
        assert (await again.hear())["t"] == "RESUMED"
        assert socket.socket.close_code != 1000

    async def test_a_resume_without_its_session_is_invalid(self, client: BareClient) -> None:
        socket = await client.connect()
        await socket.hear()
        await socket.resume("nothing", 1)
        assert await socket.hear() == {"op": 9, "d": False}

    async def test_a_session_that_was_closed_properly_cannot_be_resumed(
        self, server: DiscordServer, client: BareClient
    ) -> None:
        socket = await client.identified()
        await socket.socket.close(code=1000)
        await asyncio.sleep(0.05)
        again = await client.connect()
        await again.hear()
        await again.resume(server.gateway.sessions[0].id, 1)
        assert await again.hear() == {"op": 9, "d": False}

    async def test_a_wrong_sequence_number_is_closed(self, server: DiscordServer, client: BareClient) -> None:
        await client.identified()
        again = await client.connect()
        await again.hear()
        await again.resume(server.gateway.sessions[0].id, None)
        assert await again.closed_with() == 4007

    async def test_the_server_may_ask_to_reconnect_or_end_a_session(
        self, server: DiscordServer, client: BareClient
    ) -> None:
        socket = await client.identified()
        await server.gateway.ask_to_reconnect()
        assert (await socket.hear())["op"] == 7
        await server.gateway.invalidate()
        assert await socket.hear() == {"op": 9, "d": False}
        assert server.gateway.live() == []

    async def test_events_come_to_the_shard_of_their_server(self, server: DiscordServer, client: BareClient) -> None:
        owner = server.user("방장")
        guild = server.guild("서버", owner)
        channel = server.channel(guild)
        mine = (guild.id >> 22) % 2
        sockets = [await client.identified(shard=[number, 2]) for number in range(2)]
        await server.says(owner, channel, f"{server.bot.mention} 안녕")
        assert (await sockets[mine].hear_event("MESSAGE_CREATE"))["guild_id"] == str(guild.id)
        with pytest.raises(TimeoutError):
            await sockets[1 - mine].socket.receive(timeout=0.1)

    async def test_an_intent_that_was_not_asked_for_brings_nothing(
        self, server: DiscordServer, client: BareClient, minji: User, chat: Channel
    ) -> None:
        socket = await client.identified(intents=1 << 9)
        await server.says(minji, chat, "안녕")
        with pytest.raises(TimeoutError):
            await socket.socket.receive(timeout=0.1)


class TestContent:
    """Without the message content intent."""

    async def test_it_is_there_in_direct_chats_mentions_and_replies_with_a_ping(
        self, server: DiscordServer, client: BareClient, minji: User, chat: Channel
    ) -> None:
        channel = server.channel(server.guild("서버", minji))
        _, own = await client.send(channel, content="내 말")
        socket = await client.identified()
        mine = server.message(int(own["id"]))
        await server.says(minji, chat, "둘이서")
        await server.says(minji, channel, f"{server.bot.mention} 불렀어")
        await server.says(minji, channel, "답장", to=mine)
        heard = [(await socket.hear_event("MESSAGE_CREATE"))["content"] for _ in range(3)]
        assert heard == ["둘이서", f"{server.bot.mention} 불렀어", "답장"]

    async def test_it_is_blank_elsewhere_by_gateway_and_by_rest(
        self, server: DiscordServer, client: BareClient, minji: User
    ) -> None:
        channel = server.channel(server.guild("서버", minji))
        _, own = await client.send(channel, content="내 말")
        socket = await client.identified()
        mine = server.message(int(own["id"]))
        await server.says(minji, channel, "그냥", attachments=[{"id": "1"}])
        await server.says(minji, channel, "조용한 답장", to=mine, ping=False)
        heard = [await socket.hear_event("MESSAGE_CREATE") for _ in range(2)]
        assert [(one["content"], one["attachments"]) for one in heard] == [("", []), ("", [])]
        _, found = await client.call("GET", f"/channels/{channel.id}/messages")
        assert [one["content"] for one in found] == ["", "", "내 말"]

    async def test_it_is_there_with_the_intent(self, server: DiscordServer, client: BareClient, minji: User) -> None:
        server.switch_intents(message_content=True)
        channel = server.channel(server.guild("서버", minji))
        socket = await client.identified(intents=1 << 0 | 1 << 9 | 1 << 15)
        await server.says(minji, channel, "그냥")
        assert (await socket.hear_event("MESSAGE_CREATE"))["content"] == "그냥"
        _, found = await client.call("GET", f"/channels/{channel.id}/messages")
        assert found[0]["content"] == "그냥"
