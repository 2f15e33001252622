"""Messages of people: which are meant for the bot, what they say, and what becomes of their edits and deletions."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections import OrderedDict
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import discord

from bot.delivery import Receipt
from bot.errors import Refusal
from bot.locale import say
from bot.types import Chat, Incoming, Person
from plugins.platforms.discord.people import Languages, chat_of, person_of

if TYPE_CHECKING:
    from bot.app import App
    from plugins.platforms.discord.client import MaumClient
    from plugins.platforms.discord.consent import Asking

log = logging.getLogger("maum.discord")

WRITTEN = (discord.MessageType.default, discord.MessageType.reply)
WORD_EVERY_S = 10.0  # a word on a refusal is said to a person once in a while: who floods does not make us flood
QUEUE_S = 5  # how long what was missed waits where too many people talk
MAX_KEPT = 5_000
EMOJI = re.compile(r"<a?(:\w+:)\d+>")  # reference#message-formatting-formats


class Listener:
    """Takes what people write to `delivery`, and says a word where it is not taken."""

    def __init__(self, app: App, client: MaumClient, asking: Asking, languages: Languages) -> None:
        self._app = app
        self._client = client
        self._asking = asking
        self._languages = languages
        self._typing: set[int] = set()
        self._told: OrderedDict[tuple[Person, str], float] = OrderedDict()

    async def heard(self, message: discord.Message, *, missed: bool = False) -> bool:
        """A message that was just written, or was `missed` and is fetched now. Returns whether it was for the bot."""
        if message.author.bot or message.webhook_id or message.type not in WRITTEN:
            return False
        chat = chat_of(message.channel.id, _guild_of(message))
        addressed = chat.kind == "direct" or self._is_called(message)
        if not addressed and not await self._listens(chat):
            return False
        if not self._client.may_write_in(message.channel):  # it could not answer, so it takes nothing
            return False
        person = person_of(message.author, await self._languages.of(message.author.id, chat))
        text = self.text(message)
        incoming = Incoming(chat, person, str(message.id), text, message.created_at, _reply_to(message))
        if not text and addressed:
            await self._say_what_is_missing(message, incoming)
        elif text and (addressed or "talk" in await self._app.privacy.scopes(person)):
            await self._take(incoming, message, patient=missed)
        return True

    async def rewritten(self, event: discord.RawMessageUpdateEvent) -> None:
        """Only a change of the text counts: links unfold, and reactions to commands edit messages, too."""
        message = event.message
        if message.edited_at is None or message.author.bot or not message.content:
            return
        chat = chat_of(event.channel_id, _guild_of(message))
        person = person_of(message.author, await self._languages.of(message.author.id, chat))
        text = self.text(message)
        incoming = Incoming(chat, person, str(message.id), text, datetime.now(UTC))
        known = await self._app.desk.messages.find(chat, incoming.message_id)
        try:
            receipt = await self._app.delivery.edited(incoming)
        except Refusal as refusal:
            if known:
                await self._refuse(incoming, refusal)
            return
        if not known and receipt.outcome == "done":  # it may only now have become one for the bot
            await self.heard(message)

    async def deleted(self, channel: int, guild: int | None, messages: list[int]) -> None:
        chat = chat_of(channel, guild)
        for message in messages:
            await self._app.delivery.deleted(chat, str(message))

    async def left(self, guild: int) -> None:
        gone = await self._app.privacy.leave_space("discord", str(guild))
        log.info("left a server: %d messages deleted", gone)

    def forget(self, person: Person) -> None:
        for key in [key for key in self._told if key[0] == person]:
            del self._told[key]

    def _is_called(self, message: discord.Message) -> bool:
        """By a mention, or by a reply to one of its messages (which mentions it unless the ping is off)."""
        me = self._client.user
        if me is not None and any(user.id == me.id for user in message.mentions):
            return True
        replied = message.reference.resolved if message.reference else None
        return me is not None and isinstance(replied, discord.Message) and replied.author.id == me.id

    async def _listens(self, chat: Chat) -> bool:
        """Is every message of this channel heard? Its moderators choose so, and the operator's intent allows it."""
        return self._client.reads_channels and chat.id in (await self._app.spaces.at(chat)).channels

    async def _take(self, incoming: Incoming, message: discord.Message, *, patient: bool) -> None:
        try:
            receipt = await self._received(incoming, patient=patient)
        except Refusal as refusal:
            await self._refuse(incoming, refusal)
            return
        if receipt.outcome == "held":
            await self._asking.ask(incoming)
        elif receipt.outcome == "deferred":
            await self._tell(incoming, "notice.deferred")
        elif receipt.outcome == "accepted":
            self._client.begin(self._type(message.channel.id))
            if message.attachments or message.stickers:
                await self._tell(incoming, "discord.text_only")

    async def _received(self, incoming: Incoming, *, patient: bool) -> Receipt:
        """What was missed did not come too fast: it waits for its turn."""
        while True:
            try:
                return await self._app.delivery.receive(incoming, hold=True)
            except Refusal as refusal:
                if not (patient and refusal.code in ("limited", "queue_full")):
                    raise
                await asyncio.sleep(float(str(refusal.facts.get("seconds", QUEUE_S))))

    async def _type(self, channel: int) -> None:
        if channel in self._typing:  # one is told to wait, or on its way: it shows for everybody there
            return
        self._typing.add(channel)
        try:
            await self._client.http.send_typing(channel)
        except discord.HTTPException as error:
            log.debug("no typing in channel %d: %s", channel, error.text)
        finally:
            self._typing.discard(channel)

    async def _say_what_is_missing(self, message: discord.Message, incoming: Incoming) -> None:
        """A picture, a sticker, a voice message; or a reply whose words Discord keeps from us."""
        if message.attachments:
            voice = any((one.content_type or "").startswith("audio") for one in message.attachments)
            word = "discord.voice" if voice else "discord.picture"
        elif message.stickers:
            word = "discord.sticker"
        elif incoming.chat.space_id and message.reference and not self._client.reads_channels and not _named(message):
            word = "discord.unseen"
        else:
            word = "discord.called"
        await self._tell(incoming, word)

    async def _refuse(self, incoming: Incoming, refusal: Refusal) -> None:
        if not refusal.care:  # else where help is has been shown already
            await self._tell(incoming, f"refusal.{refusal.code}", **refusal.facts)

    async def _tell(self, incoming: Incoming, key: str, **facts: object) -> None:
        """A short word in reply to a message."""
        told = (incoming.person, key)
        if time.monotonic() - self._told.get(told, -WORD_EVERY_S) < WORD_EVERY_S:
            return
        self._told[told] = time.monotonic()
        if len(self._told) > MAX_KEPT:
            self._told.popitem(last=False)
        await self._client.words.reply(incoming, say(incoming.person.locale, key, **facts))

    def text(self, message: discord.Message) -> str:
        """What was said, without the bot's own mention; names instead of other mentions."""
        text, me = message.content, self._client.user
        if me is not None:
            text = re.sub(rf"<@!?{me.id}>", "", text)
        for user in message.mentions:
            text = re.sub(rf"<@!?{user.id}>", f"@{user.display_name}".replace("\\", ""), text)
        return EMOJI.sub(r"\1", text).strip()


def _guild_of(message: discord.Message) -> int | None:
    """Also of a server that is not known yet."""
    if message.guild:
        return message.guild.id
    guild: int | None = getattr(message.channel, "guild_id", None)
    return guild


def _named(message: discord.Message) -> bool:
    return bool(message.mentions)


def _reply_to(message: discord.Message) -> str | None:
    return str(message.reference.message_id) if message.reference and message.reference.message_id else None
