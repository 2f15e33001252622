"""Settings of a place: who changed what, and when. Rows are only added, so every earlier state can be had back."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, bindparam, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.remember import Remembered
from storage.database import Database
from storage.rows import now_ms
from storage.tables import space_settings

SETTINGS = select(space_settings.c.space, space_settings.c.key, space_settings.c.value).order_by(space_settings.c.id)
HERE = space_settings.c.space == bindparam("place")  # a value written into a statement would stay in its cache
SETTINGS_HERE = SETTINGS.where(HERE)
SETTINGS = select(space_settings.c.space, space_settings.c.key, space_settings.c.value).order_by(space_settings.c.id)
HERE = space_settings.c.space == bindparam("place")  # a value written into a statement would stay in its cache
MAX_REMEMBERED, REMEMBERED_S = 10_000, 5.0


@dataclass(frozen=True, slots=True)
class Change:
    """One setting of a place as somebody (a pseudonym) set it; `value` None means: as everywhere."""

    key: str
    value: Any
    at: int
    who: str


class SpaceSettings:
    """A place is "platform:space_id", or "platform:chat_id" for a direct chat."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: Remembered[str, dict[str, Any]] = Remembered(MAX_REMEMBERED, REMEMBERED_S)
        database.on_doubt.append(self._known.clear)

    async def of(self, place: str) -> dict[str, Any]:
        """What holds in a place now; what another process sets is noticed within `REMEMBERED_S`."""
        at, found = self._known.now(), self._known.get(place)
        if found is None:
            found = (await self._read(SETTINGS_HERE, place=place)).get(place, {})
            self._known.put(place, found, at)
        return found

    async def everywhere(self) -> dict[str, dict[str, Any]]:
        """What holds now, by place."""
        return await self._read(SETTINGS)

    async def put(self, place: str, key: str, value: object, who: str) -> None:
        row = {"space": place, "key": key, "value": value, "who": who, "at": now_ms()}
        await self._database.write(lambda connection: connection.execute(insert(space_settings), row))
        self._known.drop(place)

    async def history(self, place: str, limit: int = 20) -> list[Change]:
        """The last changes, newest first."""
        columns = (space_settings.c[name] for name in ("key", "value", "at", "who"))
        query = select(*columns).where(HERE).order_by(space_settings.c.id.desc()).limit(limit)
        async with self._database.reading() as connection:
            return [Change(*row) for row in await connection.execute(query, {"place": place})]

    async def _read(self, query: Select[Any], **given: str) -> dict[str, dict[str, Any]]:
        async def look(connection: AsyncConnection) -> dict[str, dict[str, Any]]:
            found: defaultdict[str, dict[str, Any]] = defaultdict(dict)
            for space, key, value in await connection.execute(query, given):
                found[space][key] = value  # the last one counts
            return dict(found)

        return await self._database.read(look)
