"""A fresh database for each storage test, on SQLite and on PostgreSQL: the suite is the same for both."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from itertools import count
from pathlib import Path

import pytest

from storage import process, upgrade
from storage.conversations import Conversations
from storage.database import Database
from storage.jobs import Jobs
from storage.keys import KeyStore
from storage.people import People
from tests import blank
from tests.servers import postgres

MASTER = bytes(range(32))
NUMBERS = count(1)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """A server with a database `maum` at the newest schema, of which the tests get copies."""
    if postgres.binaries() is None:
        pytest.skip(postgres.WHAT_TO_INSTALL)
    with postgres.server() as url:
        postgres.statement(url, "CREATE DATABASE maum")

        async def prepare() -> None:
            async with Database(f"{url}/maum") as database:
                await upgrade.upgrade(database)

        asyncio.run(prepare())
        yield url


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where this test's database is; the one on SQLite is not made yet."""
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path}/db/maum.db"
    server: str = request.getfixturevalue("postgres_server")
    name = f"test{next(NUMBERS)}"
    postgres.statement(server, f"CREATE DATABASE {name} TEMPLATE maum")
    return f"{server}/{name}"


@pytest.fixture
async def database(url: str, tmp_path: Path) -> AsyncIterator[Database]:
    if url.startswith("sqlite"):
        await blank.lay(tmp_path / "db" / "maum.db")
    async with Database(url) as database:
        yield database


@pytest.fixture
def keys(tmp_path: Path) -> Iterator[KeyStore]:
    keys = KeyStore(tmp_path / "keys" / "people.db", MASTER)
    yield keys
    keys.close()


@pytest.fixture
def people(database: Database, keys: KeyStore) -> People:
    return People(database, keys)


@pytest.fixture
def jobs(database: Database, people: People) -> Jobs:
    return Jobs(database, people, process.owner(), lease_s=60)


@pytest.fixture
def conversations(database: Database, people: People) -> Conversations:
    return Conversations(database, people)
