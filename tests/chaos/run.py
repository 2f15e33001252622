"""One storm over one platform."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from tests.chaos.discord import discord
from tests.chaos.storm import Signals, Storm, Surface, Toll
from tests.chaos.telegram import telegram

SURFACES: Mapping[str, Callable[[Path, int, int], AbstractAsyncContextManager[Surface]]] = {
    "telegram": telegram,
    "discord": discord,
}


async def run(name: str, folder: Path, *, people: int, messages: int, kills: int, seed: int = 1) -> Toll:
    """Let people talk on a platform while the bot is killed; see storm.py."""
    signals = Signals()
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(lambda: signals, local_addr=("127.0.0.1", 0))
    port = int(transport.get_extra_info("sockname")[1])
    try:
        async with SURFACES[name](folder, people, port) as surface:
            return await Storm(surface, signals, people=people, messages=messages, kills=kills, seed=seed).rage()
    finally:
        transport.close()
