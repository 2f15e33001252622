"""REST (OpenAPI at /docs). REST trusts whoever reaches it to say who `person` is: hence loopback, or MAUM_API_TOKEN."""

from __future__ import annotations

import uuid
from collections.abc import AsyncGenerator, AsyncIterator
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, FastAPI, Header, Query, Request
from fastapi.responses import JSONResponse, PlainTextResponse, StreamingResponse
from fastapi.security import HTTPBearer
from fastapi_offline import FastAPIOffline
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

import bot
from bot import emotions
from bot.app import App
from bot.errors import Refusal
from bot.locale import pick, say
from bot.moderation import moment
from bot.types import Action, Chat, Conversation, Incoming, Language, Outgoing, Person, Text
from plugins.platforms.web import compat, events, failures, shapes
from plugins.platforms.web.guard.token import knows_token
from plugins.platforms.web.hub import Hub, until_final
from plugins.platforms.web.rights import Rights
from storage.emotion_log import Filter, Sort


def create(app: App, hub: Hub, token: str) -> FastAPI:
    """The application with all REST routes."""
    about = "An emotion-aware chat bot."
    # the documentation page from our own server: no browser is sent to a CDN
    application = FastAPIOffline(title="Maum", version=bot.__version__, description=about, redoc_url=None)
    application.include_router(_open_routes(app), responses=shapes.ERRORS)
    guarded = [Depends(_guard(token)), *([Depends(HTTPBearer(auto_error=False))] if token else [])]
    for router, prefix in ((Api(app, hub).router, "/api"), (Rights(app).router, "/api"), (compat.create(app), "")):
        application.include_router(router, prefix=prefix, dependencies=guarded, responses=shapes.ERRORS)
    failures.explain(application, app.settings.language)
    return application


def _guard(token: str) -> Any:
    def check(request: Request) -> None:
        if token and not knows_token(request, token):
            raise Refusal("not_authorised")

    return check


def _open_routes(app: App) -> APIRouter:
    router = APIRouter(tags=["operation"])

    @router.get("/health")
    async def health() -> JSONResponse:
        """The state of every part; 503 when nobody can be answered."""
        found = await app.health()
        return JSONResponse(found, 503 if found["status"] == "failed" else 200)

    @router.get("/metrics", response_class=PlainTextResponse)
    async def metrics() -> PlainTextResponse:
        """Prometheus metrics; no label holds a person, a chat or a text."""
        return PlainTextResponse(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return router


class Api:
    def __init__(self, app: App, hub: Hub) -> None:
        self._app = app
        self._hub = hub
        self.router = APIRouter(tags=["chat"])
        for method, path, endpoint in (
            ("POST", "/consent", self.consent),
            ("POST", "/messages", self.message),
            ("POST", "/messages/{message}/correct", self.correct),
            ("POST", "/replies/{reply}/regenerate", self.regenerate),
            ("POST", "/replies/{reply}/select", self.select),
            ("POST", "/replies/{reply}/feedback", self.feedback),
            ("POST", "/classify", self.classify),
            ("GET", "/emotions", self.emotions),
        ):
            self.router.add_api_route(path, endpoint, methods=[method])

    async def consent(self, body: shapes.ConsentBody) -> dict[str, list[str]]:
        """Replace the person's consent; an empty list withdraws it."""
        return {"scopes": sorted(await self._app.privacy.consent(Person("web", body.person), body.scopes))}

    async def message(
        self,
        body: shapes.MessageBody,
        stream: bool = False,
        accept_language: Annotated[str | None, Header()] = None,
    ) -> Any:
        """Say something; answers when the answer is there, or streams it (`?stream=1`) as server-sent events."""
        language = body.language or pick(accept_language, self._app.settings.language)
        person = Person("web", body.person, locale=language)
        incoming = Incoming(Chat("web", body.chat), person, uuid.uuid4().hex, body.text, datetime.now(UTC), lone=True)
        answer = self._deliver(incoming)
        first = await anext(answer)  # refusals come before the stream is opened
        due = await self._app.privacy.ai_notice_due(incoming.conversation)
        told = say(language, "consent.ai_notice") if due else None
        if stream:
            return self._stream(first, answer, language, told)
        return await self._whole(first, answer, language, told)

    async def regenerate(self, reply: shapes.Id, body: shapes.RegenerateBody, stream: bool = False) -> Any:
        """One more variant: again, with another emotion, or in another tone."""
        message, conversation = await self._of_reply(reply)
        kind: Literal["other", "again"] = "other" if body.emotion else "again"
        action = Action(kind, message, body.emotion or body.tone or "")
        answer = self._regenerate(action, conversation, _by(body, conversation))
        first = await anext(answer)
        language = conversation.person.locale
        return self._stream(first, answer, language) if stream else await self._whole(first, answer, language)

    async def select(self, reply: shapes.Id, body: shapes.SelectBody) -> shapes.AnswerShape:
        """Show another variant."""
        message, conversation = await self._of_reply(reply)
        return await self._act(Action("select", message, str(body.variant)), conversation, body)

    async def feedback(self, reply: shapes.Id, body: shapes.FeedbackBody) -> shapes.AnswerShape:
        """👍 1, 👎 -1, or 0 to take it back."""
        message, conversation = await self._of_reply(reply)
        return await self._act(Action("feedback", message, str(body.value)), conversation, body)

    async def correct(self, message: shapes.Id, body: shapes.CorrectBody) -> shapes.AnswerShape:
        """Say what the emotion really was, without a new answer."""
        conversation = await self._app.desk.conversations.conversation(message)
        return await self._act(Action("correct", message, body.emotion), conversation, body)

    async def classify(self, body: shapes.ClassifyBody) -> list[shapes.ReadingShape]:
        """Read emotions; nothing is kept."""
        readings = await self._app.core.read([Text(text) for text in body.texts])
        return [shapes.ReadingShape(**shapes.reading_shape(reading)) for reading in readings]

    async def emotions(
        self,
        person: str = "",
        channel: str = "",
        space: str = "",
        group: str = "",
        label: str = "",
        since: Annotated[str, Query(max_length=40)] = "",
        until: Annotated[str, Query(max_length=40)] = "",
        min_score: Annotated[float, Query(ge=0, le=1)] = 0.0,
        sure: bool | None = None,
        missed: bool | None = None,
        corrected: bool | None = None,
        sort: Sort = "newest",
        page: Annotated[int, Query(ge=1, le=1_000_000)] = 1,
        size: Annotated[int, Query(ge=1, le=200)] = 50,
    ) -> dict[str, Any]:
        """The emotion log: pseudonyms, emotions and times, never a text."""
        if group and group not in emotions.GROUPS:
            raise Refusal("unknown_emotion", emotion=group[:40])
        wanted = Filter(
            space=space,
            chat=channel,
            person=person,
            group=group,
            label=emotions.find(label).label if label else "",
            since=moment(since) if since else None,
            until=moment(until) if until else None,
            min_score=min_score,
            sure=sure,
            missed=missed,
            corrected=corrected,
            sort=sort,
            page=page,
            size=size,
        )
        found = await self._app.moderation.query(None, wanted)
        entries = [{name: getattr(entry, name) for name in entry.__slots__} for entry in found.entries]
        return {"total": found.total, "coverage": found.coverage, "by_group": found.by_group, "entries": entries}

    async def _deliver(self, incoming: Incoming) -> AsyncGenerator[Outgoing, None]:
        with self._hub.watch(incoming.conversation) as queue:
            receipt = await self._app.delivery.receive(incoming)
            if receipt.outcome == "deferred" or receipt.message is None:
                raise Refusal("deferred")
            async for outgoing in until_final(queue, receipt.message):
                yield outgoing

    async def _regenerate(
        self, action: Action, conversation: Conversation, by: Person
    ) -> AsyncGenerator[Outgoing, None]:
        with self._hub.watch(conversation) as queue:
            earlier = len(await self._app.desk.conversations.variants(action.message))
            receipt = await self._app.delivery.act(action, by)
            if receipt.outcome == "deferred":
                raise Refusal("deferred")
            while True:  # a page may show older variants of the same message meanwhile
                outgoing = await queue.get()
                news = outgoing.variants > earlier or outgoing.notice or not outgoing.final
                if outgoing.message == action.message and news:
                    yield outgoing
                    if outgoing.final:
                        return

    async def _whole(
        self, first: Outgoing, rest: AsyncIterator[Outgoing], language: Language, told: str | None = None
    ) -> Any:
        outgoing = [first, *[later async for later in rest]][-1]
        if events.failed(outgoing):
            message = say(language, f"notice.{outgoing.notice}")
            return JSONResponse({"error": outgoing.notice, "message": message, "message_id": outgoing.message}, 503)
        return shapes.answer_shape(outgoing, told)

    def _stream(
        self, first: Outgoing, rest: AsyncIterator[Outgoing], language: Language, told: str | None = None
    ) -> StreamingResponse:
        return StreamingResponse(events.events(first, rest, language, told), media_type="text/event-stream")

    async def _of_reply(self, reply: int) -> tuple[int, Conversation]:
        message = await self._app.desk.conversations.message_of(reply)
        return message, await self._app.desk.conversations.conversation(message)

    async def _act(self, action: Action, conversation: Conversation, body: shapes.PersonBody) -> shapes.AnswerShape:
        receipt = await self._app.delivery.act(action, _by(body, conversation))
        if receipt.outgoing is None or receipt.outgoing.reply is None:
            raise Refusal("not_answered")
        return shapes.answer_shape(receipt.outgoing)


def _by(body: shapes.PersonBody, conversation: Conversation) -> Person:
    """Whom the client names, else the conversation's own person: the client vouches for it."""
    return Person("web", body.person) if body.person else conversation.person
