"""What need not be waited for: words that go out while the next update is read already."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from bot.errors import Unreachable
from plugins.platforms.telegram.faults import Away, Gone, LineError

log = logging.getLogger("maum.telegram")
Later = Callable[[Coroutine[Any, Any, Any]], None]
END_S = 5.0


class Errands:
    """Tasks in the background; what goes wrong in one is logged, without a text."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[None]] = set()

    def start(self, errand: Coroutine[Any, Any, Any]) -> None:
        task = asyncio.create_task(_run(errand), name="telegram errand")
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def end(self) -> None:
        """Let them finish, for a few seconds."""
        if self._running:
            _, late = await asyncio.wait(self._running, timeout=END_S)
            for task in late:
                task.cancel()


async def _run(errand: Coroutine[Any, Any, Any]) -> None:
    try:
        await errand
    except (Away, Gone) as error:
        log.info("nobody was there to hear it, or it was deleted: %s", error)
    except (LineError, Unreachable) as error:
        log.warning("something could not be said: %s", error)
    except Exception:
        log.exception("an errand failed")
