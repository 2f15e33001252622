"""The chat page at `/`: mounts NiceGUI, which serves all its own assets, beside the REST routes.

A person on the web is a random id in a signed cookie that scripts cannot read; nothing about them is kept outside the
database. NiceGUI is imported here, so only a process that runs the web platform pays for it.
"""

from __future__ import annotations

import copy
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from fastapi import FastAPI, Request
from nicegui import Client, background_tasks, ui
from nicegui import app as nicegui_app
from starlette.staticfiles import StaticFiles

from bot.locale import LANGUAGES, pick
from bot.types import Language, Person
from plugins.platforms.web.pages.layout import Page
from plugins.platforms.web.pages.security import SameOriginOnly
from plugins.platforms.web.pages.settings import LANGUAGE_COOKIE, LOOK_COOKIE, LOOKS
from plugins.platforms.web.pages.words import Words

if TYPE_CHECKING:
    from bot.app import App
    from plugins.platforms.web.hub import Hub

STATIC = Path(__file__).parent / "pages" / "static"
SESSION_COOKIE = "maum"
YEAR_S = 365 * 24 * 3600
RECONNECT_S = 20.0  # a phone that was in a pocket for less than this goes on without a reload
QUASAR_LANGUAGES = {"ko": "ko-KR", "en": "en-US"}


def mount(application: FastAPI, app: App, hub: Hub) -> None:
    """Serve the chat page and its assets from `application`."""
    application.mount("/maum-static", StaticFiles(directory=STATIC), name="maum-static")
    head = "\n".join(_tags())

    async def index(request: Request, client: Client) -> None:
        language = _language(request, app.settings.language)
        look = request.cookies.get(LOOK_COOKIE, "auto")
        _dress(client, language, look)
        ui.add_head_html(head)
        person = Person("web", str(nicegui_app.storage.browser["id"]), locale=language)
        page = Page(app, hub, person, Words(language), look)
        client.on_delete(page.close)
        await page.build()
        following = background_tasks.create(page.follow(), name="chat page", context=client)
        client.on_delete(following.cancel)
        client.on_connect(lambda: client.run_javascript("maum.connected()"))

    nicegui_app.user_middleware.clear()  # one application per process: mounted once more (in tests), it starts afresh
    nicegui_app.middleware_stack = None
    ui.page("/")(index)
    nicegui_app.add_middleware(SameOriginOnly)
    ui.run_with(
        application,
        title="Maum",
        favicon=STATIC / "icon.svg",
        storage_secret=app.keys.derive("web cookies"),
        session_middleware_kwargs={"session_cookie": SESSION_COOKIE, "max_age": YEAR_S, "same_site": "lax"},
        reconnect_timeout=RECONNECT_S,
        binding_refresh_interval=None,
        tailwind=False,
        show_welcome_message=False,
    )


def _tags() -> list[str]:
    """Our own style sheet and script, named by their content so that a browser never uses an old one."""
    tags = []
    for name, tag in (
        ("chat.css", '<link rel="stylesheet" href="{}">'),
        ("chat.js", '<script defer src="{}"></script>'),
    ):
        version = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]
        tags.append(tag.format(f"/maum-static/{name}?{version}"))
    return tags


def _language(request: Request, default: Language) -> Language:
    chosen = request.cookies.get(LANGUAGE_COOKIE)
    for language in LANGUAGES:
        if chosen == language:
            return language
    return pick(request.headers.get("accept-language"), default)


def _dress(client: Client, language: Language, look: str) -> None:
    """Language and light or dark of this one response; NiceGUI knows them per route only."""
    client.page = copy.copy(client.page)
    client.page.language = QUASAR_LANGUAGES[language]  # type: ignore[assignment]
    client.page.dark = LOOKS.get(look)
