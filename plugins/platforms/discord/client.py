"""discord.py's client, made to survive what comes: events with missing fields, tight reconnect loops, crash loops."""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import aiohttp
import discord
import discord.gateway
import discord.http
import yarl

from plugins.platforms._bans import Bans
from plugins.platforms.discord import waits
from plugins.platforms.discord.buttons import DYNAMIC
from plugins.platforms.discord.consent import AskButton
from plugins.platforms.discord.guard import guarded
from plugins.platforms.discord.identify import IdentifyBudget
from plugins.platforms.discord.saying import ChoiceButton
from plugins.platforms.discord.trouble import trouble
from plugins.platforms.discord.turns import Turns
from plugins.platforms.discord.words import Words

if TYPE_CHECKING:
    from plugins.platforms.discord.asked import Asked
    from plugins.platforms.discord.catch_up import CatchUp
    from plugins.platforms.discord.clicks import Clicks
    from plugins.platforms.discord.consent import Asking
    from plugins.platforms.discord.incoming import Listener
    from plugins.platforms.discord.options import Options
    from plugins.platforms.discord.pending import Pending
    from plugins.platforms.discord.showing import Showing

log = logging.getLogger("maum.discord")

MAX_RATE_LIMIT_S = 60.0  # a longer wait is refused: the last word then stands in a new message
FREE_CONNECTS, CONNECTS_WINDOW_S = 5, 20.0  # gateway connections in a row before they are slowed down
SOON_S = 20.0  # a wait that a connection to the gateway survives without a session
CLOSE_S = 2.0
UNHANDLED_S = 1.5  # after that an interaction nobody answers gets a word, within Discord's three seconds


class TooManyStarts(Exception):
    """The bot has identified too often: it must wait, disconnected."""


def aim_at(api_base: str, gateway: str) -> None:
    """Let discord.py speak to another server than Discord's, such as a proxy or a server for tests."""
    if api_base:
        discord.http.Route.BASE = api_base.rstrip("/")
    if gateway:
        discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(gateway)


def intents(*, message_content: bool) -> discord.Intents:
    """Servers, messages in them and direct messages. Reading whole channels takes the privileged intent."""
    wanted = discord.Intents.none()
    wanted.guilds = wanted.guild_messages = wanted.dm_messages = True
    wanted.message_content = message_content
    return wanted


class MaumClient(discord.AutoShardedClient):
    """One login. Its parts are set before it connects."""

    listener: Listener
    catch_up: CatchUp
    asked: Asked
    asking: Asking
    clicks: Clicks
    showing: Showing
    tree: discord.app_commands.CommandTree[Any]

    def __init__(
        self, options: Options, budget: IdentifyBudget, pending: Pending, bans: Bans, *, message_content: bool
    ) -> None:
        discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False  # we have no voice to warn about
        super().__init__(
            intents=intents(message_content=message_content),
            allowed_mentions=discord.AllowedMentions.none(),
            max_messages=None,
            chunk_guilds_at_startup=False,
            member_cache_flags=discord.MemberCacheFlags.none(),
            guild_ready_timeout=0.5,
            max_ratelimit_timeout=MAX_RATE_LIMIT_S,
            http_trace=waits.tracing(bans, MAX_RATE_LIMIT_S),
            shard_count=options.shard_count or None,
        )
        self.shard_ids = list(options.shard_ids) or None
        self.pending = pending
        self.words = Words(self)
        self.reads_channels = message_content
        self._budget = budget
        self._connects: deque[float] = deque(maxlen=FREE_CONNECTS)
        self._tasks: set[asyncio.Task[Any]] = set()
        self._turns = Turns()
        self._here: set[int] = set()
        self.tell_connected: Callable[[bool], None] = lambda connected: None
        self._guard_parsers()
        self._connect_socket = self.http.ws_connect
        self.http.ws_connect = self._connect_slowly  # type: ignore[method-assign]

    @property
    def session(self) -> aiohttp.ClientSession:
        """discord.py's own, which its webhooks need and its interactions use."""
        session: aiohttp.ClientSession = self.http._HTTPClient__session  # type: ignore[attr-defined]
        return session

    @property
    def application_number(self) -> int:
        assert self.application_id is not None  # known since the login
        return self.application_id

    def is_me(self, author: Any) -> bool:
        return bool(author) and self.user is not None and str(author.get("id")) == str(self.user.id)

    def permissions_in(self, channel: int) -> discord.Permissions | None:
        """What the bot may do in a server's channel; None where that is not known, as in direct chats."""
        found: Any = self.get_channel(channel)
        try:
            allowed: discord.Permissions = found.permissions_for(found.guild.me)
        except (AttributeError, discord.ClientException):  # a direct chat, or a thread whose parent is not known
            return None
        return allowed

    def may_write_in(self, channel: discord.abc.Snowflake) -> bool:
        """Unless it is known that it may not: requests that are refused count against the bot (topics/rate-limits)."""
        allowed = self.permissions_in(channel.id)
        if allowed is None:
            return True
        in_thread = isinstance(self.get_channel(channel.id), discord.Thread)
        return allowed.send_messages_in_threads if in_thread else allowed.send_messages

    def begin(self, work: Any) -> None:
        """Do something beside; an error of it is logged, without texts."""
        task = asyncio.create_task(self._logged(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """What runs in here may end before the client closes."""
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            yield
        finally:
            self._tasks.discard(task)

    async def close(self) -> None:
        """Let what is being done end, for a moment; what is not on disk by then will be caught up with."""
        if tasks := self._tasks - {asyncio.current_task()}:
            _, late = await asyncio.wait(tasks, timeout=CLOSE_S)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        await super().close()

    async def setup_hook(self) -> None:
        self.add_dynamic_items(*DYNAMIC, ChoiceButton, AskButton)

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """Raises TooManyStarts: the wait is longer than this connection would live."""
        while wait_s := self._budget.take():
            if wait_s > SOON_S:
                raise TooManyStarts
            await asyncio.sleep(wait_s)

    async def on_ready(self) -> None:
        way = "on" if self.reads_channels else "off (platforms.discord.message_content)"
        places = f"{len(self.guilds)} servers, {self.shard_count} shards"
        log.info("Discord: connected as %s, %s; listening to whole channels is %s", self.user, places, way)

    async def on_shard_ready(self, shard_id: int) -> None:
        if not self.is_closed():  # discord.py says so half a second late, and the next client has the marks by then
            self.begin(self.catch_up.run(shard_id))

    async def on_shard_connect(self, shard_id: int) -> None:
        self._note(shard_id, here=True)

    async def on_shard_resumed(self, shard_id: int) -> None:
        self._note(shard_id, here=True)

    async def on_shard_disconnect(self, shard_id: int) -> None:
        self._note(shard_id, here=False)
        async with self.at_work():
            await self.catch_up.mark(shard_id)

    async def on_message(self, message: discord.Message) -> None:
        async with self.at_work(), self._turns.turn(message.channel.id):
            await self.listener.heard(message)

    async def on_raw_message_edit(self, event: discord.RawMessageUpdateEvent) -> None:
        async with self.at_work(), self._turns.turn(event.channel_id):
            await self.listener.rewritten(event)

    async def on_raw_message_delete(self, event: discord.RawMessageDeleteEvent) -> None:
        async with self.at_work(), self._turns.turn(event.channel_id):
            await self.listener.deleted(event.channel_id, event.guild_id, [event.message_id])

    async def on_raw_bulk_message_delete(self, event: discord.RawBulkMessageDeleteEvent) -> None:
        async with self.at_work(), self._turns.turn(event.channel_id):
            await self.listener.deleted(event.channel_id, event.guild_id, sorted(event.message_ids))

    async def on_guild_remove(self, guild: discord.Guild) -> None:
        async with self.at_work():
            await self.listener.left(guild.id)

    async def on_interaction(self, interaction: discord.Interaction[Any]) -> None:
        """Nobody waits in vain: what no command and no button has answered by now is unknown."""
        self.clicks.languages.note(interaction.user.id, str(interaction.locale))
        await asyncio.sleep(UNHANDLED_S)
        if not interaction.response.is_done():
            await self.clicks.unknown(interaction)

    async def on_error(self, event_method: str, /, *args: Any, **kwargs: Any) -> None:
        log.error("an event could not be handled: %s: %s", event_method, trouble(sys.exc_info()[1]))

    def _note(self, shard: int, *, here: bool) -> None:
        (self._here.add if here else self._here.discard)(shard)
        self.tell_connected(len(self._here) == len(self.shard_ids or range(self.shard_count or 1)))

    async def _logged(self, work: Any) -> None:
        try:
            await work
        except Exception as error:
            log.error("%s failed: %s", getattr(work, "__qualname__", "work"), trouble(error))

    async def _connect_slowly(self, url: str, *, compress: int = 0) -> aiohttp.ClientWebSocketResponse:
        """discord.py resumes without a pause when the gateway hangs up at once; nobody gains by thousands a second."""
        now = time.monotonic()
        if len(self._connects) == FREE_CONNECTS and now - self._connects[0] < CONNECTS_WINDOW_S:
            await asyncio.sleep(CONNECTS_WINDOW_S / FREE_CONNECTS)
        self._connects.append(time.monotonic())
        return await self._connect_socket(url, compress=compress)

    def _guard_parsers(self) -> None:
        """discord.py ends the whole connection when a parser of it meets an event it does not expect."""
        parsers = self._connection.parsers
        for name, parse in parsers.items():
            parsers[name] = guarded(name, parse)
