"""Spend reservations in the database: one transaction decides and reserves."""

from __future__ import annotations

import time

from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.budget import Ledger
from storage.database import Database
from storage.tables import spend

DAY_S = 86_400


class DatabaseLedger(Ledger):
    """Survives a restart, and holds across processes: there is one writer, which takes the sums and reserves."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def reserve(self, payer: str, amount: int, person_cap: int, total_cap: int) -> int | None:
        async def operation(connection: AsyncConnection) -> int | None:
            day = int(time.time()) // DAY_S
            today = select(func.coalesce(func.sum(spend.c.amount), 0)).where(spend.c.day == day)
            total = await connection.scalar(today) or 0
            own = await connection.scalar(today.where(spend.c.payer == payer)) or 0
            if total + amount > total_cap or own + amount > person_cap:
                return None
            row = insert(spend).values(day=day, payer=payer, amount=amount).returning(spend.c.id)
            return int((await connection.execute(row)).scalar_one())

        return await self._database.write(operation)

    async def settle(self, reservation: int, amount: int) -> None:
        async def operation(connection: AsyncConnection) -> None:
            await connection.execute(update(spend).where(spend.c.id == reservation).values(amount=amount))

        await self._database.write(operation)
