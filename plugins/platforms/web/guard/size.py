"""How much one request may bring, and how long that may take."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Literal

from starlette.requests import ClientDisconnect, HTTPConnection
from starlette.types import Message, Receive

MAX_BODY = 2 * 2**20  # bytes; a message has 20,000 characters at most, a classify call a few thousand texts
MAX_HEADERS = 16 * 2**10  # bytes, request line included
MAX_SOCKET_MESSAGE = 2**20  # bytes; the page library's own limit is 10^6
BODY_S = 30.0

TooMuch = Literal["too_large", "too_slow"]


def has_too_much_before_the_body(connection: HTTPConnection) -> bool:
    """The server bounds what it gathers of a request's head, but takes a larger one that arrives at once."""
    scope = connection.scope
    head = len(scope["path"]) + len(scope["query_string"])
    return head + sum(len(name) + len(value) for name, value in scope["headers"]) > MAX_HEADERS


def has_body(connection: HTTPConnection) -> bool:
    return "transfer-encoding" in connection.headers or connection.headers.get("content-length", "0") != "0"


async def read(connection: HTTPConnection, receive: Receive) -> bytes | TooMuch:
    """The whole body, or why it is not taken; one that says beforehand that it is too large is not even begun.

    Raises:
        ClientDisconnect: it broke off.
    """
    length = connection.headers.get("content-length", "")
    if length.isdecimal() and int(length) > MAX_BODY:
        return "too_large"
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_S):
            async for part in _parts(receive):
                body += part
                if len(body) > MAX_BODY:
                    return "too_large"
    except TimeoutError:
        return "too_slow"
    return bytes(body)


async def _parts(receive: Receive) -> AsyncIterator[bytes]:
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        yield message.get("body", b"")
        more = message.get("more_body", False)


def again(body: bytes, receive: Receive) -> Receive:
    """A `receive` that tells of the body once more, and then goes on."""
    told = False

    async def replay() -> Message:
        nonlocal told
        if told:
            return await receive()
        told = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay
