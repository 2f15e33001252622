"""The gateway of the local Discord: hello, identify, resume, heartbeats, and events by intent and shard.

events/gateway, events/gateway-events and topics/opcodes-and-status-codes#gateway.
"""

from __future__ import annotations

import asyncio
import json
import zlib
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from aiohttp import WSCloseCode, WSMsgType, web

from tests.servers.discord_record import Entry, Record
from tests.servers.discord_world import CONTENT_ENABLED, Clock, Json

DISPATCH, HEARTBEAT, IDENTIFY, PRESENCE, VOICE, RESUME, RECONNECT, MEMBERS, INVALID, HELLO, ACK = (
    *range(5),
    *range(6, 12),
)
GUILDS, GUILD_MESSAGES, DIRECT_MESSAGES, MESSAGE_CONTENT = 1 << 0, 1 << 9, 1 << 12, 1 << 15
PRIVILEGED = 1 << 1 | 1 << 8 | MESSAGE_CONTENT  # events/gateway#privileged-intents
ALL_INTENTS = (1 << 17) - 1 | 1 << 20 | 1 << 21 | 1 << 24 | 1 << 25
MAX_PAYLOAD = 4_096  # events/gateway#sending-events
MAX_SENDS, SENDS_WINDOW_S = 120, 60.0  # events/gateway#rate-limiting
MAX_IDENTIFIES, DAY_S = 1_000, 86_400.0  # events/gateway#identifying
SPACING_S = 5.0  # events/gateway#rate-limiting: max_concurrency identifies per 5 seconds
RESUMABLE_S = 120.0  # “timeout after a few minutes”: events/gateway#initiating-a-disconnect
UNKNOWN, OPCODE, DECODE, NOT_IN, BAD_TOKEN, ALREADY, _, BAD_SEQ, TOO_FAST, TIMED_OUT, BAD_SHARD = range(4000, 4011)
NEEDS_SHARDS, _VERSION, BAD_INTENTS, NOT_ALLOWED = range(4011, 4015)

Scope = Literal["guilds", "messages", "interactions"]


@dataclass(eq=False)
class Session:
    """What an app has identified for. Events are numbered and kept, so that a resume can replay them."""

    id: str
    intents: int
    shard: tuple[int, int]
    link: Link | None = None
    sent: list[Json] = field(default_factory=list)
    ended_at: float | None = None

    def wants(self, scope: Scope, guild: int | None) -> bool:
        if scope == "messages" and not self.intents & (GUILD_MESSAGES if guild else DIRECT_MESSAGES):
            return False
        if scope == "guilds" and not self.intents & GUILDS:
            return False
        own = (guild >> 22) % self.shard[1] if guild else 0  # events/gateway#sharding-sharding-formula
        return own == self.shard[0]

    async def dispatch(self, name: str, data: Any) -> None:
        self.sent.append({"op": DISPATCH, "t": name, "s": len(self.sent) + 1, "d": data})
        if self.link:
            await self.link.send(self.sent[-1])


class Link:
    """One websocket connection."""

    def __init__(self, socket: web.WebSocketResponse, request: web.Request) -> None:
        self.socket = socket
        self._transport = request.transport
        self.session: Session | None = None
        self.heard_at = 0.0
        self.sends: list[float] = []
        self._deflate = zlib.compressobj() if request.query.get("compress") == "zlib-stream" else None

    async def send(self, payload: Json) -> None:
        if self.socket.closed:
            return
        text = json.dumps(payload)
        try:
            if self._deflate:  # events/gateway#zlib-stream
                packed = self._deflate.compress(text.encode())
                await self.socket.send_bytes(packed + self._deflate.flush(zlib.Z_SYNC_FLUSH))
            else:
                await self.socket.send_str(text)
        except ConnectionError:
            self.cut()

    async def close(self, code: int) -> None:
        await self.socket.close(code=code)

    def cut(self) -> None:
        """Drop the connection without a word, as a broken line does."""
        if self.session:
            self.session.link = None
        if self._transport:
            self._transport.abort()


class Closed(Exception):
    """The connection is to be closed with a code."""

    def __init__(self, code: int, why: str) -> None:
        super().__init__(why)
        self.code, self.why = code, why


class Gateway:
    """`heartbeat_s`, `spacing_s`, `max_identifies`: as Discord's, unless a test is in a hurry. `acks` off: heartbeats
    are heard and not answered. `closed`: nobody can connect. `welcome`: what READY and the events after it say."""

    def __init__(self, clock: Clock, record: Record, welcome: Callable[[Session], tuple[Json, list[Json]]]) -> None:
        self.clock, self.record = clock, record
        self.token = ""
        self.flags = 0
        self.heartbeat_s = 41.25
        self.spacing_s = SPACING_S
        self.max_identifies = MAX_IDENTIFIES
        self.needs_shards = False
        self.acks = True
        self.closed = False
        self.url = ""
        self.sessions: list[Session] = []
        self.links: set[Link] = set()
        self.identifies: list[float] = []
        self._welcome = welcome
        self._last: defaultdict[int, float] = defaultdict(float)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        if self.closed:
            return web.Response(status=503)
        socket = web.WebSocketResponse(max_msg_size=0)
        await socket.prepare(request)
        if request.query.get("v") != "10" or request.query.get("encoding") != "json":
            await socket.close(code=4012)
            return socket
        link = Link(socket, request)
        link.heard_at = self.clock.now()
        self.links.add(link)
        watch = asyncio.create_task(self._watch(link))
        try:
            await link.send({"op": HELLO, "d": {"heartbeat_interval": int(self.heartbeat_s * 1000)}})
            await self._listen(link)
        finally:
            watch.cancel()
            self.links.discard(link)
            self._leave(link)
        return socket

    async def dispatch(self, name: str, data: Callable[[Session], Any], scope: Scope, guild: int | None) -> None:
        """Tell every session that is to hear it."""
        for session in self.live():
            if session.wants(scope, guild):
                await session.dispatch(name, data(session))

    async def broadcast(self, name: str, data: Any) -> None:
        """Tell every session anything at all, sense or nonsense."""
        for session in self.live():
            await session.dispatch(name, data)

    def live(self) -> list[Session]:
        """Sessions that are connected, or still may resume."""
        now = self.clock.now()
        return [s for s in self.sessions if s.ended_at is None or now - s.ended_at < RESUMABLE_S]

    def connected(self) -> list[Session]:
        return [session for session in self.sessions if session.link]

    async def ask_to_reconnect(self) -> None:
        for link in list(self.links):
            await link.send({"op": RECONNECT, "d": None})

    async def invalidate(self, *, resumable: bool = False) -> None:
        for link in list(self.links):
            if not resumable and link.session:
                self._forget(link.session)
            await link.send({"op": INVALID, "d": resumable})

    def cut(self) -> None:
        for link in list(self.links):
            link.cut()

    async def _listen(self, link: Link) -> None:
        async for message in link.socket:
            try:
                if message.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
                    break
                await self._hear(link, message.data)
            except Closed as closed:
                self.record.add(Entry("refused", self.clock.now(), why=f"gateway {closed.code}: {closed.why}"))
                await link.close(closed.code)
                return

    async def _hear(self, link: Link, data: str | bytes) -> None:
        if len(data if isinstance(data, bytes) else data.encode()) > MAX_PAYLOAD:
            raise Closed(DECODE, f"a payload may have {MAX_PAYLOAD} bytes")
        now = self.clock.now()
        link.sends = [at for at in link.sends if at > now - SENDS_WINDOW_S] + [now]
        if len(link.sends) > MAX_SENDS:
            raise Closed(TOO_FAST, f"{MAX_SENDS} payloads per minute and connection")
        try:
            payload = json.loads(data)
            op, body = payload["op"], payload.get("d")
        except (ValueError, KeyError, TypeError):
            raise Closed(DECODE, "no valid payload") from None
        match op:
            case _ if op == HEARTBEAT:
                link.heard_at = now
                if self.acks:
                    await link.send({"op": ACK})
            case _ if op == IDENTIFY:
                await self._identify(link, body)
            case _ if op == RESUME:
                await self._resume(link, body)
            case _ if op in (PRESENCE, VOICE, MEMBERS):
                if link.session is None:
                    raise Closed(NOT_IN, "not identified")
            case _:
                raise Closed(OPCODE, f"unknown opcode {op!r}")

    async def _identify(self, link: Link, body: Json) -> None:
        now = self.clock.now()
        if link.session:
            raise Closed(ALREADY, "already identified")
        self.record.add(Entry("identify", now))
        self.identifies = [at for at in self.identifies if at > now - DAY_S] + [now]
        if len(self.identifies) > self.max_identifies:
            self.token = f"reset {now}"  # all sessions end, and the owner must make a new token
            self.cut()
        self._check_identify(body)
        shard = body.get("shard") or [0, 1]
        if now - self._last[0] < self.spacing_s:  # max_concurrency is 1: every shard has the rate limit key 0
            self.record.add(Entry("refused", now, why="identified again within 5 seconds"))
            await link.send({"op": INVALID, "d": False})
            return
        self._last[0] = now
        session = Session(f"s{len(self.sessions)}", body["intents"], (shard[0], shard[1]), link)
        link.session = session
        self.sessions.append(session)
        ready, events = self._welcome(session)
        more = {"session_id": session.id, "resume_gateway_url": self.url, "shard": list(shard)}
        await session.dispatch("READY", ready | more)
        for event in events:
            await session.dispatch("GUILD_CREATE", event)

    def _check_identify(self, body: Json) -> None:
        if not isinstance(body, dict) or body.get("token") != self.token:
            raise Closed(BAD_TOKEN, "the token is wrong")
        properties = body.get("properties")
        if not isinstance(properties, dict) or not {"os", "browser", "device"} <= set(properties):
            raise Closed(DECODE, "identify needs properties os, browser, device")
        intents = body.get("intents")
        if not isinstance(intents, int) or intents & ~ALL_INTENTS:
            raise Closed(BAD_INTENTS, "invalid intents")
        allowed = MESSAGE_CONTENT if self.flags & CONTENT_ENABLED else 0
        if intents & PRIVILEGED & ~allowed:
            raise Closed(NOT_ALLOWED, "a privileged intent that is not enabled in the portal")
        shard = body.get("shard")
        if shard is None and self.needs_shards:
            raise Closed(NEEDS_SHARDS, "more than 2500 servers need shards")
        if shard is not None and not (len(shard) == 2 and 0 <= shard[0] < shard[1]):
            raise Closed(BAD_SHARD, "no such shard")

    async def _resume(self, link: Link, body: Json) -> None:
        """events/gateway#resuming: what was missed, in order, then RESUMED; else op 9."""
        self.record.add(Entry("resume", self.clock.now()))
        if body.get("token") != self.token:
            raise Closed(BAD_TOKEN, "the token is wrong")
        found = [session for session in self.live() if session.id == body.get("session_id")]
        if not found:
            await link.send({"op": INVALID, "d": False})
            return
        session, seq = found[0], body.get("seq")
        if not isinstance(seq, int) or seq > len(session.sent):
            raise Closed(BAD_SEQ, "no such sequence number")
        if session.link:
            session.link.session = None
        session.link, session.ended_at, link.session = link, None, session
        for payload in session.sent[seq:]:
            await link.send(payload)
        await session.dispatch("RESUMED", {"_trace": []})

    async def _watch(self, link: Link) -> None:
        """Who misses a heartbeat is put out: events/gateway#sending-heartbeats (with some tolerance)."""
        while True:
            await asyncio.sleep(self.heartbeat_s / 4)
            if self.clock.now() - link.heard_at > self.heartbeat_s * 1.75:
                self.record.add(Entry("refused", self.clock.now(), why="missed a heartbeat"))
                await link.close(UNKNOWN)
                return

    def _leave(self, link: Link) -> None:
        session = link.session
        if session is None or session.link is not link:
            return
        session.link, session.ended_at = None, self.clock.now()
        if link.socket.close_code in (WSCloseCode.OK, WSCloseCode.GOING_AWAY):  # #initiating-a-disconnect
            self._forget(session)

    def _forget(self, session: Session) -> None:
        session.ended_at = float("-inf")
