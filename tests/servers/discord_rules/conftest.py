"""The local Discord, a bare client, and one person in a direct chat with the bot."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.servers.discord_client import BareClient
from tests.servers.discord_server import DiscordServer
from tests.servers.discord_world import Channel, User


@pytest.fixture
async def server() -> AsyncIterator[DiscordServer]:
    async with DiscordServer() as server:
        server.gateway.spacing_s = 0.0
        yield server


@pytest.fixture
async def client(server: DiscordServer) -> AsyncIterator[BareClient]:
    async with BareClient(server) as client:
        yield client


@pytest.fixture
def minji(server: DiscordServer) -> User:
    return server.user("민지")


@pytest.fixture
def chat(server: DiscordServer, minji: User) -> Channel:
    return server.direct(minji)
