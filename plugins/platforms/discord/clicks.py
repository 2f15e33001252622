"""What a click does. Discord is answered at once; then the one who may hears what came of it."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from bot import emotions
from bot.actions import authorised
from bot.errors import Refusal
from bot.locale import say
from bot.types import Action, Language, Person, Reading
from plugins.platforms.discord import buttons
from plugins.platforms.discord.people import Languages, person_of
from plugins.platforms.discord.words import whisper, whisper_failure, whisper_refusal

if TYPE_CHECKING:
    import discord

    from bot.app import App

MAX_READ = 2_000


class Clicks:
    """`read` keeps the latest readings in memory: a person may not want theirs on disk, and still choose among them."""

    def __init__(self, app: App, languages: Languages) -> None:
        self._app = app
        self.languages = languages
        self.read: OrderedDict[int, Reading] = OrderedDict()

    async def act(self, interaction: discord.Interaction[Any], action: Action) -> None:
        """A button under an answer."""
        offers = action.kind == "other" and not action.value
        await self._guarded(interaction, self._offer(interaction, action) if offers else self._act(interaction, action))

    async def pick(self, interaction: discord.Interaction[Any], message: int, what: str, value: str) -> None:
        """A choice in the emotion picker."""
        await self._guarded(interaction, self._pick(interaction, message, what, value))

    async def unknown(self, interaction: discord.Interaction[Any]) -> None:
        await self._guarded(interaction, whisper(interaction, say(self._language(interaction), "refusal.bad_action")))

    def keep(self, message: int, reading: Reading) -> None:
        self.read[message] = reading
        self.read.move_to_end(message)
        if len(self.read) > MAX_READ:
            self.read.popitem(last=False)

    def person(self, interaction: discord.Interaction[Any]) -> Person:
        return person_of(interaction.user, self._language(interaction))

    async def _act(self, interaction: discord.Interaction[Any], action: Action) -> None:
        await interaction.response.defer()
        await self._do(interaction, action)

    async def _pick(self, interaction: discord.Interaction[Any], message: int, what: str, value: str) -> None:
        language = self._language(interaction)
        if what == "group":
            await interaction.response.edit_message(view=buttons.members(message, value, language))
            return
        name = emotions.find(value).name(language)
        await interaction.response.edit_message(content=say(language, "discord.picked", emotion=name), view=None)
        await self._do(interaction, Action("other", message, value))

    async def _do(self, interaction: discord.Interaction[Any], action: Action) -> None:
        await self._app.delivery.act(action, self.person(interaction))
        if action.kind == "feedback":
            await whisper(interaction, say(self._language(interaction), "discord.thanks"))

    async def _offer(self, interaction: discord.Interaction[Any], action: Action) -> None:
        await interaction.response.defer(ephemeral=True, thinking=True)
        conversation = await authorised(self._app.desk, action, self.person(interaction))
        stored = await self._app.desk.stored(action.message, conversation)
        language = self._language(interaction)
        view = buttons.picker(action.message, stored.reading or self.read.get(action.message), language)
        await interaction.edit_original_response(content=say(language, "web.other_title"), view=view)

    async def _guarded(self, interaction: discord.Interaction[Any], work: Any) -> None:
        """The error boundary of a click."""
        language = self._language(interaction)
        try:
            async with interaction.client.at_work():
                await work
        except Refusal as refusal:
            await whisper_refusal(interaction, refusal, language)
        except Exception as error:
            await whisper_failure(interaction, error, language)

    def _language(self, interaction: discord.Interaction[Any]) -> Language:
        return self.languages.note(interaction.user.id, str(interaction.locale))
