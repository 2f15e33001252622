"""From login to login: a client for each, made anew when Discord or the network fails, within the identify budget."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp
import discord

from bot.errors import OperatorError, Unreachable
from bot.locale import say
from bot.types import Outgoing, Person
from plugins.platforms._bans import Bans
from plugins.platforms._outage import Outage
from plugins.platforms.discord import moderators
from plugins.platforms.discord.asked import Asked
from plugins.platforms.discord.catch_up import CatchUp
from plugins.platforms.discord.clicks import Clicks
from plugins.platforms.discord.client import MaumClient, TooManyStarts, aim_at
from plugins.platforms.discord.commands import declare
from plugins.platforms.discord.consent import Asking
from plugins.platforms.discord.identify import IdentifyBudget
from plugins.platforms.discord.incoming import Listener
from plugins.platforms.discord.marks import MarkBook
from plugins.platforms.discord.options import Options
from plugins.platforms.discord.outage import absence
from plugins.platforms.discord.pending import Pending
from plugins.platforms.discord.people import Languages
from plugins.platforms.discord.showing import Showing
from plugins.platforms.discord.trouble import trouble

if TYPE_CHECKING:
    from bot.app import App

log = logging.getLogger("maum.discord")
logging.getLogger("discord").setLevel(logging.WARNING)  # what matters of its news is said here

PATIENCE_S = 30.0
START_S = 10.0  # so long after the start an answer waits for the first login
RETRY_S = (5.0, 15.0, 60.0, 300.0)
WRONG_SETTINGS = {  # topics/opcodes-and-status-codes#gateway-gateway-close-event-codes
    4004: "Discord refuses the token in DISCORD_TOKEN: copy it anew from the developer portal, page Bot",
    4010: "platforms.discord.shard_ids names a shard that does not exist: check shard_count",
    4011: "this bot is in too many servers for one connection: set platforms.discord.shard_count = 0",
    4013: "Discord does not know the intents asked for: update discord.py",
    4014: "platforms.discord.message_content = true, but “Message Content Intent” is off in the portal, page Bot",
}


class Connection:
    def __init__(self, app: App, options: Options, state: Path) -> None:
        self._app = app
        self._options = options
        self._pending = Pending(state / "pending")
        self._book = MarkBook(state)
        shards = len(options.shard_ids) or options.shard_count or 1
        every_s = options.identify_every_s
        self._budget = IdentifyBudget(state / "identify.json", options.identify_free, every_s, shards=shards)
        self._bans = Bans(state / "bans.json")
        self._languages = Languages(app)
        self._online = asyncio.Event()  # somebody is logged in
        self._away_since: float | None = time.monotonic()
        self._patient_until = time.monotonic() + START_S
        self._outage = Outage(absence, self._take_up)
        self._noticed: deque[int] = deque(maxlen=200)
        self._client: MaumClient | None = None

    @property
    def trouble(self) -> str:
        """What is wrong. Connections are lost and made anew all the time, so nothing is said of a short while."""
        away_s = time.monotonic() - self._away_since if self._away_since else 0.0
        return f"not connected to Discord for {away_s:.0f} s" if away_s > PATIENCE_S else ""

    async def run(self, token: str) -> None:
        aim_at(self._options.api_base, self._options.gateway)
        failures = 0
        while True:
            client = self._new_client()
            client.tree = await declare(client, client.asked)
            try:
                await self._serve(client, token)
            except (discord.LoginFailure, discord.PrivilegedIntentsRequired, discord.ConnectionClosed) as error:
                raise_if_settings_are_wrong(error)
                log.warning("Discord closed the connection: %s", trouble(error))
            except TooManyStarts:
                log.warning("the bot has connected too often")
            except (OSError, aiohttp.ClientError, TimeoutError, discord.DiscordException) as error:
                log.warning("Discord cannot be reached: %s", trouble(error))
            except Exception as error:  # discord.py met what it does not expect: begin anew rather than end the house
                log.error("the connection to Discord failed: %s", trouble(error))
            finally:
                failures = 1 if client.is_ready() else failures + 1
                self._online.clear()
                self._note(connected=False)
                await client.close()
            await asyncio.sleep(RETRY_S[min(failures, len(RETRY_S)) - 1])

    async def show(self, outgoing: Outgoing, handle: str | None) -> str:
        """Raises Unreachable: Discord is away, and nobody waits for it, who would keep others waiting."""
        client = await self._client_at_once()
        if outgoing.reading:
            client.clicks.keep(outgoing.message, outgoing.reading)
        notice = await self._notice(outgoing)

        async def show() -> str:
            try:
                return await client.showing.show(outgoing, handle, notice)
            except discord.RateLimited as error:  # it wants us to wait for long
                raise Unreachable(trouble(error)) from error

        try:
            return await self._outage.reach(show)
        except RuntimeError as error:
            if not client.is_closed():
                raise
            raise Unreachable("the connection was closed") from error

    async def may_moderate(self, user: str, guild: str) -> bool:
        client = await self._ready_client()
        return await moderators.may_moderate(client, user, guild)

    def forget(self, person: Person) -> None:
        """Nothing in memory remembers who was forgotten."""
        self._languages.forget(int(person.id))
        if self._client:
            self._client.clicks.read.clear()
            self._client.listener.forget(person)
            self._client.asking.forget(person)

    def _new_client(self) -> MaumClient:
        options = self._options
        client = MaumClient(options, self._budget, self._pending, self._bans, message_content=options.message_content)
        client.asked = Asked(self._app, client, self._languages)
        client.asking = Asking(self._app, client)
        client.clicks = Clicks(self._app, self._languages)
        client.listener = Listener(self._app, client, client.asking, self._languages)
        client.catch_up = CatchUp(self._app, client, client.listener, options, self._book)
        client.showing = Showing(client)
        client.tell_connected = self._note
        return client

    def _note(self, connected: bool) -> None:
        self._away_since = None if connected else self._away_since or time.monotonic()

    async def _serve(self, client: MaumClient, token: str) -> None:
        await client.login(token)
        self._client = client
        self._online.set()
        self._take_up()
        client.begin(self._register(client))
        await self._wait_for_budget()
        await self._find_gateway(client)
        await client.catch_up.mark(*(client.shard_ids or range(client.shard_count or 1)))
        await client.connect()

    async def _register(self, client: MaumClient) -> None:
        """Tell Discord which commands there are; the same ones again change nothing and count for nothing."""
        try:
            await client.tree.sync()
        except discord.HTTPException as error:
            log.warning("Discord did not take the commands: %s", error.text)

    async def _wait_for_budget(self) -> None:
        if wait_s := self._budget.wait_s():
            log.info("connecting in %.0f s: Discord limits how often a bot may", wait_s)
            await asyncio.sleep(wait_s)

    async def _find_gateway(self, client: MaumClient) -> None:
        """Where to connect, and in how many shards, if the configuration leaves that to Discord."""
        if self._options.gateway:
            return
        shards, url, limit = await client.http.get_bot_gateway()
        aim_at("", url)
        client.shard_count = self._options.shard_count or shards
        if limit["remaining"] < client.shard_count:
            log.warning("Discord allows no more connections for %d minutes", limit["reset_after"] // 60_000)
            await asyncio.sleep(limit["reset_after"] / 1_000)

    def _take_up(self) -> None:
        """What could not be shown can be now."""
        if self._client:
            self._client.begin(self._app.delivery.recover())

    async def _client_at_once(self) -> MaumClient:
        """Waits only for the first login."""
        try:
            async with asyncio.timeout(max(0.0, self._patient_until - time.monotonic())):
                return await self._ready_client()
        except TimeoutError:
            raise Unreachable("not logged in") from None

    async def _ready_client(self) -> MaumClient:
        await self._online.wait()
        assert self._client is not None
        return self._client

    async def _notice(self, outgoing: Outgoing) -> str:
        """That this is an AI: with the first answer, and every three hours; it stays under that answer."""
        if not (outgoing.final and outgoing.reply):
            return ""
        if outgoing.message not in self._noticed:
            if not await self._app.privacy.ai_notice_due(outgoing.conversation):
                return ""
            self._noticed.append(outgoing.message)
        return say(outgoing.conversation.person.locale, "consent.ai_notice")


def raise_if_settings_are_wrong(error: Exception) -> None:
    """Raises OperatorError, with the cure, for what no second try will mend."""
    code = 4004 if isinstance(error, discord.LoginFailure) else 4014
    if isinstance(error, discord.ConnectionClosed):
        code = error.code
    if code in WRONG_SETTINGS:
        raise OperatorError(WRONG_SETTINGS[code]) from None
