"""What an application's errors look like over HTTP: always a code, and a line in the caller's language."""

from __future__ import annotations

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from bot.errors import Refusal
from bot.locale import say
from bot.types import Language
from plugins.platforms.web import refusals
from plugins.platforms.web.visit import language_of


def explain(application: FastAPI, default: Language) -> None:
    """Let the application answer its errors so; what nobody expected is also in the log."""

    async def refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, Refusal)
        return refusals.answer(request, error, default)

    async def http(request: Request, error: Exception) -> Response:
        """The framework's own: an address or a method that is not there, a body that is no JSON."""
        assert isinstance(error, HTTPException)
        if code := {404: "no_page", 405: "bad_method"}.get(error.status_code):
            return refusals.answer(request, Refusal(code), default)
        return JSONResponse({"error": "invalid", "message": error.detail}, error.status_code, error.headers)

    async def failed(request: Request, error: Exception) -> Response:
        message = say(language_of(request, default), "notice.failed")
        return JSONResponse({"error": "failed", "message": message}, 500)

    application.add_exception_handler(Refusal, refused)
    application.add_exception_handler(RequestValidationError, _invalid)
    application.add_exception_handler(HTTPException, http)
    application.add_exception_handler(Exception, failed)


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"][1:]) or "body"
    return JSONResponse({"error": "invalid", "message": f"{where}: {first['msg']}"}, 422)
