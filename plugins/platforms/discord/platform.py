"""The platform itself: one bot account, connected while the house runs. discord.py is imported when it starts."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bot import config
from bot.contracts import Platform, State
from bot.errors import OperatorError
from bot.types import Outgoing, Person
from plugins.platforms.discord.options import Options

if TYPE_CHECKING:
    from bot.app import App
    from plugins.platforms.discord.connection import Connection


class DiscordPlatform(Platform):
    """Options: see config.toml. The token comes from DISCORD_TOKEN; without it the platform stays off.

    Raises:
        OperatorError: shard_ids without shard_count, or beyond it.
    """

    def __init__(
        self,
        api_base: str = "",
        gateway: str = "",
        message_content: bool = False,
        shard_count: int = 0,
        shard_ids: tuple[int, ...] = (),
        identify_free: int = 5,
        identify_every_s: float = 90.0,
        catch_up_hours: float = 6.0,
        catch_up_messages: int = 200,
    ) -> None:
        if shard_ids and not all(0 <= one < shard_count for one in shard_ids):
            raise OperatorError(
                f"platforms.discord.shard_ids = {list(shard_ids)} needs shard_count, and ids from 0 to shard_count - 1"
            )
        self._options = Options(
            api_base=api_base,
            gateway=gateway,
            message_content=message_content,
            shard_count=shard_count or (1 if gateway else 0),
            shard_ids=shard_ids,
            identify_free=identify_free,
            identify_every_s=identify_every_s,
            catch_up_hours=catch_up_hours,
            catch_up_messages=catch_up_messages,
        )
        self._token = os.environ.get("DISCORD_TOKEN", "").strip()
        self._connection: asyncio.Future[Connection] | None = None
        self.off = "" if self._token else "DISCORD_TOKEN is not set"

    @property
    def state(self) -> Path:
        return config.state_dir() / "discord"

    async def run(self, app: App) -> None:
        """Serve until cancelled; an outage of Discord's is waited for.

        Raises:
            OperatorError: the token is refused, or an intent is not switched on.
        """
        from plugins.platforms.discord.connection import Connection

        connection = Connection(app, self._options, self.state)
        self._connected().set_result(connection)
        await connection.run(self._token)

    async def show(self, outgoing: Outgoing, handle: str | None) -> str:
        connection = await asyncio.shield(self._connected())
        return await connection.show(outgoing, handle)

    async def may_moderate(self, person: Person, space_id: str) -> bool:
        connection = await asyncio.shield(self._connected())
        return person.platform == "discord" and await connection.may_moderate(person.id, space_id)

    async def examine(self) -> Sequence[tuple[State, str]]:
        from plugins.platforms.discord.check import findings

        return [finding async for finding in findings(self._token, self._options)]

    def trouble(self) -> str:
        """What is wrong just now, in a few words for the operator; empty: nothing."""
        if self._connection is None or not self._connection.done():
            return "not started"
        return self._connection.result().trouble

    async def forget_person(self, person: Person) -> int:
        if self._connection and self._connection.done() and person.platform == "discord":
            self._connection.result().forget(person)
        return 0

    def _connected(self) -> asyncio.Future[Connection]:
        if self._connection is None:
            self._connection = asyncio.get_running_loop().create_future()
        return self._connection
