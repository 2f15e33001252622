"""Discord: direct chats, mentions, slash commands and buttons, through discord.py."""

from plugins.platforms.discord.platform import DiscordPlatform

__all__ = ["DiscordPlatform"]
