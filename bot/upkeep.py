"""What a bot that runs for months does beside answering: keep its promises, and look after itself."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Mapping
from typing import Any

from bot import metrics
from bot.app import App
from bot.retention import keep_promises
from bot.watch import watch_loop

log = logging.getLogger(__name__)

SWEEP_S = 30.0
IDLE_S = 10.0  # a message nobody works on may just have come in; after this long somebody has let it lie
CHECK_FIRST_S, CHECK_S = 60.0, 86_400.0


def works(app: App) -> Mapping[str, Coroutine[Any, Any, None]]:
    """By name, each to run until cancelled."""
    return {
        "retention": keep_promises(app.privacy),
        "loop watch": watch_loop(),
        "sweep": sweep(app),
        "integrity": check_daily(app),
    }


async def sweep(app: App, every_s: float = SWEEP_S, idle_s: float = IDLE_S) -> None:
    """Note how every part is, and take up messages that were left lying when the database failed for a while."""
    while True:
        try:
            await app.checkup.report()
            if found := await app.delivery.recover(idle_s):
                log.warning("taking up %d conversations that were left lying", found)
            count, oldest_s = await app.desk.jobs.backlog()
            metrics.open_jobs.set(count)
            metrics.oldest_job_s.set(oldest_s)
        except Exception:
            log.exception("could not look around; trying again")
        await asyncio.sleep(every_s)


async def check_daily(app: App, first_s: float = CHECK_FIRST_S, every_s: float = CHECK_S) -> None:
    """Look for damage in the database soon after the start and then every day."""
    await asyncio.sleep(first_s)
    while True:
        await app.checkup.check_database()
        await asyncio.sleep(every_s)
