"""What a message may be, and which requests are heard at all, shown by a wrong client that is refused."""

from __future__ import annotations

import pytest

from tests.servers.discord_client import BareClient
from tests.servers.discord_server import DiscordServer
from tests.servers.discord_world import Channel, User


class TestRequests:
    async def test_a_wrong_token_is_refused(self, client: BareClient) -> None:
        assert await client.call("GET", "/users/@me", Authorization="Bot wrong") == (
            401,
            {"message": "401: Unauthorized", "code": 0},
        )

    async def test_a_library_that_does_not_say_its_name_is_refused(self, client: BareClient) -> None:
        status, _ = await client.call("GET", "/users/@me", **{"User-Agent": "curl/8"})
        assert status == 403

    async def test_answers_have_exactly_the_content_type_of_json(self, client: BareClient) -> None:
        _, _, headers = await client.ask("GET", "/users/@me")
        assert headers["Content-Type"] == "application/json"

    async def test_a_body_of_another_content_type_is_refused(self, client: BareClient, chat: Channel) -> None:
        kind = {"Content-Type": "application/json; charset=utf-8"}
        status, _ = await client.call("POST", f"/channels/{chat.id}/messages", {"content": "안녕"}, **kind)
        assert status == 400

    async def test_a_path_that_does_not_exist_is_refused(self, client: BareClient) -> None:
        assert (await client.call("GET", "/nothing"))[0] == 404

    async def test_an_outage_answers_in_text(self, server: DiscordServer, client: BareClient) -> None:
        server.down = 503
        assert await client.call("GET", "/users/@me") == (503, "upstream connect error")


class TestMessages:
    async def test_2000_characters_are_taken_and_2001_are_not(self, client: BareClient, chat: Channel) -> None:
        assert (await client.send(chat, content="가" * 2_000))[0] == 200
        status, error = await client.send(chat, content="가" * 2_001)
        assert (status, error["code"]) == (400, 50035)

    async def test_an_emoji_counts_as_discords_own_clients_count_it(self, client: BareClient, chat: Channel) -> None:
        assert (await client.send(chat, content="😭" * 1_000))[0] == 200
        assert (await client.send(chat, content="😭" * 1_001))[0] == 400

    @pytest.mark.parametrize("content", ["", "  \n"])
    async def test_an_empty_message_is_refused(self, client: BareClient, chat: Channel, content: str) -> None:
        status, error = await client.send(chat, content=content)
        assert (status, error["code"]) == (400, 50006)

    async def test_a_nonce_has_at_most_25_characters(self, client: BareClient, chat: Channel) -> None:
        assert (await client.send(chat, content="a", nonce="n" * 26))[0] == 400

    async def test_a_nonce_that_is_enforced_sends_once(
        self, server: DiscordServer, client: BareClient, chat: Channel
    ) -> None:
        first = await client.send(chat, content="안녕", nonce="7.1.0", enforce_nonce=True)
        second = await client.send(chat, content="안녕", nonce="7.1.0", enforce_nonce=True)
        assert first[1]["id"] == second[1]["id"]
        assert (len(server.record.of("sent")), len(server.record.of("again"))) == (1, 1)

    async def test_a_nonce_is_forgotten_after_a_few_minutes(
        self, server: DiscordServer, client: BareClient, chat: Channel
    ) -> None:
        first = await client.send(chat, content="안녕", nonce="7.1.0", enforce_nonce=True)
        server.clock.forward(600)
        second = await client.send(chat, content="안녕", nonce="7.1.0", enforce_nonce=True)
        assert first[1]["id"] != second[1]["id"]

    async def test_a_nonce_that_is_not_enforced_sends_twice(
        self, server: DiscordServer, client: BareClient, chat: Channel
    ) -> None:
        for _ in range(2):
            await client.send(chat, content="안녕", nonce="7.1.0")
        assert len(server.record.of("sent")) == 2

    async def test_a_reply_to_nothing_is_refused(self, client: BareClient, chat: Channel) -> None:
        assert (await client.send(chat, content="응", message_reference={"message_id": "5"}))[0] == 400
        loose = {"message_id": "5", "fail_if_not_exists": False}
        assert (await client.send(chat, content="응", message_reference=loose))[0] == 200

    async def test_a_mass_mention_is_written_down(
        self, server: DiscordServer, client: BareClient, chat: Channel
    ) -> None:
        await client.send(chat, content="@everyone 안녕", allowed_mentions={"parse": []})
        assert server.record.mass_mentions == 0
        await client.send(chat, content="@everyone 안녕")
        await client.send(chat, content="<@&12> 안녕", allowed_mentions={"parse": ["roles"]})
        assert server.record.mass_mentions == 2

    async def test_contradicting_allowed_mentions_are_refused(self, client: BareClient, chat: Channel) -> None:
        assert (await client.send(chat, content="a", allowed_mentions={"parse": ["users"], "users": ["1"]}))[0] == 400
        assert (await client.send(chat, content="a", allowed_mentions={"parse": ["all"]}))[0] == 400

    async def test_somebody_elses_message_cannot_be_edited(
        self, server: DiscordServer, client: BareClient, chat: Channel, minji: User
    ) -> None:
        message = await server.says(minji, chat, "안녕")
        status, error = await client.call("PATCH", f"/channels/{chat.id}/messages/{message.id}", {"content": "x"})
        assert (status, error["code"]) == (403, 50005)

    async def test_an_old_message_takes_few_edits(
        self, server: DiscordServer, client: BareClient, chat: Channel
    ) -> None:
        server.limits.rules = {}
        _, message = await client.send(chat, content="안녕")
        server.clock.forward(3 * 3600)
        path = f"/channels/{chat.id}/messages/{message['id']}"
        answers = [await client.call("PATCH", path, {"content": str(number)}) for number in range(6)]
        assert [status for status, _ in answers] == [200] * 5 + [429]
        assert answers[-1][1]["code"] == 30046

    async def test_embeds_have_limits(self, client: BareClient, chat: Channel) -> None:
        assert (await client.send(chat, embeds=[{"description": "가" * 4_096}]))[0] == 200
        assert (await client.send(chat, embeds=[{"description": "가" * 4_097}]))[0] == 400
        assert (await client.send(chat, embeds=[{"description": "가" * 4_000}, {"description": "가" * 4_000}]))[
            0
        ] == 400

    async def test_history_comes_newest_first_and_100_at_most(
        self, server: DiscordServer, client: BareClient, chat: Channel, minji: User
    ) -> None:
        said = [await server.says(minji, chat, str(number)) for number in range(4)]
        _, found = await client.call("GET", f"/channels/{chat.id}/messages?after={said[0].id}&limit=2")
        assert [one["content"] for one in found] == ["2", "1"]
        assert (await client.call("GET", f"/channels/{chat.id}/messages?limit=101"))[0] == 400
