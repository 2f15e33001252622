"""REST of the local Discord: what a bot may ask, send, edit and delete over HTTP."""

from __future__ import annotations

import json
import re
from typing import Any

from aiohttp import web

from tests.servers.discord_checks import Refused, check_commands, check_message, invalid, pings
from tests.servers.discord_limits import reply
from tests.servers.discord_record import Entry
from tests.servers.discord_state import State
from tests.servers.discord_world import (
    DEFAULT,
    DIRECT,
    EPHEMERAL,
    REPLY,
    THREAD,
    Channel,
    Guild,
    Json,
    Message,
    Permission,
)

AGENT = re.compile(r"^DiscordBot \(https?://\S+[, ]+\S+\)")  # reference#user-agent
MAX_GUILDS = 200  # resources/user#get-current-user-guilds
MAX_HISTORY = 100  # resources/message#get-channel-messages
P = Permission


class Rest:
    def __init__(self, state: State) -> None:
        self._state = state
        api = "/api/v10"
        self.routes = [
            web.get(f"{api}/users/@me", self._me),
            web.get(f"{api}/users/@me/guilds", self._guilds),
            web.get(f"{api}/oauth2/applications/@me", self._application),
            web.get(f"{api}/applications/@me", self._application),
            web.get(f"{api}/gateway", self._gateway),
            web.get(f"{api}/gateway/bot", self._gateway),
            web.get(f"{api}/applications/{{app}}/commands", self._commands),
            web.put(f"{api}/applications/{{app}}/commands", self._register),
            web.post(f"{api}/users/@me/channels", self._direct),
            web.get(f"{api}/channels/{{channel}}", self._channel),
            web.get(f"{api}/channels/{{channel}}/messages", self._history),
            web.get(f"{api}/channels/{{channel}}/messages/{{message}}", self._message),
            web.post(f"{api}/channels/{{channel}}/messages", self._send),
            web.patch(f"{api}/channels/{{channel}}/messages/{{message}}", self._edit),
            web.delete(f"{api}/channels/{{channel}}/messages/{{message}}", self._delete),
            web.post(f"{api}/channels/{{channel}}/typing", self._typing),
            web.get(f"{api}/guilds/{{guild}}", self._guild),
            web.get(f"{api}/guilds/{{guild}}/roles", self._roles),
            web.get(f"{api}/guilds/{{guild}}/members/{{user}}", self._member),
        ]

    async def _me(self, request: web.Request) -> web.Response:
        return reply(self._state.bot.shape() | {"verified": True, "mfa_enabled": False, "locale": "en-US"})

    async def _guilds(self, request: web.Request) -> web.Response:
        """resources/user#get-current-user-guilds: 1 to 200 of them, those the bot is in."""
        limit = int(request.query.get("limit", MAX_GUILDS))
        if not 1 <= limit <= MAX_GUILDS:
            raise Refused(400, 50035, "Invalid Form Body")
        mine = [one for one in self._state.guilds.values() if self._state.bot in one.members]
        return reply([{"id": str(one.id), "name": one.name, "owner": False} for one in mine[:limit]])

    async def _application(self, request: web.Request) -> web.Response:
        return reply(self._state.application())

    async def _gateway(self, request: web.Request) -> web.Response:
        """events/gateway#get-gateway-bot."""
        gateway = self._state.gateway
        left = gateway.max_identifies - len(gateway.identifies)
        limit = {"total": gateway.max_identifies, "remaining": left, "reset_after": 86_400_000, "max_concurrency": 1}
        return reply({"url": gateway.url, "shards": 2 if gateway.needs_shards else 1, "session_start_limit": limit})

    async def _commands(self, request: web.Request) -> web.Response:
        return reply(self._state.commands)

    async def _register(self, request: web.Request) -> web.Response:
        """interactions/application-commands#bulk-overwrite-global-application-commands."""
        body: list[Json] = await read_body(request, list)
        if request.match_info["app"] != str(self._state.bot.id):
            raise Refused(403, 20012, "You are not authorized to perform this action on this application")
        check_commands(body)
        known: Json = {"application_id": str(self._state.bot.id), "version": "1", "default_member_permissions": None}
        known |= {"type": 1, "description": "", "dm_permission": True, "nsfw": False}
        self._state.commands = [known | one | {"id": str(self._state.clock.snowflake())} for one in body]
        return reply(self._state.commands)

    async def _direct(self, request: web.Request) -> web.Response:
        """resources/user#create-dm: the same channel each time."""
        body = await read_body(request)
        user = self._state.users.get(int(body.get("recipient_id", 0)))
        if user is None or user is self._state.bot:
            raise Refused(400, 50033, "Invalid Recipient(s)")
        for channel in self._state.channels.values():
            if channel.kind == DIRECT and channel.user is user:
                return reply(channel.shape())
        channel = Channel(self._state.clock.snowflake(), DIRECT, user=user)
        self._state.channels[channel.id] = channel
        return reply(channel.shape())

    async def _channel(self, request: web.Request) -> web.Response:
        return reply(self._at(request, P.VIEW_CHANNEL).shape())

    async def _history(self, request: web.Request) -> web.Response:
        """resources/message#get-channel-messages: newest first; without READ_MESSAGE_HISTORY, none."""
        channel, query = self._at(request, P.VIEW_CHANNEL), request.query
        limit = int(query.get("limit", 50))
        if not 1 <= limit <= MAX_HISTORY:
            raise invalid("limit", f"must be 1 to {MAX_HISTORY}")
        if sum(key in query for key in ("before", "after", "around")) > 1:
            raise invalid("query", "before, after and around are mutually exclusive")
        messages = [one for one in channel.messages.values() if not one.flags & EPHEMERAL]
        if not self._state.allowed(channel, P.READ_MESSAGE_HISTORY):
            messages = []
        if "after" in query:
            messages = [one for one in messages if one.id > int(query["after"])][:limit]
        elif "before" in query:
            messages = [one for one in messages if one.id < int(query["before"])][-limit:]
        return reply([self._shape(one) for one in reversed(messages[-limit:])])

    async def _message(self, request: web.Request) -> web.Response:
        channel = self._at(request, P.VIEW_CHANNEL | P.READ_MESSAGE_HISTORY)
        return reply(self._shape(self._find(channel, request)))

    async def _send(self, request: web.Request) -> web.Response:
        channel, body = self._at(request, P.VIEW_CHANNEL), await read_body(request)
        self._require(channel, P.SEND_MESSAGES_IN_THREADS if channel.kind == THREAD else P.SEND_MESSAGES)
        check_message(body, new=True)
        if body.get("flags", 0) & ~(1 << 2 | 1 << 12 | 1 << 13 | 1 << 15):
            raise invalid("flags", "only SUPPRESS_EMBEDS, SUPPRESS_NOTIFICATIONS, IS_VOICE_MESSAGE, IS_COMPONENTS_V2")
        if body.get("files"):
            self._require(channel, P.ATTACH_FILES)
        if body.get("embeds"):  # the stricter reading of topics/permissions: refused, not dropped
            self._require(channel, P.EMBED_LINKS)
        nonce = body.get("nonce")
        if nonce is not None and body.get("enforce_nonce") and (known := self._state.known_nonce(channel, str(nonce))):
            self._state.record.add(Entry("again", self._state.clock.now(), channel.id, known.id, nonce=str(nonce)))
            return reply(self._shape(known))
        message = Message(self._state.clock.snowflake(), channel, self._state.bot, "", self._state.clock.now())
        fill(message, body)
        message.nonce, message.flags = nonce, body.get("flags", 0)
        self._refer(message, body.get("message_reference"))
        await self._state.create(message, pings=pings(message.content, body.get("allowed_mentions")))
        return reply(self._shape(message))

    async def _edit(self, request: web.Request) -> web.Response:
        channel, body = self._at(request, P.VIEW_CHANNEL), await read_body(request)
        message = self._find(channel, request)
        if message.author is not self._state.bot:
            raise Refused(403, 50005, "Cannot edit a message authored by another user")
        check_message(body, new=False)
        if body.get("embeds"):
            self._require(channel, P.EMBED_LINKS)
        if not self._state.limits.may_edit(message.id, message.at):
            raise Refused(429, 30046, "Maximum number of edits to messages older than 1 hour reached. Try again later")
        fill(message, body)
        ringing = "content" in body and pings(message.content, body.get("allowed_mentions"))
        await self._state.edit(message, pings=bool(ringing))
        return reply(self._shape(message))

    async def _delete(self, request: web.Request) -> web.Response:
        channel = self._at(request, P.VIEW_CHANNEL)
        message = self._find(channel, request)
        if message.author is not self._state.bot:
            self._require(channel, P.MANAGE_MESSAGES)
        await self._state.delete(message)
        return web.Response(status=204)

    async def _typing(self, request: web.Request) -> web.Response:
        channel = self._at(request, P.VIEW_CHANNEL | P.SEND_MESSAGES)
        self._state.record.add(Entry("typing", self._state.clock.now(), channel.id))
        return web.Response(status=204)

    async def _guild(self, request: web.Request) -> web.Response:
        return reply(self._in(request).shape(self._state.bot, whole=False))

    async def _roles(self, request: web.Request) -> web.Response:
        return reply(self._in(request).roles())

    async def _member(self, request: web.Request) -> web.Response:
        guild = self._in(request)
        user = self._state.users.get(_number(request.match_info["user"]))
        if user is None or (user not in guild.members and user is not guild.owner):
            raise Refused(404, 10007, "Unknown Member")
        return reply(guild.member(user))

    def _at(self, request: web.Request, wanted: Permission) -> Channel:
        channel = self._state.channels.get(_number(request.match_info["channel"]))
        if channel is None or (channel.guild and channel.guild.id not in self._state.guilds):
            raise Refused(404, 10003, "Unknown Channel")
        self._require(channel, wanted)
        return channel

    def _require(self, channel: Channel, wanted: Permission) -> None:
        if not self._state.allowed(channel, P.VIEW_CHANNEL):
            raise Refused(403, 50001, "Missing Access")
        if not self._state.allowed(channel, wanted):
            raise Refused(403, 50013, "Missing Permissions")

    def _in(self, request: web.Request) -> Guild:
        guild = self._state.guilds.get(_number(request.match_info["guild"]))
        if guild is None:
            raise Refused(404, 10004, "Unknown Guild")
        return guild

    def _find(self, channel: Channel, request: web.Request) -> Message:
        message = channel.messages.get(_number(request.match_info["message"]))
        if message is None or message.flags & EPHEMERAL:  # only its token reaches an ephemeral message
            raise Refused(404, 10008, "Unknown Message")
        return message

    def _refer(self, message: Message, reference: Json | None) -> None:
        """resources/message#message-reference-structure: with fail_if_not_exists (the default) it must be there."""
        if not reference:
            return
        self._require(message.channel, P.READ_MESSAGE_HISTORY)
        found = message.channel.messages.get(_number(str(reference.get("message_id"))))
        if found is None and reference.get("fail_if_not_exists", True):
            raise invalid("message_reference", "Unknown message")
        message.answers, message.kind = found, REPLY if found else DEFAULT

    def _shape(self, message: Message) -> Json:
        return message.shape(self._state.bot, intent=self._state.intent_allowed)


def fill(message: Message, body: Json) -> None:
    """Put the fields of a request into a message; what is not named stays."""
    if "content" in body:
        message.content = (body["content"] or "").strip()  # Discord trims
        message.mentions = []
    for name in ("components", "embeds"):
        if name in body:
            setattr(message, name, body[name] or [])
    if body.get("files"):
        message.files = body["files"]
        message.attachments = [
            {"id": str(number), "filename": name, "size": len(data), "url": "http://127.0.0.1/", "proxy_url": ""}
            for number, (name, data) in enumerate(body["files"].items())
        ]


async def read_body(request: web.Request, kind: Any = dict) -> Any:
    """The JSON of a request, also that beside files: reference#uploading-files.

    Returns an object with the files by name under `files`, or a list where `kind` is one.
    """
    files: dict[str, bytes] = {}
    if request.content_type == "multipart/form-data":
        form = await request.post()
        text = str(form.get("payload_json", "{}"))
        files = {part.filename: part.file.read() for part in form.values() if isinstance(part, web.FileField)}
    elif request.headers.get("Content-Type") == "application/json":
        text = await request.text()
    else:
        raise Refused(400, 50035, 'Expected "Content-Type" header to be one of {application/json}.')
    try:
        body: Any = json.loads(text)
    except ValueError:
        raise Refused(400, 50109, "The request body contains invalid JSON.") from None
    if not isinstance(body, kind):
        raise invalid("body", f"must be a {kind.__name__}")
    if files:
        body["files"] = files
    return body


def _number(text: str) -> int:
    if not text.isdecimal():
        raise invalid("id", f"Value {text!r} is not snowflake.")
    return int(text)
