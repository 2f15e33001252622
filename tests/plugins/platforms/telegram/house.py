"""The whole bot in this process, over the real composition root, library, sockets and database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from bot.__main__ import build
from bot.app import App
from bot.config import Settings, state_dir
from tests import blank
from tests.plugins.platforms.telegram.parts import EchoReplier
from tests.servers.telegram_server import TelegramServer
from tests.servers.telegram_world import Human, Post, Room


@dataclass
class TelegramHouse:
    app: App
    server: TelegramServer

    @property
    def gate(self) -> asyncio.Event:
        """While cleared it holds every answer back."""
        (replier,) = self.app.core.replier.repliers
        assert isinstance(replier, EchoReplier)
        return replier.gate

    def person(self, name: str = "민지", language: str = "ko") -> Human:
        return self.server.world.person(name, language)

    def room(self, human: Human) -> Room:
        return self.server.world.private(human)

    async def talks(self, human: Human, text: str, room: Room | None = None, **more: Any) -> Post:
        """A person writes and waits for the answer to just this."""
        room = room or self.room(human)
        before = len([post for post in self.server.world.shown(room) if _again(post)])
        self.server.says(human, text, room, **more)
        return await self.server.answer(room, before + 1)

    async def agrees(self, human: Human, form: Post, *titles: str) -> None:
        """Tick the titles and agree."""
        for title in titles or ("대화하기",):
            self.server.clicks(human, form, f"☐ {title}")
            await self.server.until(partial(_is_ticked, form, title))
        self.server.clicks(human, form, "동의하고 시작")

    async def said(self, room: Room, *words: str) -> Post:
        """Wait for a message of the bot's that contains all these words."""

        def found() -> list[Post]:
            return [post for post in self.server.world.shown(room) if all(word in post.text for word in words)]

        return (await self.server.until(found))[-1]

    async def form(self, room: Room) -> Post:
        """Wait for the form that asks for consent."""
        return (await self.server.until(lambda: [p for p in self.server.world.shown(room) if is_form(p)]))[-1]

    async def toast(self, click: Any) -> str:
        await self.server.until(lambda: click.answer is not None)
        return str(click.answer)


def _is_ticked(form: Post, title: str) -> bool:
    return any(f"☑ {title}" in button["text"] for button in form.buttons)


def is_form(post: Post) -> bool:
    return any("☐" in button["text"] or "☑" in button["text"] for button in post.buttons)


def labels(post: Post) -> list[str]:
    return [button["text"] for button in post.buttons]


@asynccontextmanager
async def open_house(server: TelegramServer, **sections: Any) -> AsyncIterator[TelegramHouse]:
    """TELEGRAM_TOKEN and MAUM_STATE_DIR must be set; opened twice it is the same house after a restart."""
    telegram = {"base_url": server.base_url, "pace": 20.0} | sections.pop("telegram", {})
    settings: dict[str, Any] = {
        "classifier": {"use": "tests.plugins.platforms.web.parts:FeelingClassifier"},
        "replier": {"use": ["tests.plugins.platforms.telegram.parts:EchoReplier"], "closed_loop": False},
        "platforms": {"use": ["telegram"], "telegram": telegram},
        "consent": {"default": "trusted"},
        "delivery": {"burst_s": 0.1, "drain_s": 1.0},
        "limits": {"per_minute": 600, "burst": 60, "max_chars": 5000},
    }
    await blank.lay(state_dir() / "db" / "maum.db")
    async with build(Settings.model_validate(settings | sections)) as app:
        await app.delivery.recover()
        running = [asyncio.create_task(platform.run(app)) for platform in app.desk.platforms.values()]
        try:
            yield TelegramHouse(app, server)
        finally:
            await app.delivery.drain()
            for one in running:
                one.cancel()
            await asyncio.gather(*running, return_exceptions=True)


def _again(post: Post) -> bool:
    return any("again:" in button.get("callback_data", "") for button in post.buttons)
