"""Copies of the database, made while it is in use, and put back as one transaction (SQLite's backup API)."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.errors import OperatorError
from bot.types import Person
from storage.people import People
from storage.records import Records
from storage.tables import messages, people
from storage.upgrade import newest

SAMPLE = 200  # texts that a check opens
LAST = "last-backup"
MAX_WAITS = 8  # quarters of a second that a copy waits for somebody else's lock


def save(source: Path, to: Path, *, force: bool = False) -> None:
    """Write a whole, consistent copy; `to` is either complete or not there.

    Raises:
        OperatorError: there is no database, there is a file already, or it cannot be written.
    """
    if not source.is_file():
        raise OperatorError(f"there is no database at {source}")
    if to.exists() and not force:
        raise OperatorError(f"{to} is there already: name another file, or give --force")
    part = to.with_name(to.name + ".part")
    try:
        part.unlink(missing_ok=True)
        os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        _copy(source, part)
        with closing(sqlite3.connect(part)) as new:
            new.execute("PRAGMA journal_mode=DELETE")  # the copy is one file
        _require_whole(part)
        part.replace(to)
    except (OSError, sqlite3.Error) as error:
        part.unlink(missing_ok=True)
        raise OperatorError(f"cannot write the backup {to}: {error}") from None


def restore(given: Path, to: Path, *, force: bool = False) -> None:
    """Put a backup in the database's place, in one transaction: killed meanwhile, the old one is still there.

    Raises:
        OperatorError: the backup is none or of a newer version, or there is a database and `force` was not given.
    """
    _require_whole(given)
    if to.exists() and not force:
        raise OperatorError(f"there is a database at {to}: give --force to overwrite it")
    to.parent.mkdir(parents=True, exist_ok=True)
    try:
        _copy(given, to)
    except sqlite3.OperationalError as error:  # in use, or the disk is full: the old database is still there
        raise OperatorError(f"cannot restore to {to}: {error}; nothing was changed") from None
    except sqlite3.DatabaseError:
        for file in (to, to.with_name(to.name + "-wal"), to.with_name(to.name + "-shm")):
            file.unlink(missing_ok=True)  # what was there is no database any more
        _copy(given, to)


async def check(people_: People, *, quick: bool = False) -> list[str]:
    """What is wrong with the database; an empty list when it is whole and the keys open it.

    Args:
        quick: leave out whether indexes and tables agree, which takes as long as all else together.
    """
    database, found = people_.database, []
    pragma = "PRAGMA quick_check" if quick else "PRAGMA integrity_check"
    async with database.reading() as connection:
        if database.is_sqlite:
            found += [f"integrity: {line}" for line in await _lines(connection, pragma) if line != "ok"]
            found += [
                f"a row of {table} points nowhere" for table in await _lines(connection, "PRAGMA foreign_key_check")
            ]
        query = select(messages.c.text, people.c.platform, people.c.external_id)
        query = query.join(people, people.c.id == messages.c.person_id).where(messages.c.text != b"")
        sample = (await connection.execute(query.order_by(func.random()).limit(SAMPLE))).all()
    lost = sum(not _opens(people_, Person(row.platform, row.external_id), row.text) for row in sample)
    if lost:
        found.append(f"{lost} of {len(sample)} texts do not open with their person's key")
    if keyless := await Records(people_).keyless():
        found.append(f"{len(keyless)} people have no key: they were forgotten, and are again at the bot's next start")
    return found


def note_backup(state: Path, to: Path) -> None:
    """Remember in the state folder that a backup was made."""
    at = datetime.now(UTC).isoformat(timespec="seconds")
    (state / LAST).write_text(f"{at}: {to.name}\n", encoding="utf-8")


def last_backup(state: Path) -> str:
    """When the last backup was made, and its name; empty when there was none."""
    file = state / LAST
    return file.read_text(encoding="utf-8").strip() if file.is_file() else ""


def _copy(source: Path, to: Path) -> None:
    """SQLite's online backup, as one transaction of the target; sqlite3 alone would wait for a lock for ever."""
    waited = 0

    def progress(status: int, remaining: int, total: int) -> None:
        nonlocal waited
        waited += status in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
        if waited > MAX_WAITS:
            raise sqlite3.OperationalError("the database is in use")

    with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(to, timeout=0.1)) as new:
        old.backup(new, progress=progress)


def _require_whole(file: Path) -> None:
    if not file.is_file():
        raise OperatorError(f"there is no backup {file}")
    try:
        with closing(sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True)) as database:
            (verdict,) = database.execute("PRAGMA integrity_check(1)").fetchone()
            (revision,) = database.execute("SELECT version_num FROM alembic_version").fetchone()
    except (sqlite3.Error, TypeError):
        raise OperatorError(f"{file} is no backup of Maum, or it is damaged") from None
    if verdict != "ok":
        raise OperatorError(f"{file} is damaged: {verdict}")
    if revision > newest():
        raise OperatorError(f"{file} was written by a newer Maum (schema {revision}): install that version")


async def _lines(connection: AsyncConnection, pragma: str) -> list[str]:
    return [str(row[0]) for row in await connection.execute(text(pragma))]


def _opens(people_: People, person: Person, sealed: bytes) -> bool:
    try:
        people_.open(person, sealed)
    except KeyError:
        return True  # forgotten, which is counted apart
    except ValueError:
        return False
    return True
