"""The local Discord, people on it, and the house with the platform connected to it, in this process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from plugins.platforms.discord import DiscordPlatform
from tests.house import House, open_house
from tests.servers.discord_server import DiscordServer
from tests.servers.discord_world import Channel, Message, User
from tests.servers.openai_server import OpenAIServer

READY_S = 40.0


@dataclass
class Guest:
    """The house with the bot connected to the local Discord."""

    discord: DiscordServer
    house: House
    platform: DiscordPlatform

    async def answer(self, message: Message, count: int = 1) -> Message:
        """Wait for the finished answer to a message."""
        found = self.discord.answers_to
        await self.discord.until(lambda: len(found(message)) >= count and is_finished(found(message)[-1]), READY_S)
        return found(message)[-1]


def is_finished(message: Message) -> bool:
    ids = [one["custom_id"] for row in message.components for one in row["components"]]
    return any(identity.startswith("again:") for identity in ids)


def rejoined(contents: Sequence[str]) -> str:
    """The answer that stands in several messages: without what plugins/platforms/discord/parts.py added."""
    whole, torn = "", False
    for number, content in enumerate(contents):
        text = content.split("\n", 1)[1] if torn else content.removeprefix("\u200b") if number else content
        torn = text.endswith("\u2060") and number < len(contents) - 1
        if torn:
            end = "\n```\u2060\u2060" if text.endswith("\u2060\u2060") else "```\u2060"
            assert text.endswith(end)
            text = text.removesuffix(end)
        elif number < len(contents) - 1:
            text = text.removesuffix("\u200b")
        whole += text
    return whole


@asynccontextmanager
async def connect(
    tmp: Path, discord: DiscordServer, *answers: Any, options: Any = None, **more: Any
) -> AsyncIterator[Guest]:
    async with open_house(tmp, *answers, **more) as house:
        wanted = {"api_base": discord.api_base, "gateway": discord.gateway_url, "identify_every_s": 0.1} | (
            options or {}
        )
        platform = DiscordPlatform(**wanted)
        house.app.desk.platforms["discord"] = platform  # type: ignore[index]
        house.app.privacy.plugins.append(platform)
        async with platform:
            running = asyncio.create_task(platform.run(house.app))
            try:
                await discord.ready(timeout_s=READY_S)
                yield Guest(discord, house, platform)
            finally:
                await house.app.delivery.drain()
                running.cancel()
                (ended,) = await asyncio.gather(running, return_exceptions=True)
                assert isinstance(ended, asyncio.CancelledError), f"the platform ended by itself: {ended!r}"


@pytest.fixture
async def discord(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[DiscordServer]:
    async with DiscordServer() as server:
        monkeypatch.setenv("DISCORD_TOKEN", server.gateway.token)
        server.gateway.spacing_s = 0.0
        yield server


@pytest.fixture
async def guest(tmp_path: Path, discord: DiscordServer) -> AsyncIterator[Guest]:
    async with connect(tmp_path, discord) as guest:
        yield guest


@pytest.fixture
async def llm() -> AsyncIterator[OpenAIServer]:
    async with OpenAIServer() as server:
        yield server


@pytest.fixture
def minji(discord: DiscordServer) -> User:
    return discord.user("민지")


@pytest.fixture
def direct(discord: DiscordServer, minji: User) -> Channel:
    return discord.direct(minji)
