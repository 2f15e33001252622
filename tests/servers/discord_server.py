"""A Discord of our own on 127.0.0.1: REST and gateway as a bot's library meets them, strict where Discord is strict.

In a test it is the place where people write, click and leave, with a record of all that a bot did:

    async with DiscordServer() as server:
        minji = server.user("민지")
        chat = server.direct(minji)
        asked = await server.says(minji, chat, "오늘 힘들었어")
        await server.until(lambda: server.record.answered(asked.id))

On its own it waits for a bot: `python -m tests.servers.discord_server --port 8200`.
Every rule it enforces names its place in docs.discord.com/developers, and has a test that shows a wrong client refused.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Self

from aiohttp import web

from tests.servers.discord_checks import Refused
from tests.servers.discord_events import command_event, component_event
from tests.servers.discord_gateway import Gateway
from tests.servers.discord_hooks import OF_AUTOCOMPLETE, OF_COMMAND, OF_COMPONENT, Hooks, Interaction
from tests.servers.discord_limits import Limits, reply
from tests.servers.discord_record import Entry, Record
from tests.servers.discord_rest import AGENT, Rest
from tests.servers.discord_state import State
from tests.servers.discord_world import (
    DEFAULT,
    DIRECT,
    REPLY,
    TEXT,
    THREAD,
    Channel,
    Clock,
    Guild,
    Json,
    Message,
    Permission,
    User,
    mentioned,
)

TOKEN = "a.test.token"
Endpoint = Callable[[web.Request], Awaitable[web.StreamResponse]]


class DiscordServer:
    """`token`: the bot's. `down`: every request is answered with this status, as in an outage."""

    def __init__(self, port: int = 0, token: str = TOKEN) -> None:
        self.state = State()
        self.state.gateway.token = token
        self.hooks = Hooks(self.state)
        self.down: int | None = None
        self.requests: list[str] = []
        self._port = port
        self._news = asyncio.Condition()
        self._waker: set[asyncio.Task[None]] = set()
        self.record.listeners.append(self._wake)
        app = web.Application(middlewares=[self._guard], client_max_size=32 * 1024 * 1024)
        app.add_routes([web.get("/", self.gateway.serve), *Rest(self.state).routes, *self.hooks.routes])
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2, handler_cancellation=True)

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()
        self._port = self._runner.addresses[0][1]
        self.gateway.url = self.gateway_url
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.hooks.close()
        self.gateway.cut()
        await self._runner.cleanup()

    async def left(self) -> None:
        """Returns when nobody is connected, and so all that was asked is answered, if to nobody."""
        async with asyncio.timeout(5):
            while self._runner.server and self._runner.server.connections:
                await asyncio.sleep(0.002)

    @property
    def api_base(self) -> str:
        return f"http://127.0.0.1:{self._port}/api/v10"

    @property
    def gateway_url(self) -> str:
        return f"ws://127.0.0.1:{self._port}/"

    @property
    def record(self) -> Record:
        return self.state.record

    @property
    def gateway(self) -> Gateway:
        return self.state.gateway

    @property
    def limits(self) -> Limits:
        return self.state.limits

    @property
    def clock(self) -> Clock:
        return self.state.clock

    @property
    def bot(self) -> User:
        return self.state.bot

    def switch_intents(self, *, message_content: bool) -> None:
        """The portal's switch; an unverified app has the LIMITED flag: resources/application#application-flags."""
        self.state.flags = self.gateway.flags = 1 << 19 if message_content else 0

    # people and places

    def user(self, name: str, locale: str = "ko") -> User:
        user = User(self.clock.snowflake(), name, locale=locale)
        self.state.users[user.id] = user
        return user

    def direct(self, user: User) -> Channel:
        channel = Channel(self.clock.snowflake(), DIRECT, user=user)
        self.state.channels[channel.id] = channel
        return channel

    def guild(self, name: str, owner: User, *members: User, locale: str = "ko") -> Guild:
        """A server that the bot is in from the beginning."""
        guild = Guild(self.clock.snowflake(), name, owner, locale)
        guild.members = {self.bot: Permission(0), **{user: Permission(0) for user in members}}
        self.state.guilds[guild.id] = guild
        return guild

    def channel(self, guild: Guild, name: str = "잡담", parent: Channel | None = None) -> Channel:
        """A text channel, or a thread of `parent`."""
        kind = THREAD if parent else TEXT
        channel = Channel(self.clock.snowflake(), kind, name, guild, parent)
        guild.channels.append(channel)
        self.state.channels[channel.id] = channel
        return channel

    async def join(self, guild: Guild) -> None:
        """The bot is added to a server while it runs."""
        await self.gateway.dispatch("GUILD_CREATE", lambda _: guild.shape(self.bot), "guilds", guild.id)

    async def leave(self, guild: Guild) -> None:
        """The bot is put out: events/gateway-events#guild-delete, without `unavailable`."""
        self.state.guilds.pop(guild.id)
        await self.gateway.dispatch("GUILD_DELETE", lambda _: {"id": str(guild.id)}, "guilds", guild.id)

    # what people do

    async def says(
        self, user: User, channel: Channel, text: str, *, to: Message | None = None, ping: bool = True, **more: Any
    ) -> Message:
        """Write a message; `to` makes it a reply, `ping` whether that reply mentions its author."""
        message = Message(self.clock.snowflake(), channel, user, text, self.clock.now(), REPLY if to else DEFAULT)
        message.answers = to
        for name, value in more.items():
            setattr(message, name, value)
        named = [*mentioned(text), *([to.author.id] if to and ping else [])]
        message.mentions = [self.state.users[one] for one in dict.fromkeys(named) if one in self.state.users]
        await self.state.create(message)
        return message

    async def rewrites(self, message: Message, text: str) -> None:
        message.content = text
        message.mentions = [self.state.users[one] for one in mentioned(text) if one in self.state.users]
        await self.state.edit(message)

    async def deletes(self, message: Message) -> None:
        await self.state.delete(message)

    async def commands(self, user: User, channel: Channel, name: str, **options: Any) -> Interaction:
        """Use a slash command; it must be registered, and take these options."""
        data = command_event(self.state.commands, name, options)
        return await self._interact(OF_COMMAND, user, channel, name, data)

    async def chooses(self, user: User, name: str, message: Message) -> Interaction:
        """Use an entry of a message's context menu."""
        data = command_event(self.state.commands, name, {}, target=message.shape(self.bot))
        return await self._interact(OF_COMMAND, user, message.channel, name, data)

    async def types(self, user: User, channel: Channel, name: str, option: str, text: str) -> Interaction:
        """Type into an option with autocomplete."""
        data = command_event(self.state.commands, name, {option: text}, focused=option)
        return await self._interact(OF_AUTOCOMPLETE, user, channel, name, data)

    async def clicks(self, user: User, message: Message, custom_id: str, *values: str) -> Interaction:
        """Click a button of a message, or choose in its select; it must be there and not disabled."""
        data = component_event(message, custom_id, values)
        return await self._interact(OF_COMPONENT, user, message.channel, custom_id, data, message)

    async def _interact(
        self, kind: int, user: User, channel: Channel, name: str, data: Json, message: Message | None = None
    ) -> Interaction:
        interaction = Interaction(self.clock.snowflake(), kind, user, channel, name, self.clock.now(), message)
        event: Json = {
            "id": str(interaction.id),
            "application_id": str(self.bot.id),
            "type": kind,
            "token": interaction.token,
            "version": 1,
            "data": data,
            "channel": channel.shape(),
            "channel_id": str(channel.id),
            "locale": user.locale,
            "entitlements": [],
            "attachment_size_limit": 10 * 1024 * 1024,
            "app_permissions": str(int(channel.guild.permissions(self.bot))) if channel.guild else "0",
        }
        if guild := channel.guild:
            member = guild.member(user) | {"permissions": str(int(guild.permissions(user)))}
            named = {"id": str(guild.id), "locale": guild.locale, "features": []}
            event |= {"guild_id": str(guild.id), "guild": named, "guild_locale": guild.locale, "member": member}
            event |= {"context": 0, "authorizing_integration_owners": {"0": str(guild.id)}}
        else:
            event |= {"user": user.shape(), "context": 1, "authorizing_integration_owners": {"0": "0"}}
        if message:
            event["message"] = message.shape(self.bot)
        await self.hooks.begin(interaction, event)
        return interaction

    # waiting

    async def until(self, happened: Callable[..., object], timeout_s: float = 15.0) -> None:
        """Wait until something is true of the record; looked at after each entry."""
        async with self._news:
            await asyncio.wait_for(self._news.wait_for(lambda: bool(happened())), timeout_s)

    async def ready(self, sessions: int = 1, timeout_s: float = 20.0) -> None:
        """Wait until a bot is connected and has registered its commands."""
        async with asyncio.timeout(timeout_s):
            while len(self.gateway.connected()) < sessions or not self.state.commands:
                await asyncio.sleep(0.02)

    def answers_to(self, message: Message) -> list[Message]:
        """The bot's messages that answer a message and are still there."""
        mine = [one for one in message.channel.messages.values() if one.author is self.bot]
        return [one for one in mine if one.answers is message]

    def message(self, identity: int) -> Message:
        return next(c.messages[identity] for c in self.state.channels.values() if identity in c.messages)

    def _wake(self) -> None:
        async def wake() -> None:
            async with self._news:
                self._news.notify_all()

        task = asyncio.get_running_loop().create_task(wake())
        self._waker.add(task)
        task.add_done_callback(self._waker.discard)

    @web.middleware
    async def _guard(self, request: web.Request, handler: Endpoint) -> web.StreamResponse:
        """What every request passes: an outage, a ban, the headers, the limits; and what an error looks like."""
        if request.path == "/":
            return await handler(request)
        resource = request.match_info.route.resource
        route = f"{request.method} {(resource.canonical if resource else request.path).removeprefix('/api/v10')}"
        self.requests.append(route)
        self._wake()
        if self.down:
            return web.Response(status=self.down, text="upstream connect error")
        if banned := self.limits.banned():
            return banned
        headers: dict[str, str] = {}
        try:
            self._check_headers(request)
            found = request.match_info
            hook = route.split("/")[1] in ("interactions", "webhooks")
            major = found.get("token") or found.get("channel") or found.get("guild") or ""
            limited, headers = self.limits.check(route, major, hook=hook)
            if limited:
                self.record.add(Entry("limited", self.clock.now(), why=route))
                self.limits.count(429, limited.headers.get("X-RateLimit-Scope", ""))
                return limited
            response = await handler(request)
            response.headers.update(headers)
        except Refused as refused:
            response = self._refusal(refused, route, headers)
        except web.HTTPNotFound:
            response = self._refusal(Refused(404, 0, "404: Not Found"), route, headers)
        return response

    def _refusal(self, refused: Refused, route: str, headers: dict[str, str]) -> web.Response:
        self.record.add(Entry("refused", self.clock.now(), why=f"{route}: {refused.status} {refused.message}"))
        self.limits.count(refused.status, "user")
        body: Json = {"message": refused.message, "code": refused.code}
        if refused.status == 429:
            body |= {"retry_after": 3_600.0, "global": False}
            headers = headers | {"Retry-After": "3600", "X-RateLimit-Scope": "user", "Via": "1.1 google"}
        return reply(body, refused.status, headers)

    def _check_headers(self, request: web.Request) -> None:
        """reference#user-agent and #authentication. Interaction endpoints are opened by their token alone, and there
        discord.py does not say its name, which Discord takes."""
        if request.path.startswith(("/api/v10/interactions/", "/api/v10/webhooks/")):
            return
        if not AGENT.match(request.headers.get("User-Agent", "")):
            raise Refused(403, 40333, "internal network error")
        if request.headers.get("Authorization") != f"Bot {self.gateway.token}":
            raise Refused(401, 0, "401: Unauthorized")


async def _serve(port: int) -> None:
    async with DiscordServer(port) as server:
        print(f"api_base {server.api_base}, gateway {server.gateway_url}, token {TOKEN}", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="A Discord of our own.")
    parser.add_argument("--port", type=int, default=8200)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(parser.parse_args().port))
