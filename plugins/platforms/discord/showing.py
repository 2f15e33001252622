"""Snapshots → Discord messages: sent once, then edited; a long answer stands in several messages."""

from __future__ import annotations

import hashlib
import logging
import time
from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import discord
from discord.http import MultipartParameters, handle_message_parameters
from discord.webhook.async_ import async_context

from bot.types import Outgoing
from plugins.platforms.discord import buttons
from plugins.platforms.discord.place import Place, age_s
from plugins.platforms.discord.steps import Steps
from plugins.platforms.discord.texts import nonce, texts, with_subtext
from plugins.platforms.discord.turns import Turns

if TYPE_CHECKING:
    from plugins.platforms.discord.client import MaumClient

log = logging.getLogger("maum.discord")

STEP_S = 1.0  # a streamed answer is edited no oftener; beyond that discord.py obeys the rate-limit headers
OLD_S = 3_600.0  # a message older than an hour takes few edits (json error code 30046): the last word only
LATE_S = 120.0  # after that a nonce may be forgotten, and one looks whether the message stands there already
MAX_KEPT = 5_000
GONE = (10008, 10015, 50027)  # message, webhook, its token
MISSING_PERMISSIONS = 50013
CLOSED = (10003, 10004, 50001, MISSING_PERMISSIONS, 50007)  # no such channel or server, no access, nobody there


@dataclass(frozen=True)
class Piece:
    """One message's content; `view` and `embed` stand under the last one."""

    content: str
    view: discord.ui.View | None
    embed: discord.Embed | None = None

    @property
    def digest(self) -> bytes:
        """The same for the same message; nobody can read it back."""
        rows = self.view.to_components() if self.view else []
        shape = self.content, rows, self.embed.to_dict() if self.embed else None
        return hashlib.sha256(repr(shape).encode("utf-8", "replace")).digest()

    def params(self, **more: Any) -> MultipartParameters:
        if self.embed:
            more["embed"] = self.embed
        nobody = discord.AllowedMentions.none()
        return handle_message_parameters(content=self.content, view=self.view, allowed_mentions=nobody, **more)


class Showing:
    """Remembers, as digests, what stands in which message, so that nothing is sent twice over."""

    def __init__(self, client: MaumClient) -> None:
        self._client = client
        self._shown: OrderedDict[int, tuple[bytes, float]] = OrderedDict()
        self._steps = Steps()
        # discord.py lets others speak in a channel while one is told to wait: each of them is told so, too, and counted
        self._sends, self._edits = Turns(), Turns()

    async def show(self, outgoing: Outgoing, handle: str | None, notice: str = "") -> str:
        """Show a snapshot; see `bot.contracts.Platform.show`. A `notice` stands under it."""
        await self._steps.settle(outgoing.message)
        place = Place.decode(handle) if handle else await self._first_place(outgoing)
        if place.parts and outgoing.text and not outgoing.final:
            self._show_step(outgoing, place)
            return place.encode()
        contents, embed = texts(outgoing), None
        if notice and self._may_embed(outgoing, place):
            embed = discord.Embed(description=notice)
        elif notice:
            contents = with_subtext(contents, notice)
        return (await self._show(outgoing, place, contents, embed)).encode()

    def _may_embed(self, outgoing: Outgoing, place: Place) -> bool:
        """In direct chats, and where the bot was given “Embed Links”; where that is not known it is tried."""
        allowed = self._client.permissions_in(place.channel)
        return outgoing.conversation.chat.kind == "direct" or allowed is None or allowed.embed_links

    def _show_step(self, outgoing: Outgoing, place: Place) -> None:
        """A step of a stream: only what fits into the messages that are there, and none of it in an old one."""
        if age_s(place.parts[0]) < OLD_S:
            _, at = self._shown.get(place.parts[-1], (b"", 0.0))
            rest_s = max(0.0, at + STEP_S - time.monotonic())
            room = len(place.parts)
            self._steps.later(outgoing.message, rest_s, lambda: self._show(outgoing, place, texts(outgoing)[:room]))

    async def _show(
        self, outgoing: Outgoing, place: Place, contents: list[str], embed: discord.Embed | None = None
    ) -> Place:
        view = buttons.under(outgoing)
        parts = list(place.parts)
        try:
            for number, content in enumerate(contents):
                last = number == len(contents) - 1
                piece = Piece(content, view if last else None, embed if last else None)
                parts[number : number + 1] = [await self._put(outgoing, place, number, piece)]
            for extra in parts[len(contents) :]:
                await self._remove(place.channel, extra)
        except discord.HTTPException as error:
            if embed and error.code == MISSING_PERMISSIONS:
                here = replace(place, parts=tuple(parts))
                return await self._show(outgoing, here, with_subtext(contents, embed.description or ""))
            if error.code not in CLOSED:
                raise
            log.warning("channel %d is closed to the bot: %s", place.channel, error.text)
            contents = contents[: len(parts)]
        return place.with_parts(parts[: len(contents)])

    async def _put(self, outgoing: Outgoing, place: Place, number: int, piece: Piece) -> int:
        """Edit a part, or send it; returns its message's id."""
        known = place.parts[number] if number < len(place.parts) else 0
        if known and self._shown.get(known, (b"", 0.0))[0] == piece.digest:
            return known
        identity = 0
        if number == 0 and place.open_token:
            identity = await self._edit_original(place, piece)
        if not identity and known:
            identity = await self._edit(place, known, piece, final=outgoing.final)
        if not identity:
            identity = await self._send(outgoing, place, number, piece, lost=known)
        self._keep(identity, piece)
        return identity

    async def _edit_original(self, place: Place, piece: Piece) -> int:
        """By the interaction's token; 0 when it is good no more."""
        client = self._client
        try:
            with piece.params() as params:
                data = await async_context.get().edit_original_interaction_response(
                    client.application_number, place.token, session=client.session, payload=params.payload
                )
        except discord.HTTPException as error:
            if error.code not in GONE:
                raise
            return 0
        return int(data["id"])

    async def _edit(self, place: Place, message: int, piece: Piece, *, final: bool) -> int:
        """0 when the message is gone or takes no more edits, and the last word must stand in a new one."""
        try:
            async with self._edits.turn(place.channel):
                with piece.params() as params:
                    await self._client.http.edit_message(place.channel, message, params=params)
        except discord.RateLimited:
            if not final:
                return message
            return 0
        except discord.HTTPException as error:
            if error.code not in GONE:
                raise
            return 0 if final else message
        return message

    async def _send(self, outgoing: Outgoing, place: Place, number: int, piece: Piece, *, lost: int) -> int:
        more: dict[str, Any] = {"nonce": nonce(outgoing, number, place.edition) if not lost else None}
        if number == 0 and outgoing.answers.isdecimal() and not place.token:
            reference: dict[str, Any] = {
                "message_id": outgoing.answers,
                "channel_id": place.channel,
                "fail_if_not_exists": False,
            }
            more["message_reference"] = reference
        async with self._sends.turn(place.channel):
            with piece.params(**more) as params:
                data = await self._client.http.send_message(place.channel, params=params)
        return int(data["id"])

    async def _remove(self, channel: int, message: int) -> None:
        try:
            await self._client.http.delete_message(channel, message)
        except discord.NotFound:
            log.debug("a part was gone already")

    async def _first_place(self, outgoing: Outgoing) -> Place:
        """Where an answer goes first: to its interaction, or where a process that died has put it, or anew."""
        place = await self._client.pending.find(outgoing.answers)
        if place is None:
            place = Place(_channel_number(outgoing.conversation.chat.id))
            if outgoing.answers.isdecimal() and age_s(int(outgoing.answers)) > LATE_S:
                place = Place(place.channel, await self._found(place.channel, int(outgoing.answers)))
        return place

    async def _found(self, channel: int, answers: int) -> tuple[int, ...]:
        try:
            later = await self._client.http.logs_from(channel, 100, after=answers)
        except discord.HTTPException as error:
            log.warning("channel %d: its history cannot be read: %s", channel, error.text)
            return ()
        for one in later:
            reference: Any = one.get("message_reference") or {}
            if str(reference.get("message_id")) == str(answers) and self._client.is_me(one.get("author")):
                return (int(one["id"]),)
        return ()

    def _keep(self, message: int, piece: Piece) -> None:
        self._shown[message] = piece.digest, time.monotonic()
        self._shown.move_to_end(message)
        if len(self._shown) > MAX_KEPT:
            self._shown.popitem(last=False)


def _channel_number(chat: str) -> int:
    """Raises ValueError: no id of Discord's."""
    return int(chat)
