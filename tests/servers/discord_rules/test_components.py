"""Rules for components and commands, shown by a wrong client that is refused."""

from __future__ import annotations

from typing import Any

import pytest

from tests.servers.discord_client import BUTTON, BareClient, buttons, row, select
from tests.servers.discord_server import DiscordServer
from tests.servers.discord_world import Channel

OPTION = {"type": 3, "name": "a", "description": "a"}


class TestComponents:
    @pytest.mark.parametrize(
        "components",
        [
            [row(*buttons(6))],
            [row(*buttons(1, number)) for number in range(6)],
            [row(BUTTON, BUTTON)],
            [row(BUTTON | {"custom_id": "가" * 101})],
            [row(BUTTON | {"custom_id": ""})],
            [row(BUTTON | {"label": "가" * 81})],
            [row(BUTTON | {"label": ""})],
            [row(BUTTON | {"style": 9})],
            [row(select(26))],
            [row(select(0))],
            [row(select(3), BUTTON)],
            [row(select(2, min_values=3, max_values=3))],
            [row(select(2) | {"options": [{"label": "a", "value": "1"}, {"label": "b", "value": "1"}]})],
            [row(select(1) | {"options": [{"label": "a" * 101, "value": "1"}]})],
            [row(select(1, placeholder="a" * 151))],
            [{"type": 1, "components": []}],
            [BUTTON],
        ],
    )
    async def test_components_against_the_rules_are_refused(
        self, client: BareClient, chat: Channel, components: list[dict[str, Any]]
    ) -> None:
        status, error = await client.send(chat, content="a", components=components)
        assert (status, error["code"]) == (400, 50035)

    async def test_components_within_the_rules_are_taken(self, client: BareClient, chat: Channel) -> None:
        rows = [row(*buttons(5, 5 * number)) for number in range(4)]
        assert (await client.send(chat, content="a", components=[*rows, row(select(25))]))[0] == 200


class TestCommands:
    @pytest.mark.parametrize(
        "command",
        [
            {"name": "Chat", "description": "a"},
            {"name": "a b", "description": "a"},
            {"name": "chat", "description": ""},
            {"name": "chat", "description": "a" * 101},
            {"name": "chat", "description": "a", "name_localizations": {"kr": "대화"}},
            {"name": "c", "description": "a", "options": [OPTION | {"name": f"o{number}"} for number in range(26)]},
            {
                "name": "c",
                "description": "a",
                "options": [
                    OPTION,
                    OPTION | {"name": "b", "required": True},
                ],
            },
        ],
    )
    async def test_commands_against_the_rules_are_refused(
        self, server: DiscordServer, client: BareClient, command: dict[str, Any]
    ) -> None:
        status, error = await client.call("PUT", f"/applications/{server.bot.id}/commands", [command])
        assert (status, error["code"]) == (400, 50035)

    async def test_two_commands_of_one_name_are_refused(self, server: DiscordServer, client: BareClient) -> None:
        command = {"name": "chat", "description": "a"}
        assert (await client.call("PUT", f"/applications/{server.bot.id}/commands", [command, command]))[0] == 400

    async def test_a_korean_name_is_taken(self, server: DiscordServer, client: BareClient) -> None:
        command = {"name": "chat", "description": "a", "name_localizations": {"ko": "대화"}}
        status, _ = await client.call("PUT", f"/applications/{server.bot.id}/commands", [command])
        assert status == 200
