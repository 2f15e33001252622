"""Asking for consent: in a direct chat with the list itself, in a server by a word and a button that shows the list to
the person alone. The list is the command `consent`; nothing in it is ticked before."""

from __future__ import annotations

import re
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Self

import discord

from bot import commands
from bot.locale import say
from bot.types import Conversation, Incoming, Person
from plugins.platforms.discord.saying import view_of

if TYPE_CHECKING:
    from bot.app import App
    from plugins.platforms.discord.client import MaumClient

ASK_EVERY_S = 60.0
MAX_KEPT = 5_000


class AskButton(discord.ui.DynamicItem[discord.ui.Button[Any]], template=r"ask:(?P<person>\d+)"):
    """Opens the list; only for the person who was asked."""

    @classmethod
    async def from_custom_id(cls, interaction: Any, item: Any, match: re.Match[str], /) -> Self:
        return cls(item)

    async def callback(self, interaction: Any) -> None:
        await interaction.client.asked.opened(interaction, self.custom_id.removeprefix("ask:"))


class Asking:
    """Remembers whom it has asked lately, and which word in a server did."""

    def __init__(self, app: App, client: MaumClient) -> None:
        self._app = app
        self._client = client
        self._asked: OrderedDict[tuple[Person, str], tuple[float, int]] = OrderedDict()

    async def ask(self, incoming: Incoming) -> None:
        """Ask the person who wrote, once for several lines in a row."""
        key = incoming.person, incoming.chat.id
        if time.monotonic() - self._asked.get(key, (-ASK_EVERY_S, 0))[0] < ASK_EVERY_S:
            return
        self._asked[key] = time.monotonic(), 0
        if incoming.chat.kind == "direct":
            await self._client.words.reply(incoming, *await self._listed(incoming.conversation))
        else:
            word = self.word(incoming.person), self.button(incoming.person)
            self._asked[key] = time.monotonic(), await self._client.words.reply(incoming, *word)
        if len(self._asked) > MAX_KEPT:
            self._asked.popitem(last=False)

    def word(self, person: Person) -> str:
        held = say(person.locale, "consent.held", minutes=self._minutes())
        return f"{say(person.locale, 'discord.consent_ask')}\n{held}"

    def button(self, person: Person) -> discord.ui.View:
        view = discord.ui.View(timeout=None)
        label = say(person.locale, "discord.consent_open")
        style = discord.ButtonStyle.primary
        view.add_item(AskButton(discord.ui.Button(style=style, label=label, custom_id=f"ask:{person.id}")))
        return view

    async def take_back(self, person: Person) -> None:
        """They have decided: what asked them in a server has done its work."""
        for key in [key for key in self._asked if key[0] == person]:
            _, message = self._asked.pop(key)
            if message:
                await self._client.words.remove(int(key[1]), message)

    def forget(self, person: Person) -> None:
        for key in [key for key in self._asked if key[0] == person]:
            del self._asked[key]

    async def _listed(self, here: Conversation) -> tuple[str, discord.ui.View | None]:
        said = await commands.do(self._app, "consent", "", here)
        await self._app.privacy.ai_notice_due(here)  # it stands in the list
        return f"{said.text}\n\n{say(here.person.locale, 'consent.held', minutes=self._minutes())}", view_of(said)

    def _minutes(self) -> int:
        return round(self._app.settings.consent.hold_s / 60)
