"""discord.py's parsers, wrapped: one of them that fails would end the whole connection."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

log = logging.getLogger("maum.discord")


def guarded(name: str, parse: Callable[[Any], None]) -> Callable[[Any], None]:
    def parsed(data: Any) -> None:
        try:
            parse(_completed(name, data))
        except Exception as error:  # its text may be a person's: the kind of event and of error must do
            log.warning("an event %s was not understood: %s", name, type(error).__name__)

    return parsed


def _completed(name: str, data: Any) -> Any:
    """Fields that discord.py needs and that a gateway between us and Discord may leave out."""
    if not isinstance(data, dict):
        return data
    if name == "READY":
        return {"shard": [0, 1]} | data
    if name == "INTERACTION_CREATE":
        channel = {"id": data.get("channel_id"), **({} if data.get("guild_id") else {"type": 1})}
        return {"attachment_size_limit": 0, "version": 1, "channel": channel} | data
    return data
