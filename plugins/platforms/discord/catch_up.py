"""After an outage: what people wrote meanwhile, in chats that are known, is fetched and answered once.

Discord replays what was missed to a session that resumes; a process that starts anew has no session, and one that was
away for minutes has lost it.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import discord

from bot.types import Chat

if TYPE_CHECKING:
    from bot.app import App
    from plugins.platforms.discord.client import MaumClient
    from plugins.platforms.discord.incoming import Listener
    from plugins.platforms.discord.marks import MarkBook
    from plugins.platforms.discord.options import Options

log = logging.getLogger("maum.discord")

PAGE, MAX_PAGES = 100, 10  # resources/message#get-channel-messages
KNOWN_FOR_S = 30 * 24 * 3_600.0
MAX_CHATS = 500


class CatchUp:
    """Looks `catch_up_hours` back, and takes `catch_up_messages` at most."""

    def __init__(self, app: App, client: MaumClient, listener: Listener, options: Options, book: MarkBook) -> None:
        self._app = app
        self._book = book
        self._client = client
        self._listener = listener
        self._window_ms = int(options.catch_up_hours * 3_600_000)
        self._most = options.catch_up_messages

    async def mark(self, *shards: int) -> None:
        """Remember how far every chat has been read, when a shard loses its connection or before it has one: by the
        time it stands, later messages come in."""
        if self._most and self._window_ms:
            seen = await self._app.delivery.last_seen("discord", KNOWN_FOR_S)
            for shard in shards:
                self._book.add(shard, {chat: last for chat, last in seen if self._shard_of(chat) == shard})

    async def run(self, shard: int) -> None:
        """Answer what a shard missed, the chats with the latest talk first."""
        left = self._most
        with self._book.taken(shard) as marks:
            latest = sorted(marks.items(), key=lambda mark: int(mark[1]) if mark[1].isdecimal() else 0, reverse=True)
            for chat, last in latest[:MAX_CHATS]:
                after = self._beginning(last)
                if left > 0 and not self._is_quiet(chat, after):
                    left -= await self._hear(chat, after, left)
        if left < self._most:
            log.info("%d messages from before the connection are answered now", self._most - left)
        if left <= 0:
            log.warning("more were missed than platforms.discord.catch_up_messages = %d: the rest is left", self._most)

    async def _hear(self, chat: Chat, after: int, most: int) -> int:
        """Returns how many messages were for the bot. What it has answered already, if only with a word, is left."""
        found = await self._fetched(int(chat.id), after)
        mine = [one for one in found if self._client.is_me(one.get("author"))]
        answered = {str((one.get("message_reference") or {}).get("message_id")) for one in mine}
        heard = 0
        for one in found:
            if heard < most and one["id"] not in answered:
                heard += await self._listener.heard(self._message(one, chat), missed=True)
        return heard

    async def _fetched(self, channel: int, after: int) -> list[Any]:
        """The messages of a channel after an id, oldest first."""
        found: list[Any] = []
        try:
            for _ in range(MAX_PAGES):
                page = await self._client.http.logs_from(channel, PAGE, after=after)
                found += sorted(page, key=lambda one: int(one["id"]))
                if len(page) < PAGE:
                    break
                after = int(found[-1]["id"])
        except discord.HTTPException as error:
            log.warning("channel %d cannot be caught up with: %s", channel, error.text)
        return found

    def _message(self, data: Any, chat: Chat) -> discord.Message:
        guild = int(chat.space_id) if chat.space_id else None
        channel = self._client.get_partial_messageable(int(chat.id), guild_id=guild)
        return discord.Message(state=self._client._connection, channel=channel, data=data)

    def _beginning(self, last: str) -> int:
        """The last id that was handled, or the beginning of the window if that is later."""
        earliest = discord.utils.time_snowflake(discord.utils.utcnow()) - (self._window_ms << 22)
        return max(int(last), earliest) if last.isdecimal() else earliest

    def _shard_of(self, chat: Chat) -> int:
        """gateway#sharding-sharding-formula; direct messages come to the first."""
        return (int(chat.space_id) >> 22) % (self._client.shard_count or 1) if chat.space_id else 0

    def _is_quiet(self, chat: Chat, after: int) -> bool:
        """Discord says of a server's channels, not of direct chats, which message came last."""
        channel = self._client.get_channel(int(chat.id)) if chat.space_id else None
        latest = getattr(channel, "last_message_id", None)
        return latest is not None and latest <= after
