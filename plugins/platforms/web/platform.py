"""The web platform: one FastAPI application in one uvicorn server, inside the bot's own event loop."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import os
import socket
from typing import TYPE_CHECKING

from bot.contracts import Platform
from bot.errors import OperatorError
from bot.types import Outgoing
from plugins.platforms.web.hub import Hub

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.types import ASGIApp

    from bot.app import App
    from plugins.platforms.web.guard.login import Login

log = logging.getLogger("maum.web")

SHORT_PASSWORD = 12


class WebPlatform(Platform):
    """Options: where to listen, and whether to serve the chat pages beside REST.

    `hosts` are names under which other machines reach us through a proxy, `proxies` the addresses of those that are
    believed about whom they speak for, `per_minute` the requests taken from one address (0: any number).

    Raises:
        OperatorError: reachable from other machines without MAUM_API_TOKEN, or a port that is taken.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 8080,
        pages: bool = True,
        hosts: tuple[str, ...] = (),
        proxies: tuple[str, ...] = (),
        per_minute: int = 6_000,
    ) -> None:
        self.host = host
        self.port = port
        self.pages = pages
        self.hosts = hosts
        self.proxies = proxies
        self.hub = Hub()
        self.per_minute = per_minute
        self.api_token = os.environ.get("MAUM_API_TOKEN", "")
        self.page_password = os.environ.get("MAUM_PAGE_PASSWORD", "")
        self.is_reachable = bool(hosts) or not _is_loopback(host)
        if self.is_reachable and not self.api_token:
            key = f"hosts = {list(hosts)}" if hosts else f"host = {host!r}"
            raise OperatorError(
                f"platforms.web.{key} lets other machines reach it: set MAUM_API_TOKEN, or use 127.0.0.1 alone"
            )

    async def run(self, app: App) -> None:
        from plugins.platforms.web.server import Server, configured

        listener = self._bind()
        server = Server(configured(self.guarded(app), self.proxies))
        self.port = listener.getsockname()[1]  # 0 asked for any free one
        log.info("web chat at http://%s:%d", self.host, self.port)
        self._say_how_to_log_in()
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            await asyncio.shield(serving)
        except asyncio.CancelledError:
            server.should_exit = True
            await serving
            raise

    async def show(self, outgoing: Outgoing, handle: str | None) -> str:
        self.hub.publish(outgoing)
        return handle or str(outgoing.message)

    def guarded(self, app: App) -> ASGIApp:
        """All of it, behind the door. Pages ask for a login where other machines reach them, or a password is set."""
        from plugins.platforms.web.guard.door import Door
        from plugins.platforms.web.guard.login import Login
        from plugins.platforms.web.guard.origin import Names
        from plugins.platforms.web.guard.pace import Pace

        password = self.page_password or (self.api_token if self.is_reachable else "")
        login = Login(password, app.keys.derive("page login")) if password else None
        names = Names((self.host, *self.hosts) if self.hosts or not self.is_reachable else None)
        application = self.application(app, login)
        return Door(application, names, Pace(self.per_minute), login, self.api_token, app.settings.language)

    def application(self, app: App, login: Login | None = None) -> FastAPI:
        """REST, the original's API, and the pages."""
        from plugins.platforms.web import api
        from plugins.platforms.web.entrance import Entrance

        application = api.create(app, self.hub, self.api_token)
        if self.pages:
            from plugins.platforms.web.chat import mount

            if login:
                application.include_router(Entrance(login, app.settings.language).router)
            mount(application, app, self.hub, logs_out=login is not None)
        return application

    def _say_how_to_log_in(self) -> None:
        if self.is_reachable and self.pages and not self.page_password:
            log.info("pages ask for MAUM_API_TOKEN; set MAUM_PAGE_PASSWORD to let people in who shall not use REST")
        elif self.is_reachable and 0 < len(self.page_password) < SHORT_PASSWORD:
            log.warning("MAUM_PAGE_PASSWORD is short: %d characters or more are hard to guess", SHORT_PASSWORD)

    def _bind(self) -> socket.socket:
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((self.host, self.port))
        except OSError as error:
            listener.close()
            raise OperatorError(
                f"cannot listen on {self.host}:{self.port} ({error.strerror}): stop what uses it, "
                "or set platforms.web.port (MAUM_PLATFORMS__WEB__PORT) to another port"
            ) from None
        return listener


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
