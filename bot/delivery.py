"""Delivery: no message lost, no reply doubled, one conversation in order.

A message becomes a job in one commit before the platform is told that it arrived. Each conversation has a lane, a task
that does its jobs one after the other; a fixed number of lanes work at the same time.
"""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass, replace
from typing import Literal

from bot import actions, answering, metrics
from bot.care import Finding
from bot.config import Delivery as Options
from bot.core import CONTEXT_TURNS
from bot.desk import Desk
from bot.errors import Refusal
from bot.fair import FairSlots
from bot.held import Held
from bot.log import about
from bot.spaces import place_of
from bot.text import clean
from bot.types import CARE, Action, Chat, Conversation, Incoming, Outgoing, Person, Reply, Turn
from storage.rows import Job, now_ms

log = logging.getLogger(__name__)

Outcome = Literal["accepted", "duplicate", "deferred", "done", "held"]
STOP_S = 5.0  # how long running answers may take to end when their person wants them stopped


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a message or an action.

    accepted: it is on disk and being worked on · duplicate: it came before · deferred: it is on disk, and will be
    answered after the restart that is under way · done: the action's effect is shown · held: it waits in memory for
    the person's consent, which the platform asks for now. `message` is our id.
    """

    outcome: Outcome
    message: int | None = None
    outgoing: Outgoing | None = None


@dataclass
class Lane:
    """One conversation's worker. `again`: something came in since it last looked."""

    task: asyncio.Task[None]
    last_line_at: float = 0.0
    again: bool = False


class Delivery:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._slots = FairSlots(desk.settings.delivery.workers)
        self._lanes: dict[Conversation, Lane] = {}
        self._held = Held(desk.settings.consent.hold_s)
        self._open = True
        desk.privacy.work = self

    @property
    def _options(self) -> Options:
        return self._desk.settings.delivery  # read anew: it may change while we run

    async def receive(self, incoming: Incoming, *, hold: bool = False) -> Receipt:
        """Take a message. When this returns, it is on disk and will be answered.

        Args:
            hold: without consent keep it in memory for a while, and answer it when the person agrees.

        Raises:
            Refusal: it was not taken, and why.
        """
        incoming = replace(incoming, text=clean(incoming.text))
        try:
            await self._check(incoming)
        except Refusal as refusal:
            if hold and refusal.code == "consent_required" and self._held.has(incoming):
                return Receipt("held")
            finding = self._desk.gate.finding(incoming)
            if refusal.code in ("limited", "queue_full") and (finding or await self._in_danger(incoming)):
                return await self._take(incoming)
            metrics.received.labels(incoming.chat.platform, refusal.code).inc()
            if finding:
                refusal.care = await self._show_care(incoming, finding)
            if hold and refusal.code == "consent_required" and self._held.add(incoming):
                return Receipt("held")
            raise
        return await self._take(incoming)

    async def edited(self, incoming: Incoming) -> Receipt:
        """The person rewrote a message. One that waits is answered as it is now; else a new answer is offered.

        Raises:
            Refusal: the new text is not taken; the old one stays.
        """
        incoming = replace(incoming, text=clean(incoming.text))
        if self._held.replace(incoming):
            return Receipt("held")
        finding = self._desk.gate.finding(incoming)
        scopes = await self._desk.privacy.scopes(incoming.person)
        if refusal := self._desk.gate.refusal(incoming, scopes, paced=False):
            raise refusal
        message = await self._desk.messages.rewrite(incoming)
        if message is None:
            return Receipt("done")
        if finding and await self._desk.jobs.accept_regenerate(message):
            return Receipt(self._wake(incoming.conversation, settle=False), message)
        outgoing = replace(await self._desk.stored(message, incoming.conversation), notice="edited")
        await self._desk.show(outgoing)
        return Receipt("done", message, outgoing)

    async def deleted(self, chat: Chat, message_id: str) -> bool:
        """The person deleted a message on the platform: nothing of it, or of its answers, stays here.

        Returns:
            False: it was not kept.
        """
        self._held.drop(chat, message_id)
        message = await self._desk.messages.find(chat, message_id)
        if message is None:
            return False
        removed = await self._desk.messages.remove(message)
        if task := self._desk.writing.get(message):
            task.cancel()
        return removed

    async def last_seen(self, platform: str, within_s: float) -> list[tuple[Chat, str]]:
        """Chats where somebody wrote lately, with the last message's platform id: where to look for what was missed."""
        return await self._desk.messages.last_seen(platform, now_ms() - int(within_s * 1000))

    async def release(self, person: Person) -> None:
        """Take what was held until the person agreed."""
        for incoming in self._held.take(person):
            await self._take(incoming)

    async def stop(self, person: Person, chat: Chat | None = None) -> None:
        """End a person's running answers (in one chat), close their waiting jobs with a word, drop what is held."""
        self._held.take(person, chat)
        known = {*self._lanes, *await self._desk.jobs.waiting(list(self._desk.platforms), own=True)}
        mine = [one for one in known if one.person == person and (chat is None or one.chat.id == chat.id)]
        for conversation in mine:
            for job in await self._desk.jobs.abandon(conversation):
                await self._show_stopped(job)
            for message in await self._desk.jobs.open_messages(conversation):
                if task := self._desk.writing.get(message):
                    task.cancel()
        tasks = {lane.task for conversation, lane in self._lanes.items() if conversation in mine}
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=STOP_S)
            for lane in late:
                lane.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        for conversation in mine:  # what waits for its platform; nobody works on it now
            for job in await self._desk.jobs.abandon(conversation, begun=True):
                await self._show_stopped(job)

    def forget(self, person: Person) -> None:
        """Remember nothing of a person any more."""
        self._desk.gate.forget(person)

    async def _take(self, incoming: Incoming) -> Receipt:
        message = await self._desk.jobs.accept(incoming)
        outcome: Outcome = "duplicate"
        if message is not None:
            outcome = self._wake(incoming.conversation, settle=not incoming.lone)
        metrics.received.labels(incoming.chat.platform, outcome).inc()
        return Receipt(outcome, message)

    async def act(self, action: Action, by: Person) -> Receipt:
        """Do what a button or a command says.

        Raises:
            Refusal: it cannot be done, and why.
        """
        conversation = await actions.authorised(self._desk, action, by)
        metrics.received.labels(conversation.chat.platform, action.kind).inc()
        if action.kind in ("again", "other"):
            await actions.regenerate(self._desk, action, conversation)
            return Receipt(self._wake(conversation, settle=False), action.message)
        return Receipt("done", action.message, await actions.apply(self._desk, action, conversation))

    async def recover(self, idle_s: float = 0.0) -> int:
        """Take up work that nobody does: an earlier process left it, or the database failed for a while.

        Args:
            idle_s: leave alone what came in later than this; it may be about to begin.

        Returns:
            How many conversations had some.
        """
        found = await self._desk.jobs.waiting(list(self._desk.platforms), idle_s, own=True)
        forsaken = [conversation for conversation in found if conversation not in self._lanes]
        for conversation in found:  # also one whose lane is just finding out that its platform is away
            self._wake(conversation, settle=False)
        return len(forsaken)

    async def drain(self) -> None:
        """Take up no more work and let running answers end, for `drain_s` at most; the rest waits on disk."""
        self._open = False
        tasks = [lane.task for lane in self._lanes.values()]
        if tasks:
            await asyncio.wait(tasks, timeout=self._options.drain_s)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _check(self, incoming: Incoming) -> None:
        scopes = await self._desk.privacy.scopes(incoming.person)
        if refusal := self._desk.gate.refusal(incoming, scopes):
            raise refusal
        if len(self._lanes) >= self._options.queue and incoming.conversation not in self._lanes:
            raise Refusal("queue_full")

    async def _in_danger(self, incoming: Incoming) -> bool:
        """Does the message say so together with what was said before it?"""
        before = await self._desk.conversations.transcript(incoming.conversation, CONTEXT_TURNS)
        turns = [turn for one in before for turn in (Turn("user", one.text), Turn("assistant", ""))]
        return self._desk.core.concern([*turns, Turn("user", incoming.text)]) is not None

    async def _show_care(self, incoming: Incoming, finding: Finding) -> str:
        """Say where help is although the message is not taken; nothing of it is kept."""
        text = self._desk.core.comfort(finding, incoming.person.locale)
        reply = Reply(text, model=CARE, finish="stop")
        outgoing = Outgoing(incoming.conversation, 0, incoming.message_id, text, reply=reply, variants=1, final=True)
        try:
            await self._desk.platforms[incoming.chat.platform].show(outgoing, None)
        except Exception as error:  # the caller has the text, too
            log.warning("help lines could not be shown: %s", type(error).__name__)
        return text

    async def _show_stopped(self, job: Job) -> None:
        platform = self._desk.platforms[job.conversation.chat.platform]
        try:
            outgoing = await self._desk.stored(job.message, job.conversation)
            await platform.show(replace(outgoing, notice="stopped"), job.handle)
        except Exception as error:  # a word less; what counts is that nothing more is done
            log.warning("that it was stopped could not be shown: %s", type(error).__name__)

    def _wake(self, conversation: Conversation, *, settle: bool) -> Outcome:
        if not self._open:
            return "deferred"
        lane = self._lanes.get(conversation)
        if lane is None:
            lane = self._lanes[conversation] = Lane(asyncio.create_task(self._work(conversation), name="lane"))
            metrics.waiting.set(len(self._lanes))
        lane.again = True
        if settle:
            lane.last_line_at = time.monotonic()
        return "accepted"

    async def _work(self, conversation: Conversation) -> None:
        lane = self._lanes[conversation]
        try:
            while lane.again and self._open:
                lane.again = False
                await self._settle(lane)
                async with self._slots.slot(place_of(conversation.chat)):
                    own = True  # what waited for its platform, or was held when an earlier lane failed, comes first
                    while self._open and (job := await self._desk.jobs.take(conversation, own=own)):
                        own = False
                        with about(job=job.id, platform=conversation.chat.platform):
                            ended = await answering.do(job, self._desk)
                        if not (ended and job.more):  # what has to wait keeps its conversation waiting, and no other
                            break
        except Exception:  # the database itself failed: what is accepted stays there, and is taken up again (upkeep)
            log.exception("a conversation stopped; its messages are kept")
        finally:
            del self._lanes[conversation]
            metrics.waiting.set(len(self._lanes))

    async def _settle(self, lane: Lane) -> None:
        """People write one thought in several lines: wait until they have been quiet for a moment."""
        until = time.monotonic() + self._options.burst_max_s
        while (  # noqa: ASYNC110  # each new line moves the end
            rest_s := min(lane.last_line_at + self._options.burst_s, until) - time.monotonic()
        ) > 0:
            await asyncio.sleep(rest_s)
