"""What goes over REST, as pydantic models: the OpenAPI page is made of these."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field

from bot.types import Language, Outgoing, Reading

Name = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[^\x00]+$")]
PersonId = Annotated[str, Path(min_length=1, max_length=128, pattern=r"^[^\x00]+$")]
Id = Annotated[int, Path(ge=0, le=2**53)]


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ConsentBody(Body):
    person: Name
    scopes: list[Literal["talk", "log", "statistics", "entries", "training"]]


class ForgetBody(Body):
    chat: Name | None = None


class MessageBody(Body):
    chat: Name = "default"
    person: Name
    text: str = Field(max_length=1_000_000)
    language: Language | None = None


class PersonBody(Body):
    """Who asks; without it, the operator does."""

    person: Name | None = None


class RegenerateBody(PersonBody):
    emotion: str | None = Field(None, max_length=64)
    tone: str | None = Field(None, max_length=16)


class SelectBody(PersonBody):
    variant: int = Field(ge=1, le=99_999)


class FeedbackBody(PersonBody):
    value: Literal[1, -1, 0]


class CorrectBody(PersonBody):
    emotion: str = Field(max_length=64)


class ClassifyBody(Body):
    texts: list[Annotated[str, Field(max_length=100_000)]] = Field(max_length=1_000)


class EmotionScore(BaseModel):
    label: str
    group: str
    score: float


class ReadingShape(BaseModel):
    group: str | None = None
    sure: bool = False
    model: str | None = None
    emotions: list[EmotionScore] = []


class ReplyShape(BaseModel):
    id: int
    text: str
    variant: int
    hit: bool | None


class AnswerShape(ReadingShape):
    """An answered message."""

    message_id: int
    reply: ReplyShape
    variants: int
    notice: str | None = None
    ai_notice: str | None = None  # to be shown: at the start of a talk, and every three hours of it


class TermShape(BaseModel):
    """One scope of consent."""

    model_config = ConfigDict(from_attributes=True)

    scope: str
    needed: bool
    sensitive: bool
    title: str
    purpose: str
    items: str
    period: str
    refuse: str


class ErrorShape(BaseModel):
    error: str
    message: str


#: how any call may end instead; 500 is not among them: it is a mistake of ours
ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": ErrorShape} for status in (400, 401, 403, 404, 405, 408, 409, 413, 421, 422, 429, 431, 503)
}


def reading_shape(reading: Reading | None) -> dict[str, Any]:
    if reading is None:
        return {}
    emotions = [{"label": e.label, "group": e.group, "score": round(e.score, 4)} for e in reading.emotions]
    return {"group": reading.group, "sure": reading.sure, "model": reading.model, "emotions": emotions}


def answer_shape(outgoing: Outgoing, ai_notice: str | None = None) -> AnswerShape:
    """Of a final snapshot with a reply."""
    reply = outgoing.reply
    assert reply is not None
    return AnswerShape(
        message_id=outgoing.message,
        reply=ReplyShape(id=reply.id, text=reply.text, variant=reply.variant, hit=reply.hit),
        variants=outgoing.variants,
        notice=outgoing.notice or None,
        ai_notice=ai_notice,
        **reading_shape(outgoing.reading),
    )
