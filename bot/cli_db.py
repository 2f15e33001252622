"""`maum db`: schema, backup, restore, check, and the master key."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bot import config
from bot.cli_parts import ConfigFile, run_work
from bot.config import Settings
from bot.errors import OperatorError

app = typer.Typer(no_args_is_help=True, help="The database.")
Force = Annotated[bool, typer.Option("--force", help="Overwrite what is there.")]
BackupFile = Annotated[Path, typer.Argument(metavar="FILE", help="The backup.")]


@app.command()
def upgrade(file: ConfigFile = None) -> None:
    """Bring the database to the newest schema."""
    from bot import cli_doctor

    run_work(cli_doctor.upgrade_database(config.load(file)))


@app.command()
def backup(to: BackupFile, force: Force = False, file: ConfigFile = None) -> None:
    """Copy the database while the bot runs. The keys stay behind: a copy alone can be read by nobody."""
    from storage import backup

    backup.save(_database_file(config.load(file)), to, force=force)
    backup.note_backup(config.state_dir(), to)
    print(f"wrote {to}; keep {config.state_dir() / 'keys'} apart from it, and for no longer than you must")


@app.command()
def restore(given: BackupFile, force: Force = False, file: ConfigFile = None) -> None:
    """Put a backup in the database's place; who was forgotten since is forgotten again."""
    from storage import backup, process

    settings = config.load(file)
    with process.using(config.state_dir(), alone=True):
        backup.restore(given, _database_file(settings), force=force)
        again = run_work(_settle(settings))
    print(f"restored {given}" + (f"; {again} people asked to be forgotten since, and are" if again else ""))


@app.command()
def check(file: ConfigFile = None) -> None:
    """Is the database whole, and does the key open it?"""
    findings = run_work(_check(config.load(file)))
    for finding in findings:
        print(finding)
    print("something is wrong" if findings else "the database is whole, and its key opens it")
    raise typer.Exit(bool(findings))


@app.command()
def rotate_key(file: ConfigFile = None) -> None:
    """Put a new master key in the old one's place; all people's keys are wrapped anew."""
    from storage import process, rotation

    config.load(file)
    state = config.state_dir()
    with process.using(state, alone=True):
        count = rotation.rotate(state / "keys" / "people.db")
    print(f"a new master key is in place; {count} people's keys were wrapped anew")


async def _settle(settings: Settings) -> int:
    from bot.__main__ import open_storage
    from bot.privacy import Privacy

    async with open_storage(settings) as (_, _, people):
        return await Privacy(people).forget_again()


async def _check(settings: Settings) -> list[str]:
    from bot.__main__ import open_storage
    from storage.backup import check

    async with open_storage(settings) as (_, _, people):
        return await check(people)


def _database_file(settings: Settings) -> Path:
    from storage.database import Database

    database = Database(settings.storage.url.replace("{state}", str(config.state_dir())))
    if not database.is_sqlite or not database.url.database:
        raise OperatorError("this database is a server's: use pg_dump and pg_restore, then run `maum db check`")
    return Path(database.url.database)
