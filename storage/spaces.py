"""Settings of a place: who changed what, and when. Rows are only added, so every earlier state can be had back."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from sqlalchemy import insert, select

from storage.database import Database
from storage.rows import now_ms
from storage.tables import space_settings


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

    async def of(self, place: str) -> dict[str, Any]:
        """What holds in a place now."""
        return (await self._read(place)).get(place, {})

    async def everywhere(self) -> dict[str, dict[str, Any]]:
        """What holds now, by place."""
        return await self._read(None)

    async def put(self, place: str, key: str, value: object, who: str) -> None:
        row = {"space": place, "key": key, "value": value, "who": who, "at": now_ms()}
        await self._database.write(lambda connection: connection.execute(insert(space_settings).values(row)))

    async def history(self, place: str, limit: int = 20) -> list[Change]:
        """The last changes, newest first."""
        columns = (space_settings.c[name] for name in ("key", "value", "at", "who"))
        query = select(*columns).where(space_settings.c.space == place)
        async with self._database.reading() as connection:
            rows = await connection.execute(query.order_by(space_settings.c.id.desc()).limit(limit))
            return [Change(*row) for row in rows]

    async def _read(self, place: str | None) -> dict[str, dict[str, Any]]:
        query = select(space_settings.c.space, space_settings.c.key, space_settings.c.value)
        if place is not None:
            query = query.where(space_settings.c.space == place)
        found: defaultdict[str, dict[str, Any]] = defaultdict(dict)
        async with self._database.reading() as connection:
            for space, key, value in await connection.execute(query.order_by(space_settings.c.id)):
                found[space][key] = value  # the last one counts
        return dict(found)
