"""Options of the platform, as config.toml's [platforms.discord] gives them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Options:
    """See config.toml."""

    api_base: str = ""
    gateway: str = ""
    message_content: bool = False
    shard_count: int = 0
    shard_ids: tuple[int, ...] = ()
    identify_free: int = 5
    identify_every_s: float = 90.0
    catch_up_hours: float = 6.0
    catch_up_messages: int = 200
