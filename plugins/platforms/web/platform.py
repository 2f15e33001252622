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

    from bot.app import App

log = logging.getLogger("maum.web")


class WebPlatform(Platform):
    """Options: where to listen, and whether to serve the chat pages beside REST.

    Raises:
        OperatorError: a bind beyond this machine without MAUM_API_TOKEN, or a port that is taken.
    """

    def __init__(self, host: str = "127.0.0.1", port: int = 8080, pages: bool = True) -> None:
        self.host = host
        self.port = port
        self.pages = pages
        self.hub = Hub()
        self.api_token = os.environ.get("MAUM_API_TOKEN", "")
        if not self.api_token and not _is_loopback(host):
            raise OperatorError(
                f"platforms.web.host = {host!r} is reachable from other machines: set MAUM_API_TOKEN, or use 127.0.0.1"
            )

    async def run(self, app: App) -> None:
        from plugins.platforms.web.server import Server, configured

        listener = self._bind()
        server = Server(configured(self.application(app)))
        self.port = listener.getsockname()[1]  # 0 asked for any free one
        log.info("web chat at http://%s:%d", self.host, self.port)
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

    def application(self, app: App) -> FastAPI:
        """REST, the original's API, and the pages."""
        from plugins.platforms.web import api

        application = api.create(app, self.hub, self.api_token)
        if self.pages:
            from plugins.platforms.web.chat import mount

            mount(application, app, self.hub)
        return application

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
