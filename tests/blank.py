"""A new SQLite database at the newest schema, copied from one that was migrated once.

Alembic takes longer than all the rest of a house's opening, and only tests of the schema ask how it came to be.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from storage import upgrade
from storage.database import Database
from storage.process import make_folder

_blank = b""


async def lay(file: Path) -> None:
    """Put an empty database there; one that is there already stays."""
    global _blank
    if file.exists():
        return
    _blank = _blank or await _migrated()
    make_folder(file.parent)
    file.write_bytes(_blank)


async def _migrated() -> bytes:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "maum.db"
        async with Database(f"sqlite+aiosqlite:///{file}") as database:
            await upgrade.upgrade(database)
        return file.read_bytes()
