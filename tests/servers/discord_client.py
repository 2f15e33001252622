"""A bare client for the local Discord: it sends whatever a test tells it to, right or wrong."""

from __future__ import annotations

import json
from types import TracebackType
from typing import Any, Self

import aiohttp

from tests.servers.discord_server import DiscordServer
from tests.servers.discord_world import Channel

AGENT = "DiscordBot (https://example.org/bot, 1.0)"
PROPERTIES = {"os": "linux", "browser": "bare", "device": "bare"}
INTENTS = 1 << 0 | 1 << 9 | 1 << 12
BUTTON = {"type": 2, "style": 2, "label": "다시", "custom_id": "again:1:"}


def row(*components: dict[str, Any]) -> dict[str, Any]:
    return {"type": 1, "components": list(components)}


def buttons(count: int, first: int = 0) -> list[dict[str, Any]]:
    return [BUTTON | {"custom_id": f"b{first + number}"} for number in range(count)]


def select(count: int, **more: Any) -> dict[str, Any]:
    options = [{"label": f"감정 {number}", "value": str(number)} for number in range(count)]
    return {"type": 3, "custom_id": "select", "options": options} | more


class BareClient:
    def __init__(self, server: DiscordServer) -> None:
        self._server = server
        self.headers = {"User-Agent": AGENT, "Authorization": f"Bot {server.gateway.token}"}

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._session.close()

    async def call(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """Status and JSON (or text) of one request."""
        status, answer, _ = await self.ask(method, path, body, **headers)
        return status, answer

    async def send(self, channel: Channel, **body: Any) -> tuple[int, Any]:
        return await self.call("POST", f"/channels/{channel.id}/messages", body)

    async def ask(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any, Any]:
        data = None if body is None else json.dumps(body)
        wanted = self.headers | ({"Content-Type": "application/json"} if data else {}) | headers
        async with self._session.request(method, self._server.api_base + path, data=data, headers=wanted) as response:
            text = await response.text()
            is_json = response.headers.get("Content-Type") == "application/json"
            return response.status, json.loads(text) if is_json else text, response.headers

    async def connect(self, query: str = "v=10&encoding=json") -> BareSocket:
        socket = await self._session.ws_connect(f"{self._server.gateway_url}?{query}")
        return BareSocket(socket, self._server.gateway.token)

    async def identified(self, **fields: Any) -> BareSocket:
        """A connection that has its READY."""
        socket = await self.connect()
        await socket.hear()
        await socket.identify(**fields)
        assert (await socket.hear())["t"] == "READY"
        return socket


class BareSocket:
    def __init__(self, socket: aiohttp.ClientWebSocketResponse, token: str) -> None:
        self.socket = socket
        self._token = token

    async def say(self, op: int, body: Any = None) -> None:
        await self.socket.send_str(json.dumps({"op": op, "d": body}))

    async def identify(self, **fields: Any) -> None:
        await self.say(2, {"token": self._token, "intents": INTENTS, "properties": PROPERTIES} | fields)

    async def resume(self, session: str, seq: Any) -> None:
        await self.say(6, {"token": self._token, "session_id": session, "seq": seq})

    async def hear(self) -> dict[str, Any]:
        payload: dict[str, Any] = json.loads((await self.socket.receive(timeout=5)).data)
        return payload

    async def hear_event(self, name: str) -> Any:
        """The data of the next event of this name."""
        while True:
            payload = await self.hear()
            if payload.get("t") == name:
                return payload["d"]

    async def closed_with(self) -> int | None:
        """The code the server closes with; what it says before is skipped."""
        while (await self.socket.receive(timeout=5)).type is aiohttp.WSMsgType.TEXT:
            pass
        return self.socket.close_code
