"""What people ask of the bot by commands, menus and the buttons under what those say. Discord is answered at once, by a
deferral; what takes longer is shown in its place."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import discord

from bot import commands
from bot.delivery import Receipt
from bot.errors import Refusal
from bot.locale import say
from bot.said import Said
from bot.types import Action, Conversation, Incoming, Language, Text
from plugins.platforms.discord.people import Languages, chat_of, person_of
from plugins.platforms.discord.place import Place
from plugins.platforms.discord.saying import put
from plugins.platforms.discord.words import whisper, whisper_failure, whisper_refusal

if TYPE_CHECKING:
    from bot.app import App
    from plugins.platforms.discord.client import MaumClient

SOON_S = 1.5  # of Discord's three seconds
OURS = re.compile(r"(?:again|other|select|feedback|stop):(\d+):")
Interaction = discord.Interaction[Any]


class Asked:
    def __init__(self, app: App, client: MaumClient, languages: Languages) -> None:
        self._app = app
        self._client = client
        self._languages = languages

    async def chat(self, interaction: Interaction, text: str) -> None:
        """A message by command; its answer takes the place of the deferral, also after a restart.

        It is deferred when the message is on disk, so that what was acknowledged is never lost; or soon, if that takes
        long.
        """
        here = self.here(interaction)
        self._client.pending.keep(interaction.id, Place.of_interaction(int(here.chat.id), interaction.token))
        incoming = Incoming(here.chat, here.person, str(interaction.id), text, interaction.created_at, lone=True)
        receiving = asyncio.create_task(self._app.delivery.receive(incoming, hold=True), name="chat")
        try:
            await asyncio.wait({receiving}, timeout=SOON_S)
            await interaction.response.defer(thinking=True)
        finally:
            self._client.pending.open(interaction.id)
        await self._guarded(interaction, self._chat, receiving)

    async def command(self, interaction: Interaction, name: str, value: str) -> None:
        await interaction.response.defer(ephemeral=interaction.guild_id is not None, thinking=True)
        await self._guarded(interaction, self._command, name, value)

    async def settings(self, interaction: Interaction, key: str, value: str) -> None:
        await self.command(interaction, "settings", f"{key} {value}")
        if key == "channels" and not self._client.reads_channels:
            await whisper(interaction, say(self._language(interaction), "discord.intent_off"))

    async def pressed(self, interaction: Interaction, name: str, value: str) -> None:
        """A button under what a command said: what it says takes its place."""
        await interaction.response.defer()
        await self._guarded(interaction, self._pressed, name, value)

    async def opened(self, interaction: Interaction, person: str) -> None:
        """The list of consents; only for the person who was asked."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        await self._guarded(interaction, self._opened, person)

    async def again(self, interaction: Interaction, message: discord.Message) -> None:
        """From a message's menu: the bot's answer, or the person's own message, which may be a new one to the bot."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        await self._guarded(interaction, self._again, message)

    async def reading(self, interaction: Interaction, message: discord.Message) -> None:
        await interaction.response.defer(ephemeral=True, thinking=True)
        await self._guarded(interaction, self._reading, message)

    async def failed(self, interaction: Interaction, error: Exception) -> None:
        """What discord.py could not hand to a command, such as one that was renamed meanwhile."""
        language = self._language(interaction)
        if isinstance(error, discord.app_commands.CommandNotFound):
            await whisper_refusal(interaction, Refusal("unknown_command", command=error.name[:40]), language)
        else:
            await whisper_failure(interaction, getattr(error, "original", error), language)

    async def _chat(self, interaction: Interaction, receiving: asyncio.Task[Receipt]) -> None:
        here = self.here(interaction)
        try:
            receipt = await receiving
        except Refusal as refusal:
            if refusal.care:  # where help is stands there already
                return
            raise
        asking = self._client.asking
        if receipt.outcome == "held":
            await interaction.edit_original_response(content=asking.word(here.person), view=asking.button(here.person))
        elif receipt.outcome == "deferred":
            await interaction.edit_original_response(content=say(here.person.locale, "notice.deferred"))

    async def _command(self, interaction: Interaction, name: str, value: str) -> None:
        await put(interaction, await commands.do(self._app, name, value, self.here(interaction)))

    async def _pressed(self, interaction: Interaction, name: str, value: str) -> None:
        here = self.here(interaction)
        await put(interaction, await commands.do(self._app, name, value, here))
        if name == "consent" and value.startswith(commands.AGREE):
            await self._client.asking.take_back(here.person)

    async def _opened(self, interaction: Interaction, person: str) -> None:
        if str(interaction.user.id) != person:
            raise Refusal("not_yours")
        await self._command(interaction, "consent", "")

    async def _again(self, interaction: Interaction, message: discord.Message) -> None:
        here = self.here(interaction)
        known = await self._known(message)
        if known:
            await self._app.delivery.act(Action("again", known), here.person)
        elif message.author.id == interaction.user.id and message.content:
            text = self._client.listener.text(message)
            incoming = Incoming(here.chat, here.person, str(message.id), text, message.created_at)
            if (await self._app.delivery.receive(incoming, hold=True)).outcome == "held":
                await self._command(interaction, "consent", "")
                return
        else:
            raise Refusal("not_found")
        await put(interaction, Said(say(here.person.locale, "command.regenerating")))

    async def _reading(self, interaction: Interaction, message: discord.Message) -> None:
        """The stored reading, else the one in memory, else, of the person's own words, a new one that is not kept."""
        here = self.here(interaction)
        known = await self._known(message)
        reading = self._client.clicks.read.get(known or 0)
        if known and (await self._app.desk.conversations.conversation(known)).person != here.person:
            raise Refusal("not_yours")
        if known and reading is None:
            await self._command(interaction, "emotion", str(known))
            return
        if reading is None:
            if message.author.id != interaction.user.id or not message.content:
                raise Refusal("not_found")
            if "talk" not in await self._app.privacy.scopes(here.person):
                raise Refusal("consent_required")
            (reading,) = await self._app.core.read([Text(self._client.listener.text(message))])
        if reading is None:
            raise Refusal("not_found")
        key = "command.reading_sure" if reading.sure else "command.reading_unsure"
        await put(interaction, Said("\n".join((say(here.person.locale, key), *commands.bars(reading, here)))))

    async def _known(self, message: discord.Message) -> int | None:
        """Our id of a message or of what one of our answers answers."""
        chat = chat_of(message.channel.id, message.guild.id if message.guild else None)
        for row in message.components:
            for one in getattr(row, "children", ()):
                if found := OURS.match(getattr(one, "custom_id", None) or ""):
                    return int(found[1])
        origin = message.interaction_metadata.id if message.interaction_metadata else None
        replied = message.reference.message_id if message.reference else None
        mine = self._client.user is not None and message.author.id == self._client.user.id
        asked = origin or replied if mine else message.id
        return await self._app.desk.messages.find(chat, str(asked)) if asked else None

    async def _guarded(self, interaction: Interaction, work: Callable[..., Awaitable[None]], *values: Any) -> None:
        """The error boundary: whatever happens, the person hears something."""
        language = self._language(interaction)
        try:
            async with interaction.client.at_work():
                await work(interaction, *values)
        except Refusal as refusal:
            await whisper_refusal(interaction, refusal, language)
        except Exception as error:
            await whisper_failure(interaction, error, language)

    def here(self, interaction: Interaction) -> Conversation:
        """Who asks, and where."""
        chat = chat_of(interaction.channel_id, interaction.guild_id)
        return Conversation(chat, person_of(interaction.user, self._language(interaction)))

    def _language(self, interaction: Interaction) -> Language:
        return self._languages.note(interaction.user.id, str(interaction.locale))
