"""A fresh database for each storage test; the suite is the same for every back end."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from storage import upgrade
from storage.database import Database
from storage.keys import KeyStore
from storage.people import People

MASTER = bytes(range(32))


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with Database(f"sqlite+aiosqlite:///{tmp_path}/db/maum.db") as database:
        await upgrade.upgrade(database)
        yield database


@pytest.fixture
def keys(tmp_path: Path) -> KeyStore:
    return KeyStore(tmp_path / "keys" / "people.db", MASTER)


@pytest.fixture
def people(database: Database, keys: KeyStore) -> People:
    return People(database, keys)
