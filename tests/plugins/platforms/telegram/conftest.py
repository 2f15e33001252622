"""The real client library on a line to the local server, with and without the rest of the house."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from plugins.platforms.telegram.line import Line
from plugins.platforms.telegram.showing import Showing
from tests.plugins.platforms.telegram.house import TelegramHouse, open_house
from tests.servers.telegram_server import TelegramServer


@pytest.fixture
async def server() -> AsyncIterator[TelegramServer]:
    async with TelegramServer(flood=False) as server:
        yield server


@pytest.fixture
async def house(server: TelegramServer, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[TelegramHouse]:
    monkeypatch.setenv("TELEGRAM_TOKEN", server.token)
    async with open_house(server) as house:
        yield house


@pytest.fixture
async def line(server: TelegramServer) -> AsyncIterator[Line]:
    line = Line(server.token, server.base_url, pace=100.0, pauses_s=(0.02,) * 7)
    yield line
    await line.close()


@pytest.fixture
def showing(line: Line) -> Showing:
    return Showing(line)
