"""Who may moderate a server: asked of Discord at each request."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord

if TYPE_CHECKING:
    from plugins.platforms.discord.client import MaumClient


async def may_moderate(client: MaumClient, user: str, guild: str) -> bool:
    """The owner, and members who may manage the server or its messages."""
    if not (user.isdecimal() and guild.isdecimal()):
        return False
    try:
        place = await client.fetch_guild(int(guild), with_counts=False)
        member = await place.fetch_member(int(user))
    except (discord.NotFound, discord.Forbidden):
        return False
    allowed = member.guild_permissions
    return place.owner_id == member.id or allowed.administrator or allowed.manage_guild or allowed.manage_messages
