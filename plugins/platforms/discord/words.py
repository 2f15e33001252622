"""Short words of the bot beside its answers: replies that everybody sees, and whispers that only one person does."""

from __future__ import annotations

import hashlib
import logging
from typing import TYPE_CHECKING, Any

import discord
from discord.http import handle_message_parameters

from bot.errors import Refusal
from bot.locale import say
from bot.types import Incoming, Language
from plugins.platforms._splitting import split, utf16
from plugins.platforms.discord.parts import LIMIT
from plugins.platforms.discord.trouble import trouble

if TYPE_CHECKING:
    from plugins.platforms.discord.client import MaumClient

log = logging.getLogger("maum.discord")

NOBODY = discord.AllowedMentions.none()


class Words:
    def __init__(self, client: MaumClient) -> None:
        self._client = client

    async def reply(self, incoming: Incoming, text: str, view: discord.ui.View | None = None) -> int:
        """Answer a message with a word; said again after a restart, it shows once.

        Returns:
            The word's message id; 0 where the bot may not write.
        """
        told_apart = hashlib.sha256(f"{incoming.message_id} {text}".encode()).hexdigest()
        more: dict[str, Any] = {"nonce": f"w{told_apart[:20]}", "view": view, "allowed_mentions": NOBODY}
        if incoming.message_id.isdecimal():
            more["message_reference"] = {"message_id": incoming.message_id, "fail_if_not_exists": False}
        try:
            with handle_message_parameters(content=text, **more) as params:
                data = await self._client.http.send_message(int(incoming.chat.id), params=params)
        except discord.HTTPException as error:
            log.warning("a word could not be said in channel %s: %s", incoming.chat.id, error.text)
            return 0
        return int(data["id"])

    async def remove(self, channel: int, message: int) -> None:
        try:
            await self._client.http.delete_message(channel, message)
        except discord.HTTPException as error:
            log.debug("a word could not be taken back: %s", error.text)


async def whisper(interaction: discord.Interaction[Any], text: str, **more: Any) -> None:
    """Tell only the person who clicked; `more` are the fields of a message, for its last part."""
    parts = split(text, LIMIT, utf16)
    for number, part in enumerate(parts):
        last = more if number == len(parts) - 1 else {}
        if interaction.response.is_done():
            await interaction.followup.send(part, ephemeral=True, allowed_mentions=NOBODY, **last)
        else:
            await interaction.response.send_message(part, ephemeral=True, allowed_mentions=NOBODY, **last)


async def whisper_refusal(interaction: discord.Interaction[Any], refusal: Refusal, language: Language) -> None:
    await whisper(interaction, refusal.care or say(language, f"refusal.{refusal.code}", **refusal.facts))


async def whisper_failure(interaction: discord.Interaction[Any], error: Exception, language: Language) -> None:
    """Whatever went wrong, the person hears something."""
    log.error("an interaction failed: %s", trouble(error))
    try:
        await whisper(interaction, say(language, "notice.failed"))
    except discord.HTTPException as second:
        log.warning("nor could that be said: %s", trouble(second))
