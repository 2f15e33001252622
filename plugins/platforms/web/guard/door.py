"""The door: every request and every socket comes through here before anything else sees it."""

from __future__ import annotations

from starlette.requests import ClientDisconnect, HTTPConnection
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.errors import Refusal
from bot.types import Language
from plugins.platforms.web import refusals
from plugins.platforms.web.guard import headers, size
from plugins.platforms.web.guard.login import COOKIE, Login
from plugins.platforms.web.guard.origin import Names, is_foreign
from plugins.platforms.web.guard.pace import Pace
from plugins.platforms.web.guard.token import knows_token
from plugins.platforms.web.visit import wants_page

OPEN = frozenset({"/health", "/login", "/favicon.ico"})  # what a stranger may see
UNDER = ("/maum-static/", "/api/", "/predict")  # …and our own style sheets, and what asks for the token itself
POLICY_VIOLATION = 1008  # RFC 6455, section 7.4.1


class Door:
    """Wraps the application. `login` is None where pages are open; `token` opens what programs need."""

    def __init__(
        self, app: ASGIApp, names: Names, pace: Pace, login: Login | None, token: str, language: Language
    ) -> None:
        self.app = app  # under this name NiceGUI looks for the application it was mounted in
        self._names = names
        self._pace = pace
        self._login = login
        self._token = token
        self._language = language

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        scope = _without_prefix(scope)
        connection = HTTPConnection(scope)
        refused = self._refused(connection)
        if scope["type"] == "websocket":
            await self._socket(connection, refused, receive, send)
        else:
            await self._request(connection, refused, receive, headers.dressed(connection, send))

    async def _request(
        self, connection: HTTPConnection, refused: Response | None, receive: Receive, send: Send
    ) -> None:
        if refused is None and size.has_body(connection):
            try:
                body = await size.read(connection, receive)
            except ClientDisconnect:  # nobody is there to be answered
                return
            if isinstance(body, str):
                refused = self._answer(connection, Refusal(body))
            else:
                receive = size.again(body, receive)
        await (refused or self.app)(connection.scope, receive, send)

    async def _socket(self, connection: HTTPConnection, refused: Response | None, receive: Receive, send: Send) -> None:
        """A socket obeys the same rules, at its opening and with each message that comes through it."""
        if refused:
            await send({"type": "websocket.close", "code": POLICY_VIOLATION})
            return

        async def watched() -> Message:
            message = await receive()
            if message["type"] == "websocket.receive" and (self._pace.wait_s(connection) or self._is_shut(connection)):
                return {"type": "websocket.disconnect", "code": POLICY_VIOLATION}
            return message

        await self.app(connection.scope, watched, send)

    def _refused(self, connection: HTTPConnection) -> Response | None:
        if not self._names.know(connection):
            return self._answer(connection, Refusal("unknown_host"))
        if is_foreign(connection):
            return self._answer(connection, Refusal("foreign_origin"))
        if size.has_too_much_before_the_body(connection):
            return self._answer(connection, Refusal("head_too_large"))
        if seconds := self._pace.wait_s(connection):
            return self._answer(connection, Refusal("limited", seconds=seconds))
        if self._is_shut(connection):
            if wants_page(connection):
                return RedirectResponse("/login", 303)  # nowhere else: the way on never comes from the request
            return self._answer(connection, Refusal("not_authorised"))
        return None

    def _is_shut(self, connection: HTTPConnection) -> bool:
        path = connection.scope["path"]
        if self._login is None or path in OPEN or path.startswith(UNDER):
            return False
        return not (self._login.holds(connection.cookies.get(COOKIE)) or knows_token(connection, self._token))

    def _answer(self, connection: HTTPConnection, refusal: Refusal) -> Response:
        return refusals.answer(connection, refusal, self._language)


def _without_prefix(scope: Scope) -> Scope:
    """Without a header that NiceGUI would put in front of addresses: we are served at the root, whoever asks."""
    kept = [(name, value) for name, value in scope["headers"] if name != b"x-forwarded-prefix"]
    return {**scope, "headers": kept}
