"""A person's rights over REST: what is kept, a copy of it, forgetting, pausing."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header
from fastapi.responses import HTMLResponse, JSONResponse

from bot.app import App
from bot.export import page
from bot.locale import pick
from bot.types import Chat, Person
from plugins.platforms.web import shapes
from plugins.platforms.web.guard.headers import EXPORT


class Rights:
    def __init__(self, app: App) -> None:
        self._app = app
        self.router = APIRouter(tags=["rights"])
        for method, path, endpoint in (
            ("GET", "/consent", self.terms),
            ("GET", "/person/{person}/export", self.export),
            ("POST", "/person/{person}/forget", self.forget),
            ("POST", "/person/{person}/pause", self.pause),
            ("POST", "/person/{person}/resume", self.resume),
        ):
            self.router.add_api_route(path, endpoint, methods=[method])

    async def terms(self, accept_language: Annotated[str | None, Header()] = None) -> list[shapes.TermShape]:
        """What a person can agree to, in the words to show them; nothing may be ticked in advance."""
        language = pick(accept_language, self._app.settings.language)
        return [shapes.TermShape.model_validate(term) for term in self._app.privacy.terms(language, "web")]

    async def export(
        self,
        person: shapes.PersonId,
        form: Literal["json", "html"] = "json",
        accept_language: Annotated[str | None, Header()] = None,
    ) -> Any:
        """Everything that is kept about a person, as JSON or (`?form=html`) as a page."""
        exported = await self._app.privacy.export(Person("web", person))
        if form == "html":
            html = page(exported, pick(accept_language, self._app.settings.language))
            return HTMLResponse(html, headers={"Content-Security-Policy": EXPORT})
        return JSONResponse(exported)

    async def forget(self, person: shapes.PersonId, body: shapes.ForgetBody | None = None) -> dict[str, dict[str, int]]:
        """Delete everything that is kept about a person, or about one chat; returns how many records went."""
        chat = Chat("web", body.chat) if body and body.chat else None
        return {"forgotten": await self._app.privacy.forget(Person("web", person), chat)}

    async def pause(self, person: shapes.PersonId) -> dict[str, list[str]]:
        """Take nothing new of a person until they resume."""
        return {"scopes": sorted(await self._app.privacy.pause(Person("web", person)))}

    async def resume(self, person: shapes.PersonId) -> dict[str, list[str]]:
        """End a pause; what was agreed to before counts again."""
        return {"scopes": sorted(await self._app.privacy.resume(Person("web", person)))}
