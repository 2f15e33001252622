"""Doing one job: history → reading → answer, shown while it is written. The one error boundary of the house."""

from __future__ import annotations

import asyncio
import logging
from contextlib import aclosing
from dataclasses import replace
from typing import get_args

from bot import emotions, metrics
from bot.care import Finding
from bot.core import CONTEXT_MS, Voice, thought_of
from bot.desk import Desk
from bot.errors import MessageDeleted, Refusal, ReplyError, Unreachable
from bot.present import snapshot
from bot.screen import Screen
from bot.types import Action, Outgoing, Reading, Reply, Tone, Turn
from storage.rows import Exchange, Job, as_kept, now_ms

log = logging.getLogger(__name__)

WAIT_MS = 6 * 3_600_000  # how long a job waits for a platform that is away
TONES: tuple[Tone, ...] = get_args(Tone)


async def do(job: Job, desk: Desk) -> bool:
    """Do a job to its end. Whatever happens, the person hears something and the job is closed.

    Returns:
        False: its platform is away. The job stays open and is taken up again (Delivery.recover).
    """
    screen = Screen(desk.platforms[job.conversation.chat.platform], job, desk.jobs)
    try:
        if job.state == "sending":  # its reply is stored already and only has to be shown
            outgoing = await desk.stored(job.message, job.conversation)
        else:
            outgoing = await Answering(job, desk, screen).write()
        await screen.end(outgoing)
        desk.jobs.done(job)
    except Unreachable as error:
        return not _waits(job, error) and await _give_notice(job, desk, screen, "failed")
    except ReplyError as error:
        return await _give_notice(job, desk, screen, error.code)
    except MessageDeleted:
        log.info("job %d: its message was deleted meanwhile", job.id)
        await _show(job, screen, Outgoing(job.conversation, job.message, job.answers, notice="deleted", final=True))
    except Exception:
        log.exception("job %d (%s) failed", job.id, job.kind)
        return await _give_notice(job, desk, screen, "failed")
    finally:
        await screen.close()
    return True


async def _give_notice(job: Job, desk: Desk, screen: Screen, code: str) -> bool:
    """An answer that stood there before a failed regenerate stands there again, with the notice. Returns as `do`."""
    metrics.notices.labels(code).inc()
    notice = Outgoing(job.conversation, job.message, job.answers, notice=code, final=True)
    try:
        await desk.jobs.close(job, "failed", code)
        notice = replace(await desk.stored(job.message, job.conversation), notice=code)
    except Exception:
        log.exception("job %d: the database fails, too", job.id)
    away = await _show(job, screen, notice)
    if away and _waits(job, away):
        await desk.jobs.keep(job)
        return False
    return True


def _waits(job: Job, error: Unreachable) -> bool:
    young = now_ms() - job.since < WAIT_MS
    log.warning("job %d %s: its platform is away (%s)", job.id, "waits" if young else "is given up", error)
    return young


async def _show(job: Job, screen: Screen, notice: Outgoing) -> Unreachable | None:
    try:
        await screen.end(notice)
    except Unreachable as error:
        return error
    except Exception:
        log.exception("job %d: not even the notice %r could be shown", job.id, notice.notice)
    return None


class Answering:
    """One variant of one answer, from history to the database."""

    def __init__(self, job: Job, desk: Desk, screen: Screen) -> None:
        self._job = job
        self._desk = desk
        self._screen = screen
        self._reading: Reading | None = None
        self._reply = Reply("")

    async def write(self) -> Outgoing:
        """Write and store; returns what there is to show. The reading is stored only if the person agreed to that.

        Raises:
            ReplyError: there is nothing to store.
        """
        job, desk = self._job, self._desk
        task = desk.writing[job.message] = asyncio.create_task(self._write(), name="answer")
        try:
            await asyncio.wait({task})
        finally:
            task.cancel()
            del desk.writing[job.message]
        if task.cancelled():  # the person pressed stop: what is written counts
            if not (text := self._reply.text.strip()):
                raise ReplyError("stopped")
            self._reply = replace(self._reply, text=text, finish=self._reply.finish or "stopped")
        else:
            task.result()
        keep = "log" in await desk.privacy.scopes(job.conversation.person)
        reply = await desk.jobs.finish(job, self._reading if keep else None, self._reply)
        exchange = Exchange(job.message, "", 0, as_kept(self._reading), reply, variants=reply.variant)
        return snapshot(job.conversation, exchange, job.answers)

    async def _write(self) -> None:
        job, desk = self._job, self._desk
        rejected = await desk.conversations.variants(job.message) if job.kind == "regenerate" else []
        shown = Outgoing(job.conversation, job.message, job.answers, variants=len(rejected))
        shown = replace(shown, actions=(Action("stop", job.message),))
        await self._screen.begin(shown)
        turns, finding = await self._turns()
        self._reading = turns[-1].reading
        payer = desk.people.alias(job.conversation.person)
        voice, turned_down = await self._voice(), [reply.text for reply in rejected]
        answer = desk.core.answer(turns, voice, rejected=turned_down, payer=payer, finding=finding)
        async with aclosing(answer) as growing:
            async for self._reply in growing:
                draft = replace(self._reply, variant=len(rejected) + 1)
                self._screen.put(replace(shown, text=draft.text, reading=self._reading, reply=draft))

    async def _turns(self) -> tuple[list[Turn], Finding | None]:
        """The history with a reading on its last turn: the person's own choice, else the stored one, else a new one.

        Where a life is in danger nothing is read: the help lines wait for no model, and no log holds that moment.
        """
        turns = await self._desk.conversations.history(self._job.message, self._desk.settings.limits.history_turns)
        last = turns[-1]
        if finding := self._desk.core.concern(turns):
            return turns, finding
        if self._job.emotion:
            reading: Reading | None = emotions.corrected(label_of(self._job.emotion), last.reading)
        elif last.reading:
            reading = last.reading
        else:
            (reading,) = await self._desk.core.read([thought_of(turns, CONTEXT_MS)])
        return [*turns[:-1], replace(last, reading=reading)], None

    async def _voice(self) -> Voice:
        replier, person = self._desk.settings.replier, self._job.conversation.person
        place = await self._desk.spaces.at(self._job.conversation.chat)
        tone: Tone = self._job.tone if self._job.tone in TONES else "usual"
        persona, strategy = place.persona or replier.persona, place.strategy or replier.strategy
        return Voice(place.language or person.locale, persona, strategy, tone)


def label_of(emotion: str) -> str:
    """The label of an emotion given by code, label or name in either language.

    Raises:
        Refusal: "unknown_emotion".
    """
    wanted = emotion.strip()
    for entry in emotions.entries().values():
        if wanted in (entry.code, entry.label, entry.ko, entry.en):
            return entry.label
    raise Refusal("unknown_emotion", emotion=wanted[:40])
