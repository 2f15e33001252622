"""The background task that keeps the promises about people's data: forgetting within seconds, retention every hour."""

from __future__ import annotations

import asyncio
import logging
import time

from bot import metrics
from bot.privacy import Privacy

log = logging.getLogger(__name__)

LOOK_S = 2.0  # how soon a wish from another process (`maum person forget`) is seen to
PURGE_S = 3_600.0


async def keep_promises(privacy: Privacy, look_s: float = LOOK_S, purge_s: float = PURGE_S) -> None:
    """Run until cancelled; a failure is logged and tried again."""
    purged_at = 0.0
    while True:
        try:
            if done := await privacy.resume_forgetting():
                metrics.forgotten.inc(done)
                log.info("%d wishes to be forgotten are done", done)
            if not purged_at or time.monotonic() - purged_at >= purge_s:
                purged_at = time.monotonic()
                if gone := await privacy.purge():
                    log.info("kept long enough and deleted: %s", gone)
                    for kind, count in gone.items():
                        metrics.purged.labels(kind).inc(count)
        except Exception:
            log.exception("people's data could not be seen to; trying again")
        await asyncio.sleep(look_s)
