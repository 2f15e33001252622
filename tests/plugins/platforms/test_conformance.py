"""Our own platforms pass the suite that every platform must pass."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot.contracts import Platform
from plugins.conformance.platform import PlatformConformance
from plugins.platforms.console import ConsolePlatform
from plugins.platforms.web import WebPlatform
from tests.house import MemoryPlatform


class TestWeb(PlatformConformance):
    @pytest.fixture
    async def platform(self) -> AsyncIterator[Platform]:
        async with WebPlatform(port=0) as platform:
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
