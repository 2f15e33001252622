"""Discord's rate limits: per route and channel, for everything, for edits of old messages, and for invalid requests.

topics/rate-limits. Numbers per route are nowhere written (“should not be hard coded”); these are of the size seen in
practice, and tests may change them. What counts is that a client obeys the headers.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field

from aiohttp import web

from tests.servers.discord_record import Entry, Record
from tests.servers.discord_world import Clock, Json

GLOBAL_PER_S = 50  # topics/rate-limits#global-rate-limit
MAX_INVALID, INVALID_WINDOW_S = 10_000, 600.0  # topics/rate-limits#invalid-request-limit-aka-cloudflare-bans
OLD_S = 3_600.0  # json error code 30046, Maximum number of edits to messages older than 1 hour reached
CROSSING_S = 0.1  # a request may be on its way while the refusal of another one comes: it could not know
OLD_EDITS_PER_HOUR = 5  # the number is nowhere written


@dataclass
class Bucket:
    """`limit` requests in `per_s`; a client was told at `told` to wait until `closed_until`."""

    limit: int
    per_s: float
    began: float = 0.0
    used: int = 0
    told: float = 0.0
    closed_until: float = 0.0

    def close(self, now: float, until: float) -> None:
        self.told, self.closed_until = now, until

    def breaks_ban(self, now: float) -> bool:
        return self.told + CROSSING_S < now < self.closed_until - 0.02

    def take(self, now: float) -> bool:
        if now - self.began >= self.per_s:
            self.began, self.used = now, 0
        self.used += 1
        return self.used <= self.limit

    def headers(self, name: str, now: float) -> dict[str, str]:
        after = max(0.0, self.began + self.per_s - now)
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(max(0, self.limit - self.used)),
            "X-RateLimit-Reset": f"{now + after:.3f}",
            "X-RateLimit-Reset-After": f"{after:.3f}",
            "X-RateLimit-Bucket": name,
        }


@dataclass
class Limits:
    """`rules`: route → (requests, seconds). `chance` of a 429 out of the blue, as happens on shared resources."""

    clock: Clock
    record: Record
    rules: dict[str, tuple[int, float]] = field(
        default_factory=lambda: {
            "POST /channels/{channel}/messages": (5, 5.0),
            "PATCH /channels/{channel}/messages/{message}": (5, 5.0),
            "PATCH /webhooks/{app}/{token}/messages/{message}": (5, 5.0),
            "POST /channels/{channel}/typing": (5, 5.0),
        }
    )
    otherwise: tuple[int, float] = (50, 1.0)
    per_s: int = GLOBAL_PER_S
    chance: float = 0.0
    chance_wait_s: float = 0.5
    dice: random.Random = field(default_factory=lambda: random.Random(7))
    max_invalid: int = MAX_INVALID
    invalid: list[float] = field(default_factory=list)
    old_edits: dict[int, list[float]] = field(default_factory=dict)
    _buckets: dict[tuple[str, str], Bucket] = field(default_factory=dict)
    _second: Bucket = field(default_factory=lambda: Bucket(GLOBAL_PER_S, 1.0))

    def banned(self) -> web.Response | None:
        """Too many invalid requests from one address: Cloudflare answers, without Via and not in JSON."""
        since = self.clock.now() - INVALID_WINDOW_S
        self.invalid = [at for at in self.invalid if at > since]
        if len(self.invalid) < self.max_invalid:
            return None
        return web.Response(status=429, text="error code: 1015", headers={"Retry-After": "600"})

    def count(self, status: int, scope: str) -> None:
        """401, 403 and 429 are invalid; a 429 of the scope `shared` is not counted."""
        if status in (401, 403) or (status == 429 and scope != "shared"):
            self.invalid.append(self.clock.now())

    def check(self, route: str, major: str, *, hook: bool) -> tuple[web.Response | None, dict[str, str]]:
        """A refusal, if the request comes too fast, and the headers of any answer. `hook`: interaction endpoints are
        not bound to the global limit (interactions/receiving-and-responding#endpoints)."""
        now = self.clock.now()
        self._second.limit = self.per_s
        if not hook and not self._second.take(now):
            after = max(0.001, self._second.began + 1.0 - now)
            return _limited(after, {"X-RateLimit-Global": "true"}, "global"), {}
        bucket = self._bucket(route, major)
        if bucket.breaks_ban(now):
            self.record_ban(route)
        fits = bucket.take(now)
        headers = bucket.headers(_name(route), now)
        if not fits:
            bucket.close(now, bucket.began + bucket.per_s)
            return _limited(float(headers["X-RateLimit-Reset-After"]), headers, "user"), headers
        if self.chance and self.dice.random() < self.chance:
            bucket.close(now, now + self.chance_wait_s)
            return _limited(self.chance_wait_s, headers, "shared"), headers
        return None, headers

    def lift(self, since: float) -> None:
        """What was told from then on counts no more: who was told died before it can have read it."""
        for bucket in self._buckets.values():
            if bucket.told >= since:
                bucket.closed_until = 0.0

    def may_edit(self, message: int, written_at: float) -> bool:
        """Messages older than an hour take few edits an hour: json error code 30046."""
        now = self.clock.now()
        if now - written_at < OLD_S:
            return True
        mine = self.old_edits.setdefault(message, [])
        mine[:] = [at for at in mine if at > now - OLD_S]
        mine.append(now)
        return len(mine) <= OLD_EDITS_PER_HOUR

    def record_ban(self, route: str) -> None:
        self.record.add(Entry("inside_ban", self.clock.now(), why=route))

    def _bucket(self, route: str, major: str) -> Bucket:
        limit, per_s = self.rules.get(route, self.otherwise)
        return self._buckets.setdefault((route, major), Bucket(limit, per_s))


def _name(route: str) -> str:
    return f"{abs(hash(route)):016x}"


def _limited(after: float, headers: dict[str, str], scope: str) -> web.Response:
    """topics/rate-limits#exceeding-a-rate-limit; Via says that Discord itself answers, not Cloudflare."""
    body: Json = {"message": "You are being rate limited.", "retry_after": after, "global": scope == "global"}
    extra = {"Retry-After": str(int(after) + 1), "X-RateLimit-Scope": scope, "Via": "1.1 google"}
    return reply(body, 429, headers | extra)


def reply(body: object, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """Discord's content type is exactly application/json; with a charset after it discord.py reads text."""
    return web.Response(
        body=json.dumps(body, ensure_ascii=False).encode("utf-8", "surrogatepass"),
        status=status,
        headers={"Content-Type": "application/json", **(headers or {})},
    )
