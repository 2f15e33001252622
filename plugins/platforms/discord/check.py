"""What `maum doctor` tries at Discord, step by step, without connecting to the gateway."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Literal

import aiohttp
import discord

from plugins.platforms.discord.client import aim_at
from plugins.platforms.discord.options import Options

State = Literal["ok", "warning", "wrong"]
LOW = 50  # connections left today
MAX_SERVERS = 200
PERMISSIONS = discord.Permissions(
    view_channel=True,
    send_messages=True,
    send_messages_in_threads=True,
    read_message_history=True,
    embed_links=True,
    attach_files=True,
)
SCOPES = ("bot", "applications.commands")


async def findings(token: str, options: Options) -> AsyncGenerator[tuple[State, str], None]:
    """Token, intent, privacy policy, invite link, servers, and how often the bot may still connect today."""
    aim_at(options.api_base, options.gateway)
    client = discord.Client(intents=discord.Intents.none())
    try:
        await client.login(token)
        application = await client.application_info()
        yield "ok", f"the token is {client.user}'s"
        yield _intent(application, options)
        yield _policy(application)
        link = discord.utils.oauth_url(application.id, permissions=PERMISSIONS, scopes=SCOPES)
        yield "ok", f"invite link: {link}"
        yield await _servers(client)
        yield await _starts(client)
    except discord.LoginFailure:
        yield "wrong", "Discord refuses the token in DISCORD_TOKEN: copy it anew from the developer portal, page Bot"
    except (discord.DiscordException, aiohttp.ClientError, OSError, TimeoutError) as error:
        yield "wrong", f"Discord cannot be reached ({type(error).__name__}): check the network, or api_base"
    finally:
        await client.close()


def _intent(application: discord.AppInfo, options: Options) -> tuple[State, str]:
    flags = application.flags
    allowed = flags.gateway_message_content or flags.gateway_message_content_limited
    if options.message_content and not allowed:
        return "wrong", (
            "platforms.discord.message_content = true, but Message Content Intent is off: switch it on in the "
            "developer portal, page Bot, or set message_content = false"
        )
    if options.message_content:
        return "ok", "message content intent on: whole channels are listened to where moderators choose so"
    return "ok", "message content intent not used: direct messages, mentions, replies and commands"


def _policy(application: discord.AppInfo) -> tuple[State, str]:
    """Discord Developer Terms of Service: a privacy policy, linked in the portal."""
    if application.privacy_policy_url:
        return "ok", f"privacy policy: {application.privacy_policy_url}"
    return "warning", "no privacy policy is linked in the developer portal, page General Information; Discord wants one"


async def _servers(client: discord.Client) -> tuple[State, str]:
    """Where the invite link was used: resources/user#get-current-user-guilds, which tells of so many at once."""
    count = len(await client.http.get_guilds(MAX_SERVERS, with_counts=False))
    if not count:
        return "warning", "the bot is in no server yet: open the invite link and choose yours"
    return "ok", f"the bot is in {count} server(s)" + (" or more" if count == MAX_SERVERS else "")


async def _starts(client: discord.Client) -> tuple[State, str]:
    shards, _, limit = await client.http.get_bot_gateway()
    left = limit["remaining"]
    text = f"{left} of {limit['total']} connections left today; Discord recommends {shards} shard(s)"
    return ("warning" if left < LOW else "ok"), text
