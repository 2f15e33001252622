"""A refusal as an answer: JSON for programs, a page for people, the same words in both."""

from __future__ import annotations

from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse, Response

from bot.errors import Refusal
from bot.locale import say
from bot.types import Language
from plugins.platforms.web import plain
from plugins.platforms.web.visit import language_of, wants_page

STATUS = {
    "not_authorised": 401,
    "wrong_password": 401,
    "consent_required": 403,
    "not_yours": 403,
    "not_moderator": 403,
    "foreign_origin": 403,
    "not_found": 404,
    "no_page": 404,
    "bad_method": 405,
    "too_slow": 408,
    "already": 409,
    "not_answered": 409,
    "too_long": 413,
    "too_large": 413,
    "unknown_host": 421,
    "empty": 422,
    "limited": 429,
    "head_too_large": 431,
    "queue_full": 503,
}


def answer(connection: HTTPConnection, refusal: Refusal, default: Language) -> Response:
    language = language_of(connection, default)
    text = say(language, f"refusal.{refusal.code}", **refusal.facts)
    status = STATUS.get(refusal.code, 422)
    if wants_page(connection):
        response: Response = plain.message(connection, language, text, status)
    else:
        care = {"care": refusal.care} if refusal.care else {}
        response = JSONResponse({"error": refusal.code, "message": text, **care}, status)
    if "seconds" in refusal.facts:
        response.headers["Retry-After"] = str(refusal.facts["seconds"])
    return response
