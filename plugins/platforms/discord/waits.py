"""What Discord told us to wait, kept also by the next process: discord.py knows the refusals of its own life only.

Every request of the client passes here (aiohttp's tracing), before it is sent and when it is answered.
Source: topics/rate-limits (limits hold for a route and its channel; `X-RateLimit-Global`; Cloudflare sends no `Via`).
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from typing import Any

import aiohttp
import discord

from plugins.platforms._bans import Bans

EVERYWHERE = "everywhere"
MESSAGE = re.compile(r"(?<=/messages/)\d+")


def tracing(bans: Bans, longest_s: float) -> aiohttp.TraceConfig:
    """For `discord.Client(http_trace=…)`. Who would have to wait longer than `longest_s` gets `discord.RateLimited`."""

    async def wait(_: aiohttp.ClientSession, __: Any, request: aiohttp.TraceRequestStartParams) -> None:
        places = (EVERYWHERE, place_of(request.method, request.url.path))
        while (left := max(bans.left_s().get(place, 0.0) for place in places)) > 0:
            if left > longest_s:
                raise discord.RateLimited(left)
            await asyncio.sleep(left)

    async def hear(_: aiohttp.ClientSession, __: Any, request: aiohttp.TraceRequestEndParams) -> None:
        if request.response.status == 429:
            headers = request.response.headers
            everywhere = "X-RateLimit-Global" in headers or "Via" not in headers
            place = EVERYWHERE if everywhere else place_of(request.method, request.url.path)
            bans.add(place, float(headers.get("X-RateLimit-Reset-After") or headers.get("Retry-After") or 0.0))

    trace = aiohttp.TraceConfig()
    trace.on_request_start.append(wait)
    trace.on_request_end.append(hear)
    return trace


def place_of(method: str, path: str) -> str:
    """A route with its channel, whatever the message; nobody can read back from it which channel, or a token."""
    return hashlib.sha256(f"{method} {MESSAGE.sub('', path)}".encode()).hexdigest()[:24]
