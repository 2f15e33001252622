"""The original system's server API, so that an old client keeps working: POST /predict and /predict-again.

Same shapes, but every client has a conversation of its own (cookie or X-Session header), kept in memory only and so
without consent; the emotion is no longer glued to the text; a rejected answer is replaced, not kept in the history.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import APIRouter, Cookie, Header, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from bot import emotions
from bot.answering import label_of
from bot.app import App
from bot.care import Finding
from bot.core import UNASKED, Voice
from bot.errors import Refusal, ReplyError
from bot.locale import pick, say
from bot.text import clean
from bot.types import Language, Text, Turn

COOKIE = "maum_predict"
MAX_SESSIONS = 1_000
MAX_COOKIE = 64  # characters; ours has 22
MAX_PAIRS = 5  # as in the original
Session = Annotated[str | None, Header(alias="X-Session", max_length=128)]
Language_ = Annotated[str | None, Header(alias="Accept-Language")]


class Predict(BaseModel):
    text: str = Field(max_length=100_000)


class PredictAgain(Predict):
    feel: str = Field(max_length=64)


@dataclass
class Talk:
    """One client's conversation: question and answer in turn."""

    turns: list[Turn] = field(default_factory=list)


class Talks:
    """The clients' conversations, the longest unused forgotten first."""

    def __init__(self) -> None:
        self._talks: OrderedDict[str, Talk] = OrderedDict()

    def get(self, session: str) -> Talk:
        talk = self._talks.pop(session, None) or Talk()
        self._talks[session] = talk
        if len(self._talks) > MAX_SESSIONS:
            self._talks.popitem(last=False)
        return talk


def create(app: App) -> APIRouter:
    router = APIRouter(tags=["original"])
    talks = Talks()

    @router.post("/predict")
    async def predict(
        body: Predict,
        response: Response,
        header: Session = None,
        cookie: Annotated[str | None, Cookie(alias=COOKIE)] = None,
        wanted: Language_ = None,
    ) -> Any:
        """Five emotions, best first, and an answer."""
        text = _checked(body.text, app.settings.limits.max_chars)
        talk = talks.get(_session(header, cookie, response))
        turns = [*talk.turns, Turn("user", text)]
        finding = app.core.concern(turns)
        reading = None if finding else (await app.core.read([Text(text)]))[0]
        turns[-1] = Turn("user", text, reading)
        feelings = [emotion.label for emotion in reading.emotions] if reading else []
        return await _answered(app, talk, turns, pick(wanted, app.settings.language), (), feelings, finding)

    @router.post("/predict-again")
    async def predict_again(
        body: PredictAgain,
        response: Response,
        header: Session = None,
        cookie: Annotated[str | None, Cookie(alias=COOKIE)] = None,
        wanted: Language_ = None,
    ) -> Any:
        """Another answer, with the emotion that the client sends."""
        text = _checked(body.text, app.settings.limits.max_chars)
        label = label_of(body.feel)
        talk = talks.get(_session(header, cookie, response))
        earlier, rejected = _without_answer(talk.turns, text)
        turns = [*earlier, Turn("user", text, emotions.corrected(label, None))]
        return await _answered(app, talk, turns, pick(wanted, app.settings.language), rejected, "")

    return router


async def _answered(
    app: App,
    talk: Talk,
    turns: list[Turn],
    language: Language,
    rejected: tuple[str, ...],
    feelings: list[str] | str,
    finding: Finding | None = UNASKED,
) -> Any:
    voice = Voice(language, app.settings.replier.persona, app.settings.replier.strategy)
    try:
        answer = app.core.answer(turns, voice, rejected=rejected, payer="predict", finding=finding)
        reply = [step async for step in answer][-1]
    except ReplyError as error:
        return JSONResponse({"error": error.code, "message": say(language, f"notice.{error.code}")}, 503)
    talk.turns = [*turns, Turn("assistant", reply.text, reply.reading)][-2 * MAX_PAIRS :]
    return {"feel_list": feelings, "result": reply.text}


def _without_answer(turns: list[Turn], text: str) -> tuple[list[Turn], tuple[str, ...]]:
    """The turns before the question that is asked again, and the answer it had."""
    if len(turns) >= 2 and turns[-2].text == text:
        return turns[:-2], (turns[-1].text,)
    return turns, ()


def _checked(text: str, limit: int) -> str:
    text = clean(text)
    if not text.strip():
        raise Refusal("empty")
    if len(text) > limit:
        raise Refusal("too_long", limit=limit, length=len(text))
    return text


def _session(header: str | None, cookie: str | None, response: Response) -> str:
    if header:
        return f"header {header}"
    session = cookie if cookie and len(cookie) <= MAX_COOKIE else secrets.token_urlsafe(16)
    response.set_cookie(COOKIE, session, httponly=True, samesite="lax")
    return f"cookie {session}"
