"""Our own platforms pass the suite that every platform must pass."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot.contracts import Platform
from bot.types import Chat, Person
from plugins.conformance.platform import PlatformConformance
from plugins.platforms.console import ConsolePlatform
from plugins.platforms.telegram import TelegramPlatform
from plugins.platforms.web import WebPlatform
from tests.house import MemoryPlatform
from tests.servers.telegram_server import TelegramServer


class TestWeb(PlatformConformance):
    @pytest.fixture
    async def platform(self) -> AsyncIterator[Platform]:
        async with WebPlatform(port=0) as platform:
            yield platform


class TestTelegram(PlatformConformance):
    """Over the real client library, against the local server."""

    chat = Chat("telegram", "1001")
    person = Person("telegram", "1001")

    @pytest.fixture
    async def platform(self, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Platform]:
        async with TelegramServer(flood=False) as server:
            server.says(server.world.person(), "안녕")
            monkeypatch.setenv("TELEGRAM_TOKEN", server.token)
            async with TelegramPlatform(base_url=server.base_url, pace=100.0) as platform:
                yield platform


class TestConsole(PlatformConformance):
    @pytest.fixture
    async def platform(self) -> AsyncIterator[Platform]:
        async with ConsolePlatform() as platform:
            yield platform


class TestMemory(PlatformConformance):
    @pytest.fixture
    async def platform(self) -> AsyncIterator[Platform]:
        async with MemoryPlatform() as platform:
            yield platform
