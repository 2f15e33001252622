"""The chat page at `/`: mounts NiceGUI, which serves all its own assets, beside the REST routes.

A person on the web is a random id in a signed cookie that scripts cannot read; nothing about them is kept outside the
database. NiceGUI is imported here, so only a process that runs the web platform pays for it.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from fastapi import FastAPI, Request
from fastapi.responses import Response
from nicegui import Client, background_tasks, ui
from nicegui import app as nicegui_app
from starlette.staticfiles import StaticFiles

from bot.types import Language, Person
from plugins.platforms.web.pages.broken import build_broken
from plugins.platforms.web.pages.layout import Page
from plugins.platforms.web.pages.security import PagePolicy, harden
from plugins.platforms.web.pages.words import Words
from plugins.platforms.web.plain import STATIC, asset
from plugins.platforms.web.visit import LOOKS, language_of, look_of

if TYPE_CHECKING:
    from bot.app import App
    from plugins.platforms.web.hub import Hub

SESSION_COOKIE = "maum"
YEAR_S = 365 * 24 * 3600
RECONNECT_S = 20.0  # a phone that was in a pocket for less than this goes on without a reload
QUASAR_LANGUAGES = {"ko": "ko-KR", "en": "en-US"}


def mount(application: FastAPI, app: App, hub: Hub, *, logs_out: bool = False) -> None:
    """Serve the chat page and its assets from `application`; `logs_out`: somebody had to log in to see it."""
    application.mount("/maum-static", StaticFiles(directory=STATIC), name="maum-static")
    application.add_api_route("/fresh", _fresh, methods=["POST"], include_in_schema=False)
    head = f"""<link rel="stylesheet" href="{asset("chat.css")}"><script defer src="{asset("chat.js")}"></script>"""

    async def index(request: Request, client: Client) -> None:
        language = language_of(request, app.settings.language)
        look = look_of(request)
        _dress(client, language, look)
        ui.add_head_html(head)
        person = Person("web", str(nicegui_app.storage.browser["id"]), locale=language)
        page = Page(app, hub, person, Words(language), look, logs_out=logs_out)
        client.on_delete(page.close)
        await page.build()
        following = background_tasks.create(page.follow(), name="chat page", context=client)
        client.on_delete(following.cancel)
        client.on_connect(lambda: client.run_javascript("maum.connected()"))

    nicegui_app.user_middleware.clear()  # one application per process: mounted once more (in tests), it starts afresh
    nicegui_app.middleware_stack = None
    ui.page("/")(index)
    nicegui_app.on_page_exception(lambda: build_broken(head, app.settings.language))
    harden()
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
    nicegui_app.add_middleware(PagePolicy, language=app.settings.language)  # the last one added is asked first


async def _fresh(request: Request) -> Response:
    """Make the browser a new person: who was forgotten leaves their old id behind, too."""
    response = Response(status_code=204)
    response.delete_cookie(SESSION_COOKIE, httponly=True, samesite="lax")
    return response


def _dress(client: Client, language: Language, look: str) -> None:
    """Language and light or dark of this one response; NiceGUI knows them per route only."""
    client.page = copy.copy(client.page)
    client.page.language = QUASAR_LANGUAGES[language]  # type: ignore[assignment]
    client.page.dark = LOOKS.get(look)
