"""A small house with the web platform on a real socket, and a client that talks to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from bot.errors import ReplyError
from plugins._trust import trust
from plugins.platforms.web import WebPlatform
from tests.house import House, open_house


@asynccontextmanager
async def served(
    tmp: Path,
    *answers: str | ReplyError,
    headers: Mapping[str, str] | None = None,
    options: Mapping[str, Any] | None = None,
    **sections: Any,
) -> AsyncIterator[tuple[House, httpx.AsyncClient]]:
    """REST without pages. `options` are the platform's, `headers` what the client sends with each request."""
    async with open_house(tmp, *answers, **{"consent": {"default": "ask"}} | sections) as house:
        web = WebPlatform(port=0, pages=False, **options or {})
        house.app.desk.platforms["web"] = web  # type: ignore[index]
        running = asyncio.create_task(web.run(house.app))
        while not web.port:
            await asyncio.sleep(0.01)
        url = f"http://127.0.0.1:{web.port}"
        try:
            async with httpx.AsyncClient(base_url=url, headers=headers, timeout=20, verify=trust(url)) as client:
                yield house, client
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
