"""The storm over Telegram: private chats, at three times the pace that Telegram publishes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.chaos.storm import DYING_S
from tests.plugins.platforms.telegram.bot_process import BotProcess
from tests.servers.telegram_server import TelegramServer
from tests.servers.telegram_world import Room

CONFIG = """
[classifier]
use = "tests.chaos.parts:SlowClassifier"
[replier]
use = ["tests.chaos.parts:EchoReplier"]
closed_loop = false
[platforms]
use = ["telegram"]
[platforms.telegram]
pace = 3.0
[consent]
default = "trusted"
[delivery]
burst_s = 0.1
drain_s = 5.0
[limits]
per_minute = 6000
burst = 100
"""

PLACEHOLDERS = ("", "…")
UNHEARD_S = 0.05  # a refusal that is younger when the bot is killed was perhaps never read


class Telegram:
    name = "Telegram"

    def __init__(self, server: TelegramServer, bot: BotProcess, people: int) -> None:
        self._server = server
        self._bot = bot
        self._people = [server.world.person(f"사람{number}") for number in range(people)]
        self._rooms: list[Room] = [server.world.private(person) for person in self._people]

    def say(self, person: int, text: str) -> None:
        self._server.says(self._people[person], text, self._rooms[person])

    def shown(self, person: int) -> Sequence[str]:
        return [post.text for post in self._server.world.shown(self._rooms[person])]

    @property
    def strays(self) -> int:
        return sum(text.strip() in PLACEHOLDERS for person in range(len(self._people)) for text in self.shown(person))

    @property
    def sent(self) -> int:
        return len(self._server.log)

    @property
    def violations(self) -> int:
        return self._server.flood.violations

    @property
    def database(self) -> Path:
        return self._bot.folder / "state" / "db" / "maum.db"

    async def start(self, *, ready: bool = False) -> None:
        await self._bot.start()  # what comes before it hears waits with Telegram

    async def kill(self) -> None:
        heard = self._server.flood.clock()
        await self._bot.kill()
        await self._server.left()
        assert self._server.flood.clock() - heard < DYING_S
        self._server.flood.take_back(since=heard - UNHEARD_S)

    async def stop(self) -> int:
        return await self._bot.stop()


@asynccontextmanager
async def telegram(folder: Path, people: int, port: int, *, random_429: float = 0.02) -> AsyncIterator[Telegram]:
    """The local server and a bot that is not started yet. `port`: where the bot says what it is doing."""
    async with TelegramServer(flood=False, random_429=random_429) as server:
        more: dict[str, Any] = {"CHAOS_PORT": str(port)}
        yield Telegram(server, BotProcess(folder, server, CONFIG, **more), people)
