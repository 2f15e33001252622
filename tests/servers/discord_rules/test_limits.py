"""Rate limits and permissions, shown by a wrong client that is refused; and what the record counts."""

from __future__ import annotations

import asyncio

from tests.servers.discord_client import BareClient
from tests.servers.discord_limits import CROSSING_S
from tests.servers.discord_server import DiscordServer
from tests.servers.discord_world import Channel, Permission, User


class TestLimits:
    async def test_the_sixth_message_in_five_seconds_is_told_to_wait(self, client: BareClient, chat: Channel) -> None:
        path = f"/channels/{chat.id}/messages"
        answers = [await client.ask("POST", path, {"content": str(number)}) for number in range(6)]
        assert [status for status, _, _ in answers] == [200] * 5 + [429]
        assert [headers["X-RateLimit-Remaining"] for _, _, headers in answers] == ["4", "3", "2", "1", "0", "0"]
        _, body, headers = answers[-1]
        assert 0 < body["retry_after"] <= 5
        assert headers["Via"]
        assert headers["X-RateLimit-Scope"] == "user"

    async def test_who_goes_on_during_the_wait_is_written_down(
        self, server: DiscordServer, client: BareClient, chat: Channel
    ) -> None:
        for number in range(7):  # the last one might have been on its way already
            await client.send(chat, content=str(number))
        assert server.record.of("inside_ban") == []
        await asyncio.sleep(2 * CROSSING_S)
        await client.send(chat, content="8")
        assert len(server.record.of("inside_ban")) == 1

    async def test_another_channel_has_its_own_limit(
        self, server: DiscordServer, client: BareClient, chat: Channel, minji: User
    ) -> None:
        for number in range(6):
            await client.send(chat, content=str(number))
        assert (await client.send(server.direct(minji), content="a"))[0] == 200

    async def test_more_than_50_requests_a_second_are_too_many(self, client: BareClient) -> None:
        answers = await asyncio.gather(*(client.ask("GET", "/users/@me") for _ in range(60)))
        limited = [(body, headers) for status, body, headers in answers if status == 429]
        assert limited
        assert any(headers.get("X-RateLimit-Global") == "true" and body["global"] for body, headers in limited)

    async def test_a_429_may_come_out_of_the_blue(
        self, server: DiscordServer, client: BareClient, chat: Channel
    ) -> None:
        server.limits.chance = 1.0
        status, _, headers = await client.ask("POST", f"/channels/{chat.id}/messages", {"content": "a"})
        assert (status, headers["X-RateLimit-Scope"]) == (429, "shared")
        assert server.limits.invalid == []

    async def test_who_makes_too_many_invalid_requests_is_banned(
        self, server: DiscordServer, client: BareClient
    ) -> None:
        server.limits.max_invalid = 3
        for _ in range(3):
            await client.call("GET", "/users/@me", Authorization="Bot wrong")
        status, text, headers = await client.ask("GET", "/users/@me")
        assert (status, text, headers.get("Via")) == (429, "error code: 1015", None)


class TestPermissions:
    async def test_where_the_bot_may_not_write_it_is_refused(self, server: DiscordServer, client: BareClient) -> None:
        channel = server.channel(server.guild("서버", server.user("방장")))
        channel.denied = Permission.SEND_MESSAGES
        assert (await client.send(channel, content="안녕"))[1]["code"] == 50013
        channel.denied = Permission.VIEW_CHANNEL
        assert (await client.send(channel, content="안녕"))[1]["code"] == 50001

    async def test_embeds_and_files_need_their_permissions(self, server: DiscordServer, client: BareClient) -> None:
        channel = server.channel(server.guild("서버", server.user("방장")))
        channel.denied = Permission.EMBED_LINKS
        assert (await client.send(channel, embeds=[{"description": "a"}]))[1]["code"] == 50013

    async def test_a_member_has_the_roles_that_were_given(self, server: DiscordServer, client: BareClient) -> None:
        owner, member, stranger = server.user("방장"), server.user("지우"), server.user("남")
        guild = server.guild("서버", owner, member)
        guild.members[member] = Permission.MANAGE_MESSAGES
        _, shape = await client.call("GET", f"/guilds/{guild.id}/members/{member.id}")
        _, roles = await client.call("GET", f"/guilds/{guild.id}/roles")
        allowed = {role["id"]: int(role["permissions"]) for role in roles}
        assert Permission.MANAGE_MESSAGES in Permission(allowed[shape["roles"][0]])
        assert (await client.call("GET", f"/guilds/{guild.id}/members/{stranger.id}"))[0] == 404

    async def test_a_server_that_was_left_is_unknown(self, server: DiscordServer, client: BareClient) -> None:
        guild = server.guild("서버", server.user("방장"))
        channel = server.channel(guild)
        await server.leave(guild)
        assert (await client.call("GET", f"/guilds/{guild.id}"))[1]["code"] == 10004
        assert (await client.send(channel, content="안녕"))[1]["code"] == 10003


class TestRecord:
    async def test_losses_and_doubles_are_counted_from_what_was_sent(
        self, server: DiscordServer, client: BareClient, minji: User, chat: Channel
    ) -> None:
        once, twice, never = [await server.says(minji, chat, text) for text in ("하나", "둘", "셋")]
        sent = []
        for message in (once, twice, twice):
            sent.append(await client.send(chat, content="응", message_reference={"message_id": str(message.id)}))
        assert [server.record.answered(message.id) for message in (once, twice, never)] == [1, 2, 0]
        assert server.record.doubled() == {twice.id: 2}
        await client.call("DELETE", f"/channels/{chat.id}/messages/{sent[-1][1]['id']}")
        assert server.record.doubled() == {}
