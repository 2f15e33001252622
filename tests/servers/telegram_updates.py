"""How updates reach a bot: a queue that forgets what was confirmed, read by long polls or sent to a webhook."""

from __future__ import annotations

import asyncio
import ipaddress
import json
from collections import deque
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from aiohttp import ClientError, ClientSession, ClientTimeout

from tests.servers.telegram_rules import ApiError, checked_secret

LONG_POLL_MAX_S = 50  # BOTAPI LONG_POLL_MAX_TIMEOUT
RETRY_S = 0.2  # API setWebhook: an unsuccessful request is repeated; the intervals are not published
#: API getUpdates.allowed_updates: by default everything but these
NOT_BY_DEFAULT = frozenset({"chat_member", "message_reaction", "message_reaction_count"})
IN_USE = "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"
OTHER_POLL = "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"


class Updates:
    """`hooked`: the status codes that the webhook answered with. `delivered`: how often each update went out."""

    def __init__(self) -> None:
        self.hooked: list[int] = []
        self.delivered: dict[int, int] = {}
        self.confirmed = 0  # the highest update id that will not come again
        self._queue: deque[dict[str, Any]] = deque()
        self._next = 100_001
        self._allowed: frozenset[str] | None = None
        self._poll: asyncio.Future[None] | None = None
        self._hook: asyncio.Task[None] | None = None
        self._hook_url = ""
        self._news = asyncio.Event()

    def push(self, kind: str, content: Any) -> int:
        """Something happened; returns the update's id, 0 when the bot does not want this kind."""
        wanted = kind not in NOT_BY_DEFAULT if self._allowed is None else kind in self._allowed
        if not wanted:
            return 0
        return self.push_raw({kind: content})

    def push_raw(self, update: dict[str, Any]) -> int:
        """Any update at all, as it stands; only its id is ours (API Update: ids increase one by one)."""
        number, self._next = self._next, self._next + 1
        self._queue.append({"update_id": number} | update)
        self._news.set()
        if self._poll and not self._poll.done():
            self._poll.set_result(None)
        return number

    @property
    def pending(self) -> int:
        return len(self._queue)

    async def get(self, asked: Mapping[str, Any]) -> list[dict[str, Any]]:
        """API getUpdates: an offset confirms everything before it; what is not confirmed comes again.

        Raises:
            ApiError: 409 while a webhook is set, or to the poll that was waiting when another one came.
        """
        if self._hook_url:
            raise ApiError(409, IN_USE)
        self._allow(asked)
        self._confirm(int(asked.get("offset") or 0))
        limit = min(max(int(asked.get("limit") or 100), 1), 100)
        timeout = min(max(int(asked.get("timeout") or 0), 0), LONG_POLL_MAX_S)
        if not self._queue and timeout:  # only a poll that waits ends the one before (BOTAPI do_get_updates)
            await self._wait(timeout)
        found = list(self._queue)[:limit]
        for update in found:
            self.delivered[update["update_id"]] = self.delivered.get(update["update_id"], 0) + 1
        return found

    def set_webhook(self, asked: Mapping[str, Any]) -> bool:
        """API setWebhook and deleteWebhook: https, or http to this machine (API, using a local Bot API server).

        Raises:
            ApiError: neither, or a secret token of other characters than A-Z, a-z, 0-9, _ and -.
        """
        url = str(asked.get("url", ""))
        if url and not _is_good(url):
            raise ApiError(400, "Bad Request: bad webhook: An HTTPS URL must be provided for webhook")
        secret = checked_secret(str(asked.get("secret_token", "")))
        self._allow(asked)
        if str(asked.get("drop_pending_updates", "")).lower() == "true":
            self._queue.clear()
        if self._hook:
            self._hook.cancel()
        self._end_poll("Conflict: terminated by setWebhook request")
        self._hook_url = url
        self._hook = asyncio.create_task(self._send_all(url, secret)) if url else None
        return True

    def webhook_info(self) -> dict[str, Any]:
        return {
            "url": self._hook_url,
            "has_custom_certificate": False,
            "pending_update_count": len(self._queue),
        }

    async def close(self) -> None:
        if self._hook:
            self._hook.cancel()
            await asyncio.gather(self._hook, return_exceptions=True)

    def _allow(self, asked: Mapping[str, Any]) -> None:
        if allowed := json.loads(str(asked.get("allowed_updates") or "null")):
            self._allowed = frozenset(allowed)

    def _confirm(self, offset: int) -> None:
        if offset < 0:  # API getUpdates.offset: from the end of the queue; all before is forgotten
            offset = self._queue[offset]["update_id"] if len(self._queue) >= -offset else 0
        while self._queue and self._queue[0]["update_id"] < offset:
            self.confirmed = int(self._queue.popleft()["update_id"])

    async def _wait(self, timeout_s: float) -> None:
        self._end_poll(OTHER_POLL)
        poll = self._poll = asyncio.get_running_loop().create_future()
        try:
            await asyncio.wait_for(asyncio.shield(poll), timeout_s)
        except TimeoutError:
            pass
        finally:
            if self._poll is poll:
                self._poll = None
            poll.cancel()

    def _end_poll(self, reason: str) -> None:
        if self._poll and not self._poll.done():
            self._poll.set_exception(ApiError(409, reason))

    async def _send_all(self, url: str, secret: str) -> None:
        """One update after the other, each until the bot says 2xx (API setWebhook)."""
        headers = {"X-Telegram-Bot-Api-Secret-Token": secret} if secret else {}
        async with ClientSession(headers=headers, timeout=ClientTimeout(10)) as session:
            while True:
                while not self._queue:
                    self._news.clear()
                    await self._news.wait()
                if await self._send(session, url, self._queue[0]):
                    self.confirmed = int(self._queue.popleft()["update_id"])
                else:
                    await asyncio.sleep(RETRY_S)

    async def _send(self, session: ClientSession, url: str, update: dict[str, Any]) -> bool:
        number = int(update["update_id"])
        self.delivered[number] = self.delivered.get(number, 0) + 1
        try:
            async with session.post(url, json=update, allow_redirects=False) as response:
                self.hooked.append(response.status)
                return 200 <= response.status < 300
        except (ClientError, TimeoutError):
            self.hooked.append(0)
            return False


def _is_good(url: str) -> bool:
    parts = urlsplit(url)
    if parts.scheme == "https":
        return bool(parts.hostname)
    return parts.scheme == "http" and parts.hostname is not None and _is_loopback(parts.hostname)


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
