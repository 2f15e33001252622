"""The login page, and logging out. Where it leads is always the chat: no address is taken from a request."""

from __future__ import annotations

import math
from html import escape
from urllib.parse import parse_qs

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from bot.errors import Refusal
from bot.locale import say
from bot.rate_limit import RateLimit
from bot.types import Language
from plugins.platforms.web import plain, refusals
from plugins.platforms.web.guard.login import COOKIE, SESSION_S, Login
from plugins.platforms.web.guard.pace import address
from plugins.platforms.web.visit import language_of

ATTEMPTS = 10  # a minute from one address: guessing is slowed down, and nobody is locked out
FORM = """<p>{intro}</p>
{alert}
<form method="post" action="/login">
<label for="password">{label}</label>
<input id="password" name="password" type="password" autocomplete="current-password" required autofocus>
<button>{enter}</button>
</form>"""


class Entrance:
    def __init__(self, login: Login, language: Language) -> None:
        self._login = login
        self._language = language
        self._attempts = RateLimit(per_minute=ATTEMPTS, burst=ATTEMPTS)
        self.router = APIRouter(include_in_schema=False)
        self.router.add_api_route("/login", self.show, methods=["GET"])
        self.router.add_api_route("/login", self.enter, methods=["POST"])
        self.router.add_api_route("/logout", self.leave, methods=["POST"])

    async def show(self, request: Request) -> Response:
        if self._login.holds(request.cookies.get(COOKIE)):
            return RedirectResponse("/", 303)
        return self._form(request)

    async def enter(self, request: Request) -> Response:
        if wait_s := self._attempts.wait_s(address(request)):
            return refusals.answer(request, Refusal("limited", seconds=math.ceil(wait_s)), self._language)
        fields = parse_qs((await request.body()).decode("utf-8", "replace"), keep_blank_values=True)
        if not self._login.admits(fields.get("password", [""])[0]):
            return self._form(request, "wrong_password")
        response = RedirectResponse("/", 303)
        response.set_cookie(COOKIE, self._login.open(), max_age=SESSION_S, httponly=True, samesite="lax")
        return response

    async def leave(self, request: Request) -> Response:
        self._login.close(request.cookies.get(COOKIE))
        response = RedirectResponse("/login", 303)
        response.delete_cookie(COOKIE, httponly=True, samesite="lax")
        return response

    def _form(self, request: Request, wrong: str = "") -> Response:
        language = language_of(request, self._language)
        words = {name: escape(say(language, f"web.login_{name}")) for name in ("intro", "label", "enter")}
        alert = f'<p role="alert">{escape(say(language, f"refusal.{wrong}"))}</p>' if wrong else ""
        return plain.page(request, language, FORM.format(alert=alert, **words), 401 if wrong else 200)
