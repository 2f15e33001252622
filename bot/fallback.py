"""FallbackReplier: a replier made of repliers. It owns the deadline, the circuit breakers and the spend reservation.

It tries its repliers in order and never switches after text has been released. What it releases first is the whole
opening of the answer, so a server that dies in the first words costs the person nothing.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
import traceback
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace

from bot import metrics
from bot.budget import Budget
from bot.contracts import Replier
from bot.errors import OWNER_CODES, ReplyCode, ReplyError
from bot.types import Chunk, Prompt, Usage

log = logging.getLogger(__name__)

OPENING_SENTENCES = 2
OPENING_CHARS = 240
FAILURES_TO_OPEN = 3
PAUSE_S = 30.0
OWNER_PAUSE_S = 300.0
RESERVE_S = 3.0  # kept of the deadline for the next replier in line
#: failures that say something about this one prompt, not about the server
OF_THE_PROMPT: frozenset[ReplyCode] = frozenset({"filtered", "too_long", "budget"})
#: failures that cost nothing when they come before the first word: the server did not begin
REFUSALS: frozenset[ReplyCode] = frozenset({"busy", "quota", "key", "model_gone", "too_long"})
SENTENCE_END = re.compile(r"[.!?…。~♡♥]+[\"'”’)]*(?=\s|$)|[ㅋㅎㅠㅜ]{2,}(?=\s|$)|\n+")


def opening_complete(text: str) -> bool:
    """Two sentences, or so much text that waiting longer would be noticed."""
    ends = [match.end() for match in SENTENCE_END.finditer(text)]
    return len(ends) >= OPENING_SENTENCES or len(text) >= OPENING_CHARS


@dataclass
class Breaker:
    """Leaves a failing replier alone for a while, then lets one call try before all others."""

    failures: int = 0
    until: float = 0.0
    code: ReplyCode = "failed"
    tripped: bool = False

    def is_open(self, now: float) -> bool:
        return self.tripped and now < self.until

    def admits(self, now: float) -> bool:
        """May a call be made? The first one after the pause may, and the others wait for what becomes of it."""
        if self.is_open(now):
            return False
        self.until = now + PAUSE_S
        return True

    def succeed(self) -> None:
        self.failures, self.tripped = 0, False

    def fail(self, code: ReplyCode, now: float) -> bool:
        """Note a failure. True when the replier is left alone from here on."""
        if code in OF_THE_PROMPT:
            self.until = now  # says nothing about the next prompt, which may try
            return False
        self.failures += 1
        if not (self.tripped or code in OWNER_CODES or self.failures >= FAILURES_TO_OPEN):
            return False
        until = now + (OWNER_PAUSE_S if code in OWNER_CODES else PAUSE_S)
        if not self.is_open(now) or until >= self.until:  # a late failure never shortens the pause
            self.until, self.code = until, code
        self.tripped = True
        return True


class FallbackReplier(Replier):
    """`repliers` in the order to try them; `deadline_s` is absolute, from the question to the last word."""

    def __init__(
        self,
        repliers: Sequence[Replier],
        budget: Budget,
        deadline_s: float = 40.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.repliers = tuple(repliers)
        self.deadline_s = deadline_s
        self.budget = budget
        self._clock = clock
        self._breakers = {id(replier): Breaker() for replier in repliers}

    def health(self) -> dict[str, str]:
        """What each replier is doing: `ok`, or the code for which it is being left alone."""
        now = self._clock()
        states: dict[str, str] = {}
        for replier in self.repliers:
            breaker = self._breakers[id(replier)]
            states[replier.name] = breaker.code if breaker.is_open(now) else "ok"
        return states

    async def reply(self, prompt: Prompt, until: float | None = None) -> AsyncGenerator[Chunk, None]:
        """Stream an answer; the first chunk is the whole opening.

        Args:
            until: the moment (of this object's clock) by which all must be said; default now + deadline.

        Raises:
            ReplyError: no replier could begin an answer; the code is the first one's, which the operator can mend.
        """
        until = until if until is not None else self._clock() + self.deadline_s
        first_error: ReplyError | None = None
        for replier in self.repliers:
            limit = until if replier is self.repliers[-1] else until - min(RESERVE_S, self.deadline_s / 4)
            released = False
            try:
                async with aclosing(self._attempt(replier, prompt, limit)) as chunks:
                    async for chunk in chunks:
                        released = released or bool(chunk.text)
                        yield chunk
                return
            except ReplyError as error:
                if released:
                    yield Chunk("", finish="cut", model=replier.name)
                    return
                first_error = first_error or error
        raise first_error or ReplyError("failed", "no replier is configured")

    async def _attempt(self, replier: Replier, prompt: Prompt, limit: float) -> AsyncGenerator[Chunk, None]:
        breaker = self._breakers[id(replier)]
        if not breaker.admits(self._clock()):
            raise ReplyError(breaker.code, f"{replier.name} is being left alone")
        reservation = await self._reserve(replier, prompt)
        usage: Usage | None = None
        released = False
        try:
            async with aclosing(_opening_first(self._timed(replier, prompt, limit))) as chunks:
                async for chunk in chunks:
                    usage, released = chunk.usage or usage, True
                    yield replace(chunk, model=chunk.model or replier.name) if chunk.finish else chunk
            self._succeeded(replier)
        except ReplyError as error:
            usage = Usage(0, 0) if isinstance(error, _Refused) else usage
            raise self._failed(replier, error) from None
        except (GeneratorExit, asyncio.CancelledError):  # a dropped draft, or the person pressed stop
            if released:
                self._succeeded(replier)
            raise
        finally:
            await self._settle(reservation, replier, usage)

    async def _reserve(self, replier: Replier, prompt: Prompt) -> int:
        try:
            reservation = await self.budget.reserve(replier, prompt)
        except Exception as error:
            log.error("no spending could be reserved for %s: %s", replier.name, type(error).__name__)
            raise self._failed(replier, ReplyError("budget", "the ledger failed")) from None
        if reservation is None:
            raise self._failed(replier, ReplyError("budget", "the cap is reached"))
        return reservation

    async def _settle(self, reservation: int, replier: Replier, usage: Usage | None) -> None:
        try:
            metrics.spent.labels(replier.name).inc(await self.budget.settle(reservation, replier, usage))
        except Exception as error:  # the answer is said, and what was reserved stays counted
            log.error("the spending of %s could not be settled: %s", replier.name, type(error).__name__)

    async def _timed(self, replier: Replier, prompt: Prompt, limit: float) -> AsyncGenerator[Chunk, None]:
        """The replier's chunks, each awaited only until the deadline; every foreign exception becomes a ReplyError."""
        heard = False
        async with aclosing(replier.reply(prompt)) as chunks:
            while (left := limit - self._clock()) > 0:
                try:
                    async with asyncio.timeout(left) as timeout:
                        chunk = await anext(chunks)
                except StopAsyncIteration:
                    return
                except ReplyError as error:
                    if not heard and error.code in REFUSALS:
                        raise _Refused(error.code, error.detail) from None
                    raise
                except Exception as error:
                    if timeout.expired():
                        break
                    # without the message, which may quote what a person wrote
                    where = "".join(traceback.format_tb(error.__traceback__))
                    log.error("replier %s broke its contract: %s\n%s", replier.name, type(error).__name__, where)
                    raise ReplyError("failed", type(error).__name__) from None
                heard = heard or bool(chunk.text)
                yield chunk
        raise ReplyError("timeout", "the deadline passed")

    def _failed(self, replier: Replier, error: ReplyError) -> ReplyError:
        metrics.reply_errors.labels(replier.name, error.code).inc()
        opened = self._breakers[id(replier)].fail(error.code, self._clock())
        level = logging.ERROR if error.code in OWNER_CODES else logging.WARNING
        if error.code in OWNER_CODES and not error.detail:  # the replier has told its owner already
            level = logging.DEBUG
        log.log(
            level, "replier %s failed (%s)%s", replier.name, error, "; leaving it alone for a while" if opened else ""
        )
        metrics.circuit_open.labels(replier.name).set(opened)
        return error

    def _succeeded(self, replier: Replier) -> None:
        self._breakers[id(replier)].succeed()
        metrics.circuit_open.labels(replier.name).set(0)


class _Refused(ReplyError):
    """The server said no before the first word, so the call cost nothing."""


async def _opening_first(chunks: AsyncGenerator[Chunk, None]) -> AsyncGenerator[Chunk, None]:
    """Hold chunks back until the opening is complete, then release it as one chunk, then the rest as it comes."""
    held = ""
    opened = finished = False
    async with aclosing(chunks):
        async for chunk in chunks:
            finished = bool(chunk.finish)
            if opened:
                yield chunk
                continue
            held += chunk.text
            if finished or opening_complete(held):
                if not held.strip():
                    if finished:
                        raise ReplyError("bad_reply", "an empty answer")
                    continue
                opened = True
                yield replace(chunk, text=held)
    if not finished:
        raise ReplyError("bad_reply", "the stream ended without a finish")
