"""Interactions of the local Discord: one answer within three seconds, and a token that is good for 15 minutes.

interactions/receiving-and-responding.
"""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.servers.discord_checks import MAX_OPTIONS, Refused, check_message, invalid, pings
from tests.servers.discord_limits import reply
from tests.servers.discord_record import Entry
from tests.servers.discord_rest import fill, read_body
from tests.servers.discord_state import State
from tests.servers.discord_world import COMMAND, EPHEMERAL, LOADING, Channel, Json, Message, User

FIRST_ANSWER_S = 3.0  # receiving-and-responding#interaction-callback
TOKEN_S = 15 * 60.0  # receiving-and-responding#followup-messages
CHAT, DEFERRED_CHAT, DEFERRED_UPDATE, UPDATE, CHOICES, MODAL = 4, 5, 6, 7, 8, 9
OF_COMPONENT, OF_COMMAND, OF_AUTOCOMPLETE, OF_MODAL = 3, 2, 4, 5
MAY_ANSWER = {  # receiving-and-responding#interaction-response-object-interaction-callback-type
    OF_COMMAND: {CHAT, DEFERRED_CHAT, MODAL},
    OF_COMPONENT: {CHAT, DEFERRED_CHAT, DEFERRED_UPDATE, UPDATE, MODAL},
    OF_AUTOCOMPLETE: {CHOICES},
    OF_MODAL: {CHAT, DEFERRED_CHAT, DEFERRED_UPDATE, UPDATE},
}


@dataclass(eq=False)
class Interaction:
    """A click or command of a person, and what the app made of it.

    `original` is the message that answers it; `failed` says that the person reads “the application did not respond”.
    """

    id: int
    kind: int
    user: User
    channel: Channel
    name: str
    at: float
    message: Message | None = None
    token: str = field(default_factory=lambda: secrets.token_urlsafe(120))  # real ones are about this long
    answer: int = 0
    answered_at: float = 0.0
    original: Message | None = None
    followups: list[Message] = field(default_factory=list)
    choices: list[Json] = field(default_factory=list)
    modal: Json | None = None
    failed: bool = False

    @property
    def took_s(self) -> float:
        return self.answered_at - self.at

    @property
    def said(self) -> str:
        """All that the app answered, so far."""
        messages = [self.original, *self.followups] if self.original else self.followups
        return "\n".join(message.content for message in messages)


class Hooks:
    """Routes below /interactions and /webhooks, and the interactions they belong to."""

    def __init__(self, state: State) -> None:
        self._state = state
        self.interactions: dict[str, Interaction] = {}
        self.by_id: dict[int, Interaction] = {}
        self._timers: set[asyncio.Task[None]] = set()
        self.routes = [
            web.post("/api/v10/interactions/{interaction}/{token}/callback", self._callback),
            web.post("/api/v10/webhooks/{app}/{token}", self._follow),
            web.get("/api/v10/webhooks/{app}/{token}/messages/{message}", self._get),
            web.patch("/api/v10/webhooks/{app}/{token}/messages/{message}", self._edit),
            web.delete("/api/v10/webhooks/{app}/{token}/messages/{message}", self._delete),
        ]

    async def begin(self, interaction: Interaction, event: Json) -> None:
        """Tell the app, and start the clock."""
        self.interactions[interaction.token] = self.by_id[interaction.id] = interaction
        guild = interaction.channel.guild
        timer = asyncio.create_task(self._expire(interaction))
        self._timers.add(timer)
        timer.add_done_callback(self._timers.discard)
        await self._state.gateway.dispatch(
            "INTERACTION_CREATE", lambda _: event, "interactions", guild.id if guild else None
        )

    def close(self) -> None:
        for timer in self._timers:
            timer.cancel()

    async def _expire(self, interaction: Interaction) -> None:
        await asyncio.sleep(FIRST_ANSWER_S)
        if not interaction.answer:
            interaction.failed = True
            self._refuse(interaction, "no first answer within 3 seconds")

    async def _callback(self, request: web.Request) -> web.Response:
        state, body = self._state, await read_body(request)
        interaction = self.interactions.get(request.match_info["token"])
        if interaction is None or str(interaction.id) != request.match_info["interaction"] or interaction.failed:
            raise Refused(404, 10062, "Unknown interaction")
        if state.clock.now() - interaction.at > FIRST_ANSWER_S and not interaction.answer:
            raise Refused(404, 10062, "Unknown interaction")
        if interaction.answer:
            self._refuse(interaction, "answered twice")
            raise Refused(400, 40060, "Interaction has already been acknowledged.")
        kind, data = body.get("type"), body.get("data") or {}
        if kind not in MAY_ANSWER[interaction.kind]:
            raise invalid("type", f"{kind} does not answer an interaction of type {interaction.kind}")
        await self._answer(interaction, kind, data)
        interaction.answer, interaction.answered_at = kind, state.clock.now()
        state.record.add(Entry("responded", interaction.answered_at, interaction=interaction.id, why=str(kind)))
        if request.query.get("with_response") in ("1", "true"):
            return reply(self._shape(interaction, kind))
        return web.Response(status=204)

    async def _answer(self, interaction: Interaction, kind: int, data: Json) -> None:
        if kind in (CHAT, DEFERRED_CHAT):
            check_message(data, new=True, loading=kind == DEFERRED_CHAT)
            flags = data.get("flags", 0)
            if kind == DEFERRED_CHAT and flags & ~EPHEMERAL:
                raise invalid("flags", "a deferred answer takes EPHEMERAL only")
            message = await self._create(interaction, data, flags | (LOADING if kind == DEFERRED_CHAT else 0))
            interaction.original = message
        elif kind == UPDATE:
            check_message(data, new=False)
            assert interaction.message is not None
            await self._change(interaction.message, data)
            interaction.original = interaction.message
        elif kind == DEFERRED_UPDATE:
            interaction.original = interaction.message
        elif kind == CHOICES:
            interaction.choices = data.get("choices") or []
            if len(interaction.choices) > MAX_OPTIONS:
                raise invalid("choices", f"Must be {MAX_OPTIONS} or fewer in length.")
            if any(not 1 <= len(choice.get("name", "")) <= 100 for choice in interaction.choices):
                raise invalid("choices.name", "Must be between 1 and 100 in length.")
        else:
            _check_modal(data)
            interaction.modal = data

    async def _follow(self, request: web.Request) -> web.Response:
        interaction, body = self._open(request), await read_body(request)
        check_message(body, new=True)
        original = interaction.original
        if original and original.flags & LOADING:  # a first followup edits the loading message (deprecated, but so)
            await self._change(original, body)
            return self._message(original)
        message = await self._create(interaction, body, body.get("flags", 0))
        interaction.followups.append(message)
        return self._message(message)

    async def _get(self, request: web.Request) -> web.Response:
        return self._message(self._of(request, self._open(request)))

    async def _edit(self, request: web.Request) -> web.Response:
        message, body = self._of(request, self._open(request)), await read_body(request)
        check_message(body, new=False)
        await self._change(message, body)
        return self._message(message)

    async def _delete(self, request: web.Request) -> web.Response:
        await self._state.delete(self._of(request, self._open(request)))
        return web.Response(status=204)

    def _open(self, request: web.Request) -> Interaction:
        """Raises 401: the token is unknown, too old, or its interaction was never answered."""
        interaction = self.interactions.get(request.match_info["token"])
        known = interaction and request.match_info["app"] == str(self._state.bot.id)
        if not interaction or not known or interaction.failed:
            raise Refused(404, 10015, "Unknown Webhook")
        if self._state.clock.now() - interaction.at > TOKEN_S:
            raise Refused(401, 50027, "Invalid Webhook Token")
        if not interaction.answer:
            raise Refused(404, 10015, "Unknown Webhook")
        return interaction

    def _of(self, request: web.Request, interaction: Interaction) -> Message:
        wanted = request.match_info["message"]
        mine = [interaction.original, *interaction.followups]
        for message in mine:
            named = message and wanted == ("@original" if message is interaction.original else str(message.id))
            if message and (named or wanted == str(message.id)) and message.id in message.channel.messages:
                return message
        raise Refused(404, 10008, "Unknown Message")

    async def _create(self, interaction: Interaction, data: Json, flags: int) -> Message:
        state = self._state
        message = Message(state.clock.snowflake(), interaction.channel, state.bot, "", state.clock.now(), COMMAND)
        fill(message, data)
        message.flags, message.interaction, message.answers = flags, interaction.id, interaction.message
        ringing = pings(message.content, data.get("allowed_mentions"))
        await state.create(message, interaction=interaction.id, pings=ringing)
        return message

    async def _change(self, message: Message, data: Json) -> None:
        fill(message, data)
        message.flags &= ~LOADING
        ringing = "content" in data and pings(message.content, data.get("allowed_mentions"))
        await self._state.edit(message, pings=bool(ringing))

    def _message(self, message: Message) -> web.Response:
        return reply(message.shape(self._state.bot))

    def _shape(self, interaction: Interaction, kind: int) -> Json:
        """receiving-and-responding#interaction-callback-interaction-callback-response-object."""
        shape: Json = {"id": str(interaction.id), "type": interaction.kind}
        resource: Json = {"type": kind}
        if interaction.original and kind in (CHAT, DEFERRED_CHAT, UPDATE):
            shape["response_message_id"] = str(interaction.original.id)
            shape["response_message_loading"] = kind == DEFERRED_CHAT
            shape["response_message_ephemeral"] = bool(interaction.original.flags & EPHEMERAL)
        if interaction.original and kind in (CHAT, UPDATE):
            resource["message"] = interaction.original.shape(self._state.bot)
        return {"interaction": shape, "resource": resource}

    def _refuse(self, interaction: Interaction, why: str) -> None:
        self._state.record.add(Entry("refused", self._state.clock.now(), interaction=interaction.id, why=why))


def _check_modal(data: Json) -> None:
    """receiving-and-responding#interaction-response-object-interaction-callback-data-structure, Modal."""
    rows: list[Any] = data.get("components") or []
    if not 1 <= len(data.get("custom_id") or "") <= 100 or not 1 <= len(data.get("title") or "") <= 45:
        raise invalid("modal", "custom_id up to 100, title up to 45 characters")
    if not 1 <= len(rows) <= 5:
        raise invalid("modal.components", "Must be between 1 and 5 in length.")
