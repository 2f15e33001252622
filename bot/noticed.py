"""When it is time to say that this is an AI: once a person and chat at the start of a talk, and again while it lasts.

What was said is remembered in the database, so that a restart says nothing twice; memory spares a look at each message.
Of a person who has not agreed to anything it is remembered in memory alone.
"""

from __future__ import annotations

import logging
from collections import OrderedDict

from bot.types import Conversation
from storage.notices import Notices
from storage.rows import now_ms

log = logging.getLogger(__name__)

EVERY_MS = 3 * 3_600_000  # New York General Business Law art. 47; California SB 243
MAX_NOTICED = 50_000


class Noticed:
    def __init__(self, notices: Notices) -> None:
        self._notices = notices
        self._said: OrderedDict[Conversation, tuple[int, bool]] = OrderedDict()  # when, and is it on disk?

    def clear(self) -> None:
        self._said.clear()

    async def due(self, conversation: Conversation) -> bool:
        """Is it time? Asking counts as saying."""
        now = now_ms()
        at, kept = self._said.get(conversation, (0, False))
        counts = now - at < EVERY_MS
        if counts and kept:
            return False
        at = at if counts else now
        self._remember(conversation, at, kept=True)  # who asks meanwhile need not say it, too
        last = await self._keep(conversation, at, now - EVERY_MS)
        if conversation in self._said:  # unless the person was forgotten meanwhile
            self._remember(conversation, last or at, kept=last is not None)
        return not counts and last in (None, at)

    def _remember(self, conversation: Conversation, at: int, *, kept: bool) -> None:
        self._said[conversation] = at, kept
        self._said.move_to_end(conversation)
        if len(self._said) > MAX_NOTICED:
            self._said.popitem(last=False)

    async def _keep(self, conversation: Conversation, at: int, since: int) -> int | None:
        try:
            return await self._notices.keep(conversation, at, since)
        except Exception as error:  # better said once more than an answer less
            log.warning("that the AI notice was said could not be kept (%s)", type(error).__name__)
            return None
