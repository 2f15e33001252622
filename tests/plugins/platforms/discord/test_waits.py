from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import discord
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from plugins.platforms._bans import Bans
from plugins.platforms.discord.waits import EVERYWHERE, place_of, tracing

TOLD = {"Via": "1.1 google", "X-RateLimit-Reset-After": "0.4", "Retry-After": "1"}


@pytest.fixture
async def site() -> AsyncIterator[TestServer]:
    """Refuses once for each path that says so, as Discord does."""
    refused: set[str] = set()

    async def answer(request: web.Request) -> web.Response:
        if "closed" in request.path and request.path not in refused:
            refused.add(request.path)
            return web.Response(status=429, headers=TOLD)
        return web.Response()

    application = web.Application()
    application.router.add_get("/{path:.*}", answer)
    server = TestServer(application)
    await server.start_server()
    yield server
    await server.close()


async def _took(site: TestServer, bans: Bans, path: str) -> float:
    start = asyncio.get_running_loop().time()
    async with aiohttp.ClientSession(trace_configs=[tracing(bans, 60)]) as session:
        await session.get(site.make_url(path))
    return asyncio.get_running_loop().time() - start


def test_a_place_is_a_route_and_its_channel_whatever_the_message() -> None:
    assert place_of("PATCH", "/channels/1/messages/2") == place_of("PATCH", "/channels/1/messages/3")
    assert place_of("PATCH", "/channels/1/messages/2") != place_of("PATCH", "/channels/9/messages/2")
    assert place_of("POST", "/channels/1/messages") != place_of("PATCH", "/channels/1/messages/2")


async def test_the_next_process_waits_as_the_one_before_was_told(tmp_path: Path, site: TestServer) -> None:
    file = tmp_path / "bans.json"
    assert await _took(site, Bans(file), "/closed") < 0.3
    assert "closed" not in file.read_text(encoding="utf-8")
    assert await _took(site, Bans(file), "/open") < 0.3
    assert await _took(site, Bans(file), "/closed") > 0.2


async def test_whoever_would_have_to_wait_too_long_is_told_so(tmp_path: Path, site: TestServer) -> None:
    bans = Bans(tmp_path / "bans.json")
    bans.add(EVERYWHERE, 120)
    with pytest.raises(discord.RateLimited):
        await _took(site, bans, "/open")
