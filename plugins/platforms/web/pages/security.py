"""What is done to NiceGUI: nonces for its scripts, no page of its own, no log lines that come from browsers."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable

from jinja2 import BaseLoader, Environment
from nicegui import Client
from nicegui import client as nicegui_client
from nicegui.logging import log as nicegui_log
from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.errors import Refusal
from bot.types import Language
from plugins.platforms.web import refusals
from plugins.platforms.web.guard.headers import chat

NONCE = "maum.nonce"
OWN_PATHS = ("/_nicegui/", "/_nicegui_ws/")


class PagePolicy:
    """Gives each page its own nonce and policy, and answers for addresses that are no page in our own words."""

    def __init__(self, app: ASGIApp, language: Language) -> None:
        self._app = app
        self._language = language

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path = scope["path"]
        if path not in {*Client.page_routes.values(), "/favicon.ico"} and not path.startswith(OWN_PATHS):
            await refusals.answer(HTTPConnection(scope), Refusal("no_page"), self._language)(scope, receive, send)
            return
        nonce = scope[NONCE] = secrets.token_urlsafe(16)

        async def with_policy(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).setdefault("Content-Security-Policy", chat(nonce))
            await send(message)

        await self._app(scope, receive, with_policy)


def _is_ours(record: logging.LogRecord) -> bool:
    """What a browser sends to be logged can hold anything, also what a person wrote."""
    return record.funcName != Client.handle_log_message.__name__


class NonceLoader(BaseLoader):
    """NiceGUI's own template, each of its script tags with the nonce; what a page fills in is not looked at."""

    def __init__(self, inner: BaseLoader) -> None:
        self._inner = inner

    def get_source(self, environment: Environment, template: str) -> tuple[str, str | None, Callable[[], bool] | None]:
        source, name, fresh = self._inner.get_source(environment, template)
        return source.replace("<script", f"<script nonce=\"{{{{ request.scope['{NONCE}'] }}}}\""), name, fresh


def harden() -> None:
    """Once a process: NiceGUI has one template environment, and one log, into which browsers may write."""
    if _is_ours not in nicegui_log.filters:
        nicegui_log.addFilter(_is_ours)
    environment = nicegui_client.templates.env
    if not isinstance(environment.loader, NonceLoader):
        assert environment.loader is not None
        environment.loader = NonceLoader(environment.loader)
        if environment.cache is not None:
            environment.cache.clear()
