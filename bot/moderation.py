"""The moderators' questions, for every surface. The answer holds pseudonyms, emotions and times, never a text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from bot.contracts import Platform
from bot.errors import Refusal
from bot.types import Person
from storage.emotion_log import EmotionLog, Filter, Page

MAX_SIZE = 200


class Moderation:
    def __init__(self, log: EmotionLog, platforms: Mapping[str, Platform]) -> None:
        self._log = log
        self._platforms = platforms

    async def query(self, asker: Person | None, wanted: Filter) -> Page:
        """Search the emotion log.

        Args:
            asker: a moderator, who may ask about one space only; None is the operator, at their own machine.

        Raises:
            Refusal: "not_moderator".
        """
        if asker is not None:
            platform, _, space = wanted.space.partition(":")
            surface = self._platforms.get(platform)
            asked_here = platform == asker.platform and bool(space)
            if not (asked_here and surface and await surface.may_moderate(asker, space)):
                raise Refusal("not_moderator")
        return await self._log.query(replace(wanted, size=min(wanted.size, MAX_SIZE)))
