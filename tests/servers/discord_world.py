"""What exists on the local Discord: users, servers, channels, messages, and the JSON that Discord makes of them.

Shapes and numbers: docs.discord.com/developers, resources/{user,guild,channel,message}.
"""

from __future__ import annotations

import itertools
import re
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import IntFlag
from typing import Any

EPOCH_MS = 1_420_070_400_000  # reference#snowflakes
TEXT, DIRECT, THREAD = 0, 1, 11  # resources/channel#channel-object-channel-types
EPHEMERAL, LOADING = 1 << 6, 1 << 7  # resources/message#message-object-message-flags
DEFAULT, REPLY, COMMAND, CONTEXT = 0, 19, 20, 23  # resources/message#message-object-message-types
CONTENT_ENABLED = 1 << 18 | 1 << 19  # resources/application#application-object-application-flags

Json = dict[str, Any]


class Permission(IntFlag):
    """topics/permissions#permissions-bitwise-permission-flags, those that matter here."""

    ADMINISTRATOR = 1 << 3
    MANAGE_GUILD = 1 << 5
    VIEW_CHANNEL = 1 << 10
    SEND_MESSAGES = 1 << 11
    MANAGE_MESSAGES = 1 << 13
    EMBED_LINKS = 1 << 14
    ATTACH_FILES = 1 << 15
    READ_MESSAGE_HISTORY = 1 << 16
    SEND_MESSAGES_IN_THREADS = 1 << 38


P = Permission
EVERYONE = P.VIEW_CHANNEL | P.SEND_MESSAGES | P.EMBED_LINKS | P.ATTACH_FILES | P.READ_MESSAGE_HISTORY
EVERYONE |= P.SEND_MESSAGES_IN_THREADS
ALL = EVERYONE | P.ADMINISTRATOR | P.MANAGE_GUILD | P.MANAGE_MESSAGES


class Clock:
    """The server's time; tests move it forward, so that a day passes at once."""

    def __init__(self) -> None:
        self._ahead_s = 0.0
        self._numbers = itertools.count()

    def now(self) -> float:
        return time.time() + self._ahead_s

    def forward(self, seconds: float) -> None:
        self._ahead_s += seconds

    def snowflake(self) -> int:
        return (int(self.now() * 1000) - EPOCH_MS) << 22 | next(self._numbers) & 0x3FFFFF


def iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat()


@dataclass(eq=False)
class User:
    id: int
    name: str
    bot: bool = False
    locale: str = "ko"

    @property
    def mention(self) -> str:
        return f"<@{self.id}>"

    def shape(self) -> Json:
        return {
            "id": str(self.id),
            "username": self.name,
            "discriminator": "0",
            "global_name": self.name,
            "avatar": None,
            "bot": self.bot,
            "public_flags": 0,
            "flags": 0,
        }


@dataclass(eq=False)
class Guild:
    """A server. `members` maps users to what their roles allow beside `everyone`."""

    id: int
    name: str
    owner: User
    locale: str = "ko"
    everyone: Permission = EVERYONE
    members: dict[User, Permission] = field(default_factory=dict)
    channels: list[Channel] = field(default_factory=list)

    def permissions(self, user: User) -> Permission:
        if user is self.owner:
            return ALL
        given = self.everyone | self.members.get(user, Permission(0))
        return ALL if P.ADMINISTRATOR in given else given

    def role_id(self, user: User) -> int:
        return self.id ^ user.id

    def roles(self) -> list[Json]:
        own = [_role(self.role_id(user), user.name, allowed) for user, allowed in self.members.items() if allowed]
        return [_role(self.id, "@everyone", self.everyone), *own]

    def member(self, user: User) -> Json:
        roles = [str(self.role_id(user))] if self.members.get(user) else []
        return {
            "user": user.shape(),
            "nick": None,
            "roles": roles,
            "joined_at": "2026-01-01T00:00:00+00:00",
            "deaf": False,
            "mute": False,
            "flags": 0,
        }

    def shape(self, bot: User, *, whole: bool = True) -> Json:
        shape: Json = {
            "id": str(self.id),
            "name": self.name,
            "owner_id": str(self.owner.id),
            "preferred_locale": self.locale,
            "roles": self.roles(),
            "emojis": [],
            "stickers": [],
            "features": [],
            "verification_level": 0,
            "default_message_notifications": 0,
            "explicit_content_filter": 0,
            "mfa_level": 0,
            "premium_tier": 0,
            "nsfw_level": 0,
            "system_channel_flags": 0,
            "afk_timeout": 300,
            "icon": None,
            "description": None,
        }
        if whole:  # events/gateway-events#guild-create-guild-create-extra-fields
            shape |= {
                "joined_at": "2026-01-01T00:00:00+00:00",
                "large": False,
                "unavailable": False,
                "member_count": len(self.members) + 1,
                "voice_states": [],
                "members": [self.member(bot)],
                "channels": [channel.shape() for channel in self.channels if channel.kind != THREAD],
                "threads": [channel.shape() for channel in self.channels if channel.kind == THREAD],
                "presences": [],
                "stage_instances": [],
                "guild_scheduled_events": [],
                "soundboard_sounds": [],
            }
        return shape


def _role(identity: int, name: str, allowed: Permission) -> Json:
    colours = {"primary_color": 0, "secondary_color": None, "tertiary_color": None}
    return {
        "id": str(identity),
        "name": name,
        "permissions": str(int(allowed)),
        "color": 0,
        "colors": colours,
        "hoist": False,
        "position": 0,
        "managed": False,
        "mentionable": False,
        "flags": 0,
    }


@dataclass(eq=False)
class Channel:
    """A text channel, a thread or a direct chat. `denied` is what the bot may not do here."""

    id: int
    kind: int
    name: str = ""
    guild: Guild | None = None
    parent: Channel | None = None
    user: User | None = None
    denied: Permission = field(default_factory=lambda: Permission(0))
    messages: dict[int, Message] = field(default_factory=dict)

    def shape(self) -> Json:
        last = str(max(self.messages)) if self.messages else None
        shape: Json = {"id": str(self.id), "type": self.kind, "last_message_id": last, "flags": 0}
        if self.kind == DIRECT:
            return shape | {"recipients": [self.user.shape()] if self.user else []}
        shape |= {
            "guild_id": str(self.guild.id) if self.guild else None,
            "name": self.name,
            "position": 0,
            "permission_overwrites": self._overwrites(),
            "parent_id": str(self.parent.id) if self.parent else None,
            "rate_limit_per_user": 0,
            "nsfw": False,
            "topic": None,
        }
        if self.kind == THREAD and self.guild:
            archive: Json = {"archived": False, "auto_archive_duration": 1440, "locked": False}
            archive["archive_timestamp"] = "2026-01-01T00:00:00+00:00"
            shape |= {"owner_id": str(self.guild.owner.id), "message_count": 0, "member_count": 1}
            shape["thread_metadata"] = archive
        return shape

    def _overwrites(self) -> list[Json]:
        """What everybody, and so the bot, may not do here: resources/channel#overwrite-object."""
        if not (self.denied and self.guild):
            return []
        return [{"id": str(self.guild.id), "type": 0, "allow": "0", "deny": str(int(self.denied))}]


@dataclass(eq=False)
class Message:
    id: int
    channel: Channel
    author: User
    content: str
    at: float
    kind: int = DEFAULT
    nonce: str | int | None = None
    components: list[Json] = field(default_factory=list)
    embeds: list[Json] = field(default_factory=list)
    attachments: list[Json] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    stickers: list[Json] = field(default_factory=list)
    mentions: list[User] = field(default_factory=list)
    answers: Message | None = None
    flags: int = 0
    edited_at: float | None = None
    interaction: int | None = None

    def may_be_read(self, bot: User, *, intent: bool) -> bool:
        """Does an app see the content? events/gateway#message-content-intent: without the intent only its own
        messages, direct chats, and messages that mention it (a reply with its ping on does)."""
        return intent or self.author is bot or self.channel.kind == DIRECT or bot in self.mentions

    def shape(self, bot: User, *, intent: bool = True, nested: bool = True) -> Json:
        open_ = self.may_be_read(bot, intent=intent)
        shape: Json = {
            "id": str(self.id),
            "channel_id": str(self.channel.id),
            "author": self.author.shape(),
            "content": self.content if open_ else "",
            "components": self.components if open_ else [],
            "embeds": self.embeds if open_ else [],
            "attachments": self.attachments if open_ else [],
            "sticker_items": self.stickers,
            "timestamp": iso(self.at),
            "edited_timestamp": iso(self.edited_at) if self.edited_at else None,
            "type": self.kind,
            "flags": self.flags,
            "mentions": [user.shape() for user in self.mentions],
            "mention_roles": [],
            "mention_everyone": False,
            "pinned": False,
            "tts": False,
        }
        if self.nonce is not None:
            shape["nonce"] = self.nonce
        if self.answers and nested:
            reference = {"type": 0, "message_id": str(self.answers.id), "channel_id": str(self.answers.channel.id)}
            shape["message_reference"] = reference
            shape["referenced_message"] = self.answers.shape(bot, intent=intent, nested=False)
        return shape

    def event(self, bot: User, *, intent: bool) -> Json:
        """As MESSAGE_CREATE and MESSAGE_UPDATE carry it: with the server and the author's membership."""
        shape = self.shape(bot, intent=intent)
        if guild := self.channel.guild:
            member = guild.member(self.author)
            del member["user"]
            shape |= {"guild_id": str(guild.id), "member": member}
        return shape


def mentioned(text: str) -> list[int]:
    """Ids of users that a text names: reference#message-formatting-formats."""
    return [int(identity) for identity in re.findall(r"<@!?(\d+)>", text)]
