"""Rules of interactions, shown by a wrong client that is refused."""

from __future__ import annotations

from typing import Any

import pytest

from tests.servers.discord_client import BUTTON, BareClient, row
from tests.servers.discord_server import DiscordServer
from tests.servers.discord_world import Channel, User


class TestInteractions:
    @pytest.fixture
    async def command(self, server: DiscordServer, client: BareClient, minji: User, chat: Channel) -> str:
        """The path of the callback of a command that was just used."""
        await client.call("PUT", f"/applications/{server.bot.id}/commands", [{"name": "chat", "description": "a"}])
        self.socket = await client.identified()
        self.interaction = await server.commands(minji, chat, "chat")
        self.hook = f"/webhooks/{server.bot.id}/{self.interaction.token}"
        return f"/interactions/{self.interaction.id}/{self.interaction.token}/callback"

    async def test_a_first_answer_creates_a_message(self, client: BareClient, command: str) -> None:
        event = await self.socket.hear_event("INTERACTION_CREATE")
        assert (event["data"]["name"], event["locale"], event["context"]) == ("chat", "ko", 1)
        status, answer = await client.call("POST", f"{command}?with_response=1", {"type": 4, "data": {"content": "응"}})
        assert (status, answer["resource"]["message"]["content"]) == (200, "응")
        assert answer["interaction"]["response_message_id"] == answer["resource"]["message"]["id"]

    async def test_without_with_response_the_answer_is_empty(self, client: BareClient, command: str) -> None:
        assert await client.call("POST", command, {"type": 5}) == (204, "")

    async def test_a_second_first_answer_is_refused(self, client: BareClient, command: str) -> None:
        await client.call("POST", command, {"type": 5})
        status, error = await client.call("POST", command, {"type": 4, "data": {"content": "응"}})
        assert (status, error["code"]) == (400, 40060)

    async def test_after_three_seconds_the_interaction_is_unknown(
        self, server: DiscordServer, client: BareClient, command: str
    ) -> None:
        server.clock.forward(3.1)
        status, error = await client.call("POST", command, {"type": 5})
        assert (status, error["code"]) == (404, 10062)
        assert (await client.call("PATCH", f"{self.hook}/messages/@original", {"content": "늦었다"}))[0] == 404

    async def test_a_person_who_waits_three_seconds_reads_that_nobody_answered(
        self, server: DiscordServer, command: str
    ) -> None:
        await server.until(lambda: self.interaction.failed, 4)

    async def test_a_deferred_answer_is_edited_by_its_token(
        self, server: DiscordServer, client: BareClient, command: str
    ) -> None:
        await client.call("POST", command, {"type": 5})
        assert self.interaction.original is not None
        assert self.interaction.original.flags == 1 << 7
        status, _ = await client.call("PATCH", f"{self.hook}/messages/@original", {"content": "다 됐어"})
        assert (status, self.interaction.original.flags, self.interaction.said) == (200, 0, "다 됐어")

    async def test_the_first_followup_of_a_deferred_answer_edits_it(self, client: BareClient, command: str) -> None:
        await client.call("POST", command, {"type": 5})
        await client.call("POST", self.hook, {"content": "하나"})
        await client.call("POST", self.hook, {"content": "둘"})
        assert self.interaction.said == "하나\n둘"
        assert len(self.interaction.followups) == 1

    async def test_after_15_minutes_the_token_is_dead_but_the_message_can_be_edited(
        self, server: DiscordServer, client: BareClient, command: str, chat: Channel
    ) -> None:
        await client.call("POST", command, {"type": 4, "data": {"content": "응"}})
        server.clock.forward(15 * 60 + 1)
        status, error = await client.call("PATCH", f"{self.hook}/messages/@original", {"content": "늦었다"})
        assert (status, error["code"]) == (401, 50027)
        assert self.interaction.original is not None
        path = f"/channels/{chat.id}/messages/{self.interaction.original.id}"
        assert (await client.call("PATCH", path, {"content": "늦었지만"}))[0] == 200

    async def test_an_ephemeral_message_is_reached_by_its_token_only(
        self, client: BareClient, command: str, chat: Channel
    ) -> None:
        await client.call("POST", command, {"type": 4, "data": {"content": "쉿", "flags": 64}})
        assert self.interaction.original is not None
        path = f"/channels/{chat.id}/messages/{self.interaction.original.id}"
        assert (await client.call("PATCH", path, {"content": "x"}))[1]["code"] == 10008
        assert await client.call("GET", f"/channels/{chat.id}/messages") == (200, [])
        assert (await client.call("PATCH", f"{self.hook}/messages/@original", {"content": "쉿!"}))[0] == 200

    @pytest.mark.parametrize(
        "answer",
        [
            {"type": 6},
            {"type": 7, "data": {"content": "a"}},
            {"type": 8, "data": {"choices": []}},
            {"type": 4, "data": {"content": "가" * 2_001}},
            {"type": 4, "data": {}},
            {"type": 5, "data": {"flags": 4}},
            {"type": 9, "data": {"custom_id": "", "title": "a", "components": []}},
        ],
    )
    async def test_a_wrong_answer_to_a_command_is_refused(
        self, client: BareClient, command: str, answer: dict[str, Any]
    ) -> None:
        assert (await client.call("POST", command, answer))[0] == 400
        assert self.interaction.answer == 0

    async def test_a_wrong_token_is_unknown(self, server: DiscordServer, client: BareClient, command: str) -> None:
        path = f"/interactions/{self.interaction.id}/wrong/callback"
        assert (await client.call("POST", path, {"type": 5}))[1]["code"] == 10062
        assert (await client.call("PATCH", f"/webhooks/{server.bot.id}/wrong/messages/@original", {}))[0] == 404

    async def test_nothing_can_follow_before_a_first_answer(self, client: BareClient, command: str) -> None:
        assert (await client.call("POST", self.hook, {"content": "먼저"}))[0] == 404

    async def test_a_click_updates_its_message(
        self, server: DiscordServer, client: BareClient, minji: User, chat: Channel
    ) -> None:
        _, shape = await client.send(chat, content="답", components=[row(BUTTON)])
        message = server.message(int(shape["id"]))
        click = await server.clicks(minji, message, "again:1:")
        path = f"/interactions/{click.id}/{click.token}/callback"
        assert (await client.call("POST", path, {"type": 7, "data": {"content": "새 답", "components": []}}))[0] == 204
        assert (message.content, message.components) == ("새 답", [])

    async def test_a_person_cannot_click_what_is_not_there(
        self, server: DiscordServer, client: BareClient, minji: User, chat: Channel
    ) -> None:
        rows = [row(BUTTON | {"disabled": True})]
        _, shape = await client.send(chat, content="답", components=rows)
        for custom_id in ("again:1:", "again:2:"):
            with pytest.raises(AssertionError):
                await server.clicks(minji, server.message(int(shape["id"])), custom_id)

    async def test_more_than_25_choices_are_refused(
        self, server: DiscordServer, client: BareClient, minji: User, chat: Channel
    ) -> None:
        option = {"type": 3, "name": "emotion", "description": "a", "autocomplete": True}
        commands = [{"name": "regenerate", "description": "a", "options": [option]}]
        await client.call("PUT", f"/applications/{server.bot.id}/commands", commands)
        asked = await server.types(minji, chat, "regenerate", "emotion", "불")
        path = f"/interactions/{asked.id}/{asked.token}/callback"
        choices = [{"name": str(number), "value": str(number)} for number in range(26)]
        assert (await client.call("POST", path, {"type": 8, "data": {"choices": choices}}))[0] == 400
        assert (await client.call("POST", path, {"type": 8, "data": {"choices": choices[:25]}}))[0] == 204
