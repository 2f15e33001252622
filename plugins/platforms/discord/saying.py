"""What a command says, as a Discord message; a button under it is one more command."""

from __future__ import annotations

import io
import re
from typing import Any, Self

import discord

from bot.said import PREFIX, Choice, Said
from plugins.platforms._splitting import split, utf16
from plugins.platforms.discord.parts import LIMIT
from plugins.platforms.discord.words import NOBODY, whisper

ROWS, IN_ROW, LABEL = 5, 5, 80  # components/reference#action-row, #button


class ChoiceButton(discord.ui.DynamicItem[discord.ui.Button[Any]], template=rf"{PREFIX}:[a-z]+:.*"):
    """A button under what a command said."""

    @classmethod
    async def from_custom_id(cls, interaction: Any, item: Any, match: re.Match[str], /) -> Self:
        return cls(item)

    async def callback(self, interaction: Any) -> None:
        await interaction.client.asked.pressed(interaction, *Choice.decode(self.custom_id))


def view_of(said: Said) -> discord.ui.View | None:
    """Its buttons; rows beyond the fifth join the fifth."""
    if not said.rows:
        return None
    view = discord.ui.View(timeout=None)
    rows = list(said.rows)
    while len(rows) > ROWS:
        rows[-2:] = [rows[-2] + rows[-1]]
    for number, row in enumerate(rows):
        for choice in row[:IN_ROW]:
            button: discord.ui.Button[Any] = discord.ui.Button(
                label=choice.label[:LABEL], custom_id=choice.encode(), row=number
            )
            view.add_item(ChoiceButton(button))
    return view


async def put(interaction: discord.Interaction[Any], said: Said) -> None:
    """In the place of a deferred answer, or of the message that was clicked; what does not fit follows, for the
    asker's eyes."""
    first, *rest = split(said.text, LIMIT, utf16)
    view = view_of(said)
    more: dict[str, Any] = {"attachments": _files(said)} if said.files or said.picture else {}
    await interaction.edit_original_response(
        content=first, view=None if rest else view, allowed_mentions=NOBODY, **more
    )
    if rest:
        await whisper(interaction, "".join(rest), **({"view": view} if view else {}))


def _files(said: Said) -> list[discord.File]:
    pictures = (("maum.png", said.picture),) if said.picture else ()
    return [discord.File(io.BytesIO(content), name) for name, content in (*pictures, *said.files)]
