"""Brings a database to the newest schema (Alembic). SQLite does so at start, PostgreSQL by `maum db upgrade`."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from bot.errors import OperatorError
from storage.database import Database


def newest() -> str:
    """The newest schema's revision."""
    return str(ScriptDirectory.from_config(_config()).get_current_head())


async def upgrade(database: Database) -> None:
    """Migrate to the newest schema; an up-to-date database is left alone.

    Raises:
        OperatorError: the database was written by a newer version of Maum.
    """
    await database.write(lambda connection: connection.run_sync(_upgrade))


async def check(database: Database) -> None:
    """Refuse to start on a schema that is not the newest one.

    Raises:
        OperatorError: the schema is older or newer than this version of Maum.
    """
    current = await database.write(lambda connection: connection.run_sync(_current))
    _refuse_newer(current)
    if current != newest():
        raise OperatorError(f"the database's schema is {current or 'empty'}, not {newest()}: run `maum db upgrade`")


def _upgrade(connection: Connection) -> None:
    current = _current(connection)
    _refuse_newer(current)
    if current != newest():
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _current(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _refuse_newer(revision: str | None) -> None:
    known = {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}
    if revision is not None and revision not in known:
        raise OperatorError(
            f"the database was written by a newer Maum (schema {revision}, this version knows {newest()}): "
            "install that version, or point storage.url at another database"
        )


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config
