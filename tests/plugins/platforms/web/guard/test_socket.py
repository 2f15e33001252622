"""A socket obeys the rules of the door with each message that comes through it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from plugins.platforms.web.guard.door import Door
from plugins.platforms.web.guard.login import COOKIE, Login
from plugins.platforms.web.guard.origin import Names
from plugins.platforms.web.guard.pace import Pace
from plugins.platforms.web.guard.size import MAX_SOCKET_MESSAGE
from plugins.platforms.web.server import Server, configured


async def _echo(socket: WebSocket) -> None:
    await socket.accept()
    async for text in socket.iter_text():
        await socket.send_text(text)


@asynccontextmanager
async def _served(login: Login | None = None, per_minute: int = 0) -> AsyncIterator[str]:
    """A server that sends back what it hears, behind the door; yields its address."""
    echo = Starlette(routes=[WebSocketRoute("/", _echo)])
    door = Door(echo, Names(()), Pace(per_minute), login, "token", "ko")
    config = configured(door)
    config.port = 0
    server = Server(config)
    running = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    try:
        yield f"ws://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/"
    finally:
        server.should_exit = True
        await running


async def _says(socket: ClientConnection, text: str) -> str | bytes:
    await socket.send(text)
    return await socket.recv()


async def _hear_for_ever(socket: ClientConnection) -> None:
    while True:
        await socket.recv()


async def test_it_opens_for_our_own_page_and_for_no_other() -> None:
    async with _served() as url:
        async with connect(url, origin=url.replace("ws", "http", 1).rstrip("/")) as socket:  # type: ignore[arg-type]
            assert await _says(socket, "안녕") == "안녕"
        for wrong in ({"origin": "http://evil.example"}, {"additional_headers": {"Sec-Fetch-Site": "cross-site"}}):
            with pytest.raises(InvalidStatus) as refused:
                await connect(url, **wrong)
            assert refused.value.response.status_code == 403


async def test_it_needs_a_session_and_ends_with_it() -> None:
    login = Login("p", "s")
    async with _served(login) as url:
        with pytest.raises(InvalidStatus):
            await connect(url)
        cookie = login.open()
        async with connect(url, additional_headers={"Cookie": f"{COOKIE}={cookie}"}) as socket:
            assert await _says(socket, "하나") == "하나"
            login.close(cookie)
            with pytest.raises(ConnectionClosed):
                await _says(socket, "둘")


async def test_a_flood_of_messages_ends_it() -> None:
    async with _served(per_minute=60) as url, connect(url) as socket:
        await asyncio.gather(*(socket.send(str(number)) for number in range(100)))
        with pytest.raises(ConnectionClosed):
            await _hear_for_ever(socket)


async def test_a_message_that_is_too_large_ends_it() -> None:
    async with _served() as url, connect(url) as socket:
        with pytest.raises(ConnectionClosed):
            await _says(socket, "x" * (MAX_SOCKET_MESSAGE + 1))
