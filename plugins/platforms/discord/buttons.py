"""The buttons under an answer. What a button does stands in its custom_id, an encoded `Action`, so it works on day-old
messages, after a restart and in another process."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Self

import discord

from bot import emotions
from bot.locale import say
from bot.types import Action, Language, Outgoing, Reading

ACTION = r"(?:again|other|select|feedback|correct|stop):\d+:.*"
PICK = r"pick:(?P<message>\d+):(?P<what>best|group|member)"
EMOJI = {"again": "🔁", "other": "🎭", "stop": "⏹️", "1": "👍", "-1": "👎"}
Style = discord.ButtonStyle


class ActionButton(discord.ui.DynamicItem[discord.ui.Button[Any]], template=ACTION):
    """🔁 🎭 ◀ ▶ 👍 👎 ⏹️."""

    @classmethod
    async def from_custom_id(cls, interaction: Any, item: Any, match: re.Match[str], /) -> Self:
        return cls(item)

    async def callback(self, interaction: Any) -> None:
        await interaction.client.clicks.act(interaction, Action.decode(self.custom_id))


class EmotionSelect(discord.ui.DynamicItem[discord.ui.Select[Any]], template=PICK):
    """“How did you really feel?”: the five best, or a group and then its members (a select holds 25)."""

    @classmethod
    async def from_custom_id(cls, interaction: Any, item: Any, match: re.Match[str], /) -> Self:
        return cls(item)

    async def callback(self, interaction: Any) -> None:
        chosen = self.template.fullmatch(self.custom_id)
        assert chosen is not None
        data: Any = interaction.data
        message, value = int(chosen["message"]), str((data.get("values") or [""])[0])
        await interaction.client.clicks.pick(interaction, message, chosen["what"], value)


class PageNumber(discord.ui.DynamicItem[discord.ui.Button[Any]], template=r"page:\d+"):
    """2/3: it cannot be clicked."""

    @classmethod
    async def from_custom_id(cls, interaction: Any, item: Any, match: re.Match[str], /) -> Self:
        return cls(item)


DYNAMIC: Sequence[Any] = (ActionButton, EmotionSelect, PageNumber)


def under(outgoing: Outgoing) -> discord.ui.View:
    """The buttons that make sense under a snapshot; in a direct chat 🎭 says what was read."""
    view = discord.ui.View(timeout=None)
    language = outgoing.conversation.person.locale
    for action in outgoing.actions:
        if action.kind != "select":
            view.add_item(_button(action, _label(action, outgoing, language)))
    reply = outgoing.reply
    if reply and outgoing.final and outgoing.variants > 1:
        offered = {action.value for action in outgoing.actions if action.kind == "select"}
        for step, emoji in ((-1, "◀️"), (1, "▶️")):
            number = str(reply.variant + step)
            page = Action("select", outgoing.message, number)
            view.add_item(_button(page, "", emoji, row=1, disabled=number not in offered))
            if step < 0:
                view.add_item(_page(outgoing.message, f"{reply.variant}/{outgoing.variants}"))
    return view


def picker(message: int, reading: Reading | None, language: Language) -> discord.ui.View:
    """The five best of a reading, and the groups."""
    view = discord.ui.View(timeout=None)
    if reading:
        best = [_option(emotions.find(emotion.label), language) for emotion in reading.emotions]
        view.add_item(_select(f"pick:{message}:best", "discord.pick_best", best, language))
    groups = []
    for group in emotions.GROUPS:
        ko, en, emoji = emotions.GROUP_NAMES[group]
        groups.append(discord.SelectOption(label=ko if language == "ko" else en, value=group, emoji=emoji))
    view.add_item(_select(f"pick:{message}:group", "discord.pick_group", groups, language))
    return view


def members(message: int, group: str, language: Language) -> discord.ui.View:
    """The emotions of one group; an unknown group offers none."""
    view = discord.ui.View(timeout=None)
    entries = emotions.members(group) if group in emotions.GROUPS else ()
    if entries:
        options = [_option(entry, language) for entry in entries[:25]]
        view.add_item(_select(f"pick:{message}:member", "discord.pick_member", options, language))
    return view


def _button(action: Action, label: str, emoji: str = "", row: int = 0, disabled: bool = False) -> ActionButton:
    emoji = emoji or EMOJI[action.value if action.kind == "feedback" else action.kind]
    style = Style.primary if action.kind == "again" else Style.secondary
    button: discord.ui.Button[Any] = discord.ui.Button(
        style=style, label=label or None, emoji=emoji, custom_id=action.encode(), row=row, disabled=disabled
    )
    return ActionButton(button)


def _page(message: int, label: str) -> PageNumber:
    return PageNumber(discord.ui.Button(label=label, custom_id=f"page:{message}", row=1, disabled=True))


def _select(custom_id: str, words: str, options: list[discord.SelectOption], language: Language) -> EmotionSelect:
    return EmotionSelect(discord.ui.Select(custom_id=custom_id, placeholder=say(language, words), options=options))


def _option(entry: emotions.Entry, language: Language) -> discord.SelectOption:
    return discord.SelectOption(label=entry.name(language), value=entry.code, emoji=entry.emoji)


def _label(action: Action, outgoing: Outgoing, language: Language) -> str:
    if action.kind != "other" or outgoing.conversation.chat.kind != "direct" or outgoing.reading is None:
        return ""  # what somebody feels is not for the whole channel
    if not outgoing.reading.sure:
        return say(language, "web.unsure")
    name = emotions.find(outgoing.reading.top.label).name(language)
    return name if outgoing.reading.model == "person" else f"{name} {outgoing.reading.top.score:.0%}"
