"""Migrations: each older database comes to the newest schema whole, also when the process is killed on the way."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

import storage
from storage import process, upgrade
from storage.database import Database
from storage.jobs import Jobs
from storage.keys import KeyStore
from storage.people import People
from tests.forked import Forked
from tests.storage.parts import incoming

KILLS = int(os.environ.get("KILLS", "10"))
ROWS = 200


def _to_first_schema(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(str(storage.__file__)).parent / "migrations"))
    config.attributes["connection"] = connection
    command.upgrade(config, "0001")


async def _old_database(file: Path, keys: KeyStore) -> None:
    """A database of the first version, with messages in it."""
    async with Database(f"sqlite+aiosqlite:///{file}") as database:
        await database.write(lambda connection: connection.run_sync(_to_first_schema))
        jobs = Jobs(database, People(database, keys), process.owner(), 60)
        await asyncio.gather(*(jobs.accept(incoming(f"글 {number}")) for number in range(ROWS)))
        await database.truncate_wal()


async def test_killed_in_the_middle_of_a_migration_a_database_opens_whole(tmp_path: Path) -> None:
    """Half of them begin with no database, half with an old one; KILLS=100 for the long form."""
    with closing(KeyStore(tmp_path / "keys.db", bytes(32))) as keys:
        await _old_database(tmp_path / "old.db", keys)
    done = 0
    for number in range(KILLS):
        file = tmp_path / str(number) / "maum.db"
        file.parent.mkdir()
        if is_old := bool(number % 2):
            shutil.copy(tmp_path / "old.db", file)
        await _upgrade_and_kill(file, 0.25 * random.Random(number).random() ** 3)
        before = _revision(file)
        assert before in ((None, "0001", upgrade.newest()) if is_old else (None, upgrade.newest()))
        done += before == upgrade.newest()
        async with Database(f"sqlite+aiosqlite:///{file}") as database:
            await upgrade.upgrade(database)
            await upgrade.check(database)
        with closing(sqlite3.connect(file)) as connection:
            assert connection.execute("SELECT count(*) FROM messages").fetchone() == (ROWS if is_old else 0,)
    print(f"{KILLS} migrations killed, {done} after their commit; all of them opened whole")


async def _upgrade_and_kill(file: Path, after_s: float) -> None:
    """Kill `maum db upgrade` some time after it has opened the database; sooner is likelier, for it is quick."""
    environ = os.environ | {"MAUM_STORAGE__URL": f"sqlite+aiosqlite:///{file}"}
    migrating = Forked(file.parent, environ, "db", "upgrade")
    await migrating.start()
    while migrating.code is None and not file.with_name("maum.db-wal").exists():
        await asyncio.sleep(0.001)
    await asyncio.sleep(after_s)
    migrating.send(signal.SIGKILL)
    await migrating.wait(20)


def _revision(file: Path) -> str | None:
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone():
            return None
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        return str(row[0]) if row else None
