"""Which errors mean that Discord is away."""

from __future__ import annotations

import aiohttp
import discord

from plugins.platforms.discord.trouble import trouble


def absence(error: Exception) -> str:
    """Not reached, answered with a server's error, or turned away by Cloudflare, whose 429 has no `Via`; else empty.

    A 429 of Discord's own is no absence: who was refused five times over tries again soon, as after any other error.
    """
    if isinstance(error, discord.HTTPException):
        away = error.status >= 500 or (error.status == 429 and "Via" not in error.response.headers)
    else:
        away = isinstance(error, OSError | aiohttp.ClientError)
    return trouble(error) if away else ""
