"""What happens to messages on the local Discord: they are created, edited and deleted, recorded, and told to apps."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from tests.servers.discord_gateway import Gateway, Session
from tests.servers.discord_limits import Limits
from tests.servers.discord_record import Entry, Record
from tests.servers.discord_world import (
    CONTENT_ENABLED,
    EPHEMERAL,
    Channel,
    Clock,
    Guild,
    Json,
    Message,
    Permission,
    User,
)

NONCE_S = 300.0  # “the past few minutes”: resources/message#create-message
MESSAGE_CONTENT = 1 << 15


class State:
    def __init__(self) -> None:
        self.clock = Clock()
        self.record = Record()
        self.limits = Limits(self.clock, self.record)
        self.gateway = Gateway(self.clock, self.record, self._welcome)
        self.bot = User(self.clock.snowflake(), "마음", bot=True)
        self.flags = 0  # of the application, as the portal's switches set them
        self.users: dict[int, User] = {self.bot.id: self.bot}
        self.guilds: dict[int, Guild] = {}
        self.channels: dict[int, Channel] = {}
        self.commands: list[Json] = []
        self._nonces: OrderedDict[tuple[int, str], Message] = OrderedDict()

    @property
    def intent_allowed(self) -> bool:
        """Is the message content intent switched on? For REST this counts alone: gateway#http-restrictions."""
        return bool(self.flags & CONTENT_ENABLED)

    def application(self) -> Json:
        return {
            "id": str(self.bot.id),
            "name": self.bot.name,
            "icon": None,
            "description": "",
            "bot_public": True,
            "bot_require_code_grant": False,
            "verify_key": "0" * 64,
            "owner": {"id": "1", "username": "owner", "discriminator": "0", "avatar": None},
            "team": None,
            "flags": self.flags,
            "integration_types_config": {},
        }

    def allowed(self, channel: Channel, wanted: Permission) -> bool:
        """May the bot do this here? In direct chats it may."""
        if channel.guild is None:
            return True
        given = channel.guild.permissions(self.bot)
        if Permission.ADMINISTRATOR in given:
            return True
        return wanted in given & ~channel.denied & ~(channel.parent.denied if channel.parent else Permission(0))

    def known_nonce(self, channel: Channel, nonce: str) -> Message | None:
        """A message of the past few minutes with this nonce: resources/message#create-message, enforce_nonce."""
        message = self._nonces.get((channel.id, nonce))
        return message if message and self.clock.now() - message.at < NONCE_S else None

    async def create(self, message: Message, *, interaction: int = 0, pings: bool = False) -> None:
        channel = message.channel
        channel.messages[message.id] = message
        if message.nonce is not None and message.author is self.bot:
            self._nonces[channel.id, str(message.nonce)] = message
        if message.author is self.bot:
            answers = message.answers.id if message.answers else 0
            nonce = str(message.nonce or "")
            facts: dict[str, Any] = {"answers": answers, "content": message.content, "nonce": nonce, "pings": pings}
            entry = Entry("sent", self.clock.now(), channel.id, message.id, interaction=interaction, **facts)
            self.record.add(entry)
        await self._tell("MESSAGE_CREATE", message)

    async def edit(self, message: Message, *, pings: bool = False) -> None:
        message.edited_at = self.clock.now()
        if message.author is self.bot:
            at, content = message.edited_at, message.content
            interaction = message.interaction or 0
            self.record.add(
                Entry("edited", at, message.channel.id, message.id, 0, content, "", interaction, pings=pings)
            )
        await self._tell("MESSAGE_UPDATE", message)

    async def delete(self, message: Message) -> None:
        message.channel.messages.pop(message.id, None)
        guild = message.channel.guild
        if message.author is self.bot:
            self.record.add(Entry("deleted", self.clock.now(), message.channel.id, message.id))
        gone = {"id": str(message.id), "channel_id": str(message.channel.id)}
        if guild:
            gone["guild_id"] = str(guild.id)
        await self.gateway.dispatch("MESSAGE_DELETE", lambda _: gone, "messages", guild.id if guild else None)

    async def _tell(self, name: str, message: Message) -> None:
        if message.flags & EPHEMERAL:
            return
        guild = message.channel.guild
        await self.gateway.dispatch(
            name,
            lambda session: message.event(self.bot, intent=bool(session.intents & MESSAGE_CONTENT)),
            "messages",
            guild.id if guild else None,
        )

    def _welcome(self, session: Session) -> tuple[Json, list[Json]]:
        """events/gateway-events#ready: servers are unavailable at first, and come one by one."""
        mine = [guild for guild in self.guilds.values() if session.wants("guilds", guild.id)]
        ready = {
            "v": 10,
            "user": self.bot.shape(),
            "guilds": [{"id": str(guild.id), "unavailable": True} for guild in mine],
            "application": {"id": str(self.bot.id), "flags": self.flags},
        }
        return ready, [guild.shape(self.bot) for guild in mine]
