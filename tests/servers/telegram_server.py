"""A local server that speaks Telegram's Bot API over HTTP, as strict as the platform, and the people who use it.

    async with TelegramServer() as server:          # the bot: base_url = server.base_url, its token = server.token
        minji = server.world.person("민지")
        server.says(minji, "오늘 좀 지쳤어")
        answer = await server.answer(server.world.private(minji))
        click = server.clicks(minji, answer, "🔁")

`log` keeps every call with its outcome, apart from anything the bot keeps itself: losses and doubles are counted there.
The rules and their sources stand in telegram_rules.py, telegram_flood.py, telegram_world.py and telegram_methods.py.
"""

from __future__ import annotations

import asyncio
import inspect
import random
import time
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self, TypeVar

from aiohttp import web
from aiohttp.web_request import FileField

from tests.servers.telegram_flood import Flood
from tests.servers.telegram_methods import Arguments, Click, Methods, Upload
from tests.servers.telegram_rules import ApiError
from tests.servers.telegram_updates import Updates
from tests.servers.telegram_world import Human, Post, Room, World

T = TypeVar("T")
TOKEN = "7000000001:AAlocal-server-token-0000000000000"
BOT: dict[str, Any] = {
    "id": 7000000001,
    "is_bot": True,
    "first_name": "마음",
    "username": "maum_test_bot",
    "can_join_groups": True,
    "supports_inline_queries": False,
    "can_connect_to_business": False,
    "has_main_web_app": False,
}


@dataclass
class Call:
    """One request of the bot. `error` is None when it was granted."""

    method: str
    asked: dict[str, Any]
    at: float = field(default_factory=time.monotonic)
    error: ApiError | None = None
    result: Any = None


@dataclass(frozen=True)
class Lost:
    """A fault of the line: the request is done (or not even that), and the answer never arrives."""

    done: bool = True


#: the Bot API's own methods by lower-case name
METHODS: dict[str, Callable[[Methods, Arguments], Any]] = {
    name.replace("_", ""): method
    for name, method in vars(Methods).items()
    if not name.startswith("_") and inspect.isfunction(method)
}
Fault = ApiError | Lost | float  # a number: seconds until the answer


class TelegramServer:
    """`privacy`: the bot's privacy mode. `random_429`: the share of messages and edits that are told to wait.
    `pace`: how many times faster than published its limits run. `down`: every request is answered with this status,
    as in an outage; 0: not at all.
    """

    def __init__(
        self, *, privacy: bool = True, flood: bool = True, random_429: float = 0.0, pace: float = 1.0, port: int = 0
    ) -> None:
        self.token = TOKEN
        self.privacy = privacy
        self.world = World(BOT | {"can_read_all_group_messages": not privacy})
        self.flood = Flood(on=flood, clock=lambda: time.monotonic() * pace)
        self.methods = Methods(self.world, self.flood)
        self.updates = Updates()
        self.log: list[Call] = []
        self.faults: defaultdict[str, deque[Fault]] = defaultdict(deque)
        self.down: int | None = None
        self._random_429 = random_429
        self._dice = random.Random(1)
        self._port = port
        self._news = asyncio.Condition()
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.add_routes([web.route("*", "/bot{token}/{method}", self._serve)])
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.2, access_log=None)

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.updates.close()
        await self._runner.cleanup()

    async def left(self) -> None:
        """Returns when nobody is connected, and so all that was asked is answered, if to nobody."""
        async with asyncio.timeout(5):
            while self._runner.server and self._runner.server.connections:
                await asyncio.sleep(0.002)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._port}/bot"

    def says(self, who: Human, text: str, room: Room | None = None, **more: Any) -> Post:
        """A person writes; `more`: reply_to and thread (ids)."""
        return self.sends(who, {"text": text}, room, **more)

    def sends(self, who: Human, content: dict[str, Any], room: Room | None = None, **more: Any) -> Post:
        """A person sends anything: {"sticker": {…}}, {"photo": […], "caption": …}."""
        post = self.world.post(room or self.world.private(who), who, content, **more)
        if self.world.reaches_bot(post, privacy=self.privacy):
            self.updates.push("message", self.world.json(post))
        return post

    def edits(self, post: Post, text: str) -> None:
        """A person edits what they wrote."""
        post.content, post.edits = {"text": text}, post.edits + 1
        if self.world.reaches_bot(post, privacy=self.privacy):
            self.updates.push("edited_message", self.world.json(post))

    def clicks(self, who: Human, post: Post, button: str) -> Click:
        """A person presses the button whose label, or whose data, contains `button`."""
        found = [b for b in post.buttons if button in b["text"]] or [
            b for b in post.buttons if button in b.get("callback_data", "")
        ]
        assert found, f"no button {button!r} among {[b['text'] for b in post.buttons]}"
        return self.presses(who, post, found[0]["callback_data"])

    def presses(self, who: Human, post: Post, data: str) -> Click:
        """A callback query with any data, also of a button that is not there any more."""
        click = Click(f"click-{len(self.methods.clicks) + 1}", self.world.now())
        self.methods.clicks[click.id] = click
        query = {"id": click.id, "from": who.json(), "chat_instance": "1", "data": data}
        self.updates.push("callback_query", query | {"message": self.world.json(post)})
        return click

    def bot_becomes(self, room: Room, status: Any, by: Human) -> None:
        """Somebody adds the bot, removes it ("kicked"), or makes it an administrator (API my_chat_member)."""
        old = self.world.member(room, BOT["id"])
        room.bot = status
        change = {"chat": room.json(), "from": by.json(), "date": int(self.world.now()), "old_chat_member": old}
        self.updates.push("my_chat_member", change | {"new_chat_member": self.world.member(room, BOT["id"])})

    async def until(self, condition: Callable[[], T], timeout_s: float = 60.0) -> T:
        """Wait until something is true of the world, looked at after each call; returns what it is."""
        async with self._news:
            await asyncio.wait_for(self._news.wait_for(condition), timeout_s)
        return condition()

    async def answer(self, room: Room, count: int = 1, timeout_s: float = 60.0) -> Post:
        """Wait for the `count`-th finished answer of the bot in a chat: one that can be asked for again."""

        def finished() -> list[Post]:
            return [p for p in self.world.shown(room) if any("again:" in b["callback_data"] for b in p.buttons)]

        await self.until(lambda: len(finished()) >= count, timeout_s)
        return finished()[count - 1]

    def calls(self, method: str) -> list[Call]:
        return [call for call in self.log if call.method.lower() == method.lower()]

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        call = Call(method, await _arguments(request))
        if method.lower() != "getupdates":
            self.log.append(call)
        if self.down is not None:
            return _out_of_order(request, call, self.down)
        try:
            if request.match_info["token"] != self.token:
                raise ApiError(401, "Unauthorized")
            call.result = await self._granted(request, call)
        except ApiError as error:
            call.error = error
        async with self._news:
            self._news.notify_all()
        return _response(call)

    async def _granted(self, request: web.Request, call: Call) -> Any:
        """The call's result, disturbed by the next fault of the method's script."""
        fault = self._fault(call)
        if isinstance(fault, ApiError):
            raise fault
        if isinstance(fault, float):
            await asyncio.sleep(fault)
        if fault == Lost(done=False):
            _cut(request)
        result = await self._do(call)
        if fault == Lost(done=True):
            _cut(request)
        return result

    def _fault(self, call: Call) -> Fault | None:
        name = call.method.lower()
        fault = self.faults[name].popleft() if self.faults[name] else None
        speaks = name in ("sendmessage", "editmessagetext", "editmessagereplymarkup")
        if fault is None and speaks and self._dice.random() < self._random_429:
            fault = ApiError(429, "by chance", retry_after=self._dice.randint(1, 4))
        if isinstance(fault, ApiError) and fault.code == 429:  # the whole chat has to wait, whatever comes next
            self.flood.ban(int(call.asked["chat_id"]), fault.parameters["retry_after"])
        return fault

    async def _do(self, call: Call) -> Any:
        name = call.method.lower()  # API: all methods are case-insensitive
        match name:
            case "getupdates":
                return await self.updates.get(call.asked)
            case "setwebhook":
                return self.updates.set_webhook(call.asked)
            case "deletewebhook":
                return self.updates.set_webhook({})
            case "getwebhookinfo":
                return self.updates.webhook_info()
        if name not in METHODS:
            raise ApiError(404, "Not Found: method not found")
        return METHODS[name](self.methods, call.asked)


def _out_of_order(request: web.Request, call: Call, status: int) -> web.Response:
    """What stands before the Bot API answers in a page, not in JSON."""
    call.error = ApiError(status, "out of order")
    if not status and request.transport:
        request.transport.abort()
    return web.Response(status=status or 502, text="<html><h1>out of order</h1></html>", content_type="text/html")


def _cut(request: web.Request) -> None:
    if request.transport:
        request.transport.abort()
    raise ApiError(500, "the line was cut")


async def _arguments(request: web.Request) -> dict[str, Any]:
    """API, making requests: URL query, form, multipart or JSON."""
    asked: dict[str, Any] = dict(request.query)
    if request.content_type == "application/json":
        asked |= await request.json()
        return asked
    for name, value in (await request.post()).items():
        asked[name] = Upload(value.filename, value.file.read()) if isinstance(value, FileField) else value
    for name, value in list(asked.items()):
        if isinstance(value, str) and value.startswith("attach://"):  # API, sending files
            asked[name] = asked.get(value.removeprefix("attach://"))
    return asked


def _response(call: Call) -> web.Response:
    if call.error is None:
        return web.json_response({"ok": True, "result": call.result})
    body: dict[str, Any] = {"ok": False, "error_code": call.error.code, "description": call.error.description}
    if call.error.parameters:
        body["parameters"] = call.error.parameters
    return web.json_response(body, status=call.error.code)
