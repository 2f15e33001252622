"""Updates come in: by long poll or by webhook. One is confirmed to Telegram only when what it asks for is on disk.

Whatever is wrong with one update never stops the others. One that fails again and again while others succeed is given
up, with a line in the log; while none succeeds (the disk is full, the database away) nothing is confirmed, and Telegram
keeps all of them for a day.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
import socket
from collections import OrderedDict, defaultdict
from collections.abc import Awaitable, Callable, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from bot.errors import OperatorError
from plugins.platforms.telegram.faults import LineError
from plugins.platforms.telegram.updates import chat_of

if TYPE_CHECKING:
    from plugins.platforms.telegram.line import Line

log = logging.getLogger("maum.telegram")
POLL_S = 50  # the longest that Telegram holds a poll
PAUSES_S = (1.0, 2.0, 5.0, 10.0, 30.0)
TRIES = 5
REMEMBERED = 2_000
MAX_BODY = 4 * 1024 * 1024  # an answer of getUpdates is at most this long


class Intake:
    """`handle` deals with one update and raises when it could not."""

    def __init__(self, handle: Callable[[Any], Awaitable[None]]) -> None:
        self._handle = handle
        self._done: OrderedDict[int, None] = OrderedDict()
        self._failed: dict[int, tuple[int, int]] = {}  # update → tries, and how much had succeeded at the first
        self._successes = 0

    async def take(self, update: Any) -> bool:
        """True when the update is dealt with, or given up; False when it should come again."""
        number = number_of(update)
        if number and number in self._done:
            return True
        try:
            await self._handle(update)
            self._successes += 1
        except Exception as error:
            if not self._give_up(number):
                log.warning("update %d was not taken (%s); it comes again", number, type(error).__name__)
                return False
            log.error("update %d was given up after %d tries (%s)", number, TRIES, type(error).__name__)
        self._failed.pop(number, None)
        self._done[number] = None
        if len(self._done) > REMEMBERED:
            self._done.popitem(last=False)
        return True

    def _give_up(self, number: int) -> bool:
        tries, successes = self._failed.get(number, (0, self._successes))
        self._failed[number] = tries + 1, successes
        return tries + 1 >= TRIES and self._successes > successes


class Polling:
    """Our own loop over getUpdates. `trouble`: why nothing comes in at the moment. `reached`: told of its end."""

    def __init__(
        self,
        line: Line,
        intake: Intake,
        pauses_s: Sequence[float] = PAUSES_S,
        reached: Callable[[], None] = lambda: None,
    ) -> None:
        self._line = line
        self._intake = intake
        self._pauses_s = pauses_s
        self._reached = reached
        self._offset = 0
        self._confirmed = 0
        self._failures = 0
        self.trouble = ""

    async def run(self) -> None:
        """Poll until cancelled; what was taken until then is confirmed.

        Raises:
            OperatorError: the token is refused.
        """
        try:
            while True:
                await self._poll()
        finally:
            if self._offset > self._confirmed:
                await self._confirm()

    async def _poll(self) -> None:
        try:
            # after a failure the answer comes at once: whether we are heard again is not to be known a minute later
            updates = await self._line.updates(self._offset, 0 if self._failures else POLL_S)
        except LineError as error:
            await self._wait(str(error))
            return
        self._confirmed = self._offset
        if self._failures:
            self._reached()
        if await self._take(updates):
            self._failures, self.trouble = 0, ""
        else:
            await self._wait("an update was not taken")

    async def _take(self, updates: Sequence[Any]) -> bool:
        """Deal with updates, to their end also when we are being stopped; True when all are dealt with.

        Chats go side by side, so that many share one commit; within a chat all is done in order. The next poll
        confirms them up to the first that has to come again; those after it are recognised then.
        """
        taken = [False] * len(updates)
        lanes: defaultdict[object, list[int]] = defaultdict(list)
        for place, update in enumerate(updates):
            lanes[chat_of(update) or -place].append(place)

        async def work(lane: list[int]) -> None:
            for place in lane:
                taken[place] = await self._intake.take(updates[place])

        working = asyncio.gather(*map(work, lanes.values()))
        try:
            await asyncio.shield(working)
        finally:
            await working
            for update in islice(updates, taken.index(False) if False in taken else None):
                self._offset = max(self._offset, number_of(update) + 1)
        return all(taken)

    async def _wait(self, why: str) -> None:
        pause_s = self._pauses_s[min(self._failures, len(self._pauses_s) - 1)]
        self._failures += 1
        self.trouble = why
        log.warning("asking Telegram again in %.0f s: %s", pause_s, why)
        await asyncio.sleep(pause_s)

    async def _confirm(self) -> None:
        try:
            await asyncio.wait_for(self._line.updates(self._offset, 0), 3)
        except (LineError, OperatorError, TimeoutError) as error:
            log.info(
                "what was taken last is not confirmed (%s); it comes again and is recognised", type(error).__name__
            )


class Webhook:
    """A small HTTP server that Telegram, or a proxy before it, sends updates to. Only who knows `secret` is heard."""

    def __init__(self, intake: Intake, secret: str, host: str, port: int) -> None:
        self._intake = intake
        self._secret = secret
        self._host = host
        self._port = port

    async def run(self, ready: Callable[[], Awaitable[None]]) -> None:
        """Serve until cancelled; `ready` is called when we listen.

        Raises:
            OperatorError: the address is taken.
        """
        from tornado.httpserver import HTTPServer

        server = HTTPServer(self._application(), max_buffer_size=MAX_BODY)
        try:
            listener = socket.create_server((self._host, self._port))
        except OSError as error:
            raise OperatorError(
                f"cannot listen on {self._host}:{self._port} for Telegram ({error.strerror}): "
                "stop what uses it, or set platforms.telegram.webhook_port to another port"
            ) from None
        listener.setblocking(False)
        server.add_socket(listener)
        try:
            await ready()
            await asyncio.Event().wait()
        finally:
            server.stop()
            await server.close_all_connections()

    def _application(self) -> Any:
        from tornado.web import Application, RequestHandler

        intake, secret = self._intake, self._secret

        class Hook(RequestHandler):
            async def post(self) -> None:
                given = self.request.headers.get("X-Telegram-Bot-Api-Secret-Token", "")
                if not hmac.compare_digest(given.encode(), secret.encode()):
                    self.set_status(403)
                    return
                try:
                    update = json.loads(self.request.body)
                except ValueError:
                    return  # 200: nothing that could get better by coming again
                if not await intake.take(update):
                    self.set_status(503)

        return Application([("/telegram", Hook)], log_function=lambda handler: None)


def number_of(update: Any) -> int:
    number = update.get("update_id") if isinstance(update, dict) else None
    return number if isinstance(number, int) else 0
