"""The storm over Discord: every second person in direct messages, the others by mention in a server's channels."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from bot.locale import LANGUAGES, say
from tests.chaos.storm import DYING_S
from tests.plugins.platforms.discord.bot import Bot
from tests.servers.discord_server import DiscordServer
from tests.servers.discord_world import Channel
from tests.servers.openai_server import OpenAIServer

ENVIRON = {
    "MAUM_CLASSIFIER__USE": "tests.chaos.parts:SlowClassifier",
    "MAUM_REPLIER__USE": "tests.chaos.parts:EchoReplier",
    "MAUM_DELIVERY__DRAIN_S": "5",
    "MAUM_LIMITS__PER_MINUTE": "6000",
    "MAUM_LIMITS__BURST": "100",
}
ROOMS = 4  # channels of the server
UNREAD_S = 0.3  # on a busy machine a refusal younger than that may not have been read when the bot is killed


class Discord:
    name = "Discord"

    def __init__(self, server: DiscordServer, bot: Bot, people: int) -> None:
        self._server = server
        self._bot = bot
        self._people = [server.user(f"사람{number}") for number in range(people)]
        guild = server.guild("사랑방", *self._people)
        rooms = [server.channel(guild, f"방{number}") for number in range(ROOMS)]
        self._places: list[Channel] = [
            rooms[number % ROOMS] if number % 2 else server.direct(person) for number, person in enumerate(self._people)
        ]
        self._saying: set[asyncio.Task[object]] = set()

    def say(self, person: int, text: str) -> None:
        place = self._places[person]
        words = f"{self._server.bot.mention} {text}" if place.guild else text
        task = asyncio.create_task(self._server.says(self._people[person], place, words))
        self._saying.add(task)
        task.add_done_callback(self._saying.discard)

    def shown(self, person: int) -> Sequence[str]:
        """In a shared channel the others' answers stand there, too; marks tell whose they are."""
        mine = self._server.bot.id
        return [one.content for one in self._places[person].messages.values() if one.author.id == mine]

    @property
    def strays(self) -> int:
        mine, thinking = self._server.bot.id, {say(language, "discord.thinking") for language in LANGUAGES}
        places = {id(place): place for place in self._places}.values()
        said = [one.content for place in places for one in place.messages.values() if one.author.id == mine]
        return sum(text.strip() in {"", *thinking} for text in said)

    @property
    def sent(self) -> int:
        return len(self._server.record.of("sent", "edited"))

    @property
    def violations(self) -> int:
        return len(self._server.record.of("inside_ban"))

    @property
    def database(self) -> Path:
        return self._bot.state / "db" / "maum.db"

    async def start(self, *, ready: bool = False) -> None:
        await self._bot.start(ready=ready)

    async def kill(self) -> None:
        told = self._server.clock.now()
        await self._bot.kill()
        await self._server.left()
        assert self._server.clock.now() - told < DYING_S
        self._server.limits.lift(since=told - UNREAD_S)

    async def stop(self) -> int:
        return await self._bot.stop()


@asynccontextmanager
async def discord(folder: Path, people: int, port: int, *, random_429: float = 0.02) -> AsyncIterator[Discord]:
    """The local server and a bot that is not started yet. `port`: where the bot says what it is doing."""
    async with DiscordServer() as server, OpenAIServer() as llm:
        server.gateway.spacing_s = 0.0
        server.limits.chance = random_429
        yield Discord(server, Bot(folder, server, llm, **ENVIRON, CHAOS_PORT=str(port)), people)
