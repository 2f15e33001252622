"""What is known to be wrong with the SQLite that this Python was built with."""

from __future__ import annotations

import sqlite3

WAL_RESET_FIXED = (3, 51, 3)
#: older lines that got the fix, too: (major, minor) → the first good patch level
BACKPORTS = {(3, 44): 6, (3, 50): 7}


def has_wal_reset_bug(version: tuple[int, int, int] = sqlite3.sqlite_version_info) -> bool:
    """Can a checkpoint that overlaps another connection's commit lose that commit, or damage the file?

    The race needs two connections that write or checkpoint at the same moment (sqlite.org/wal.html#walresetbug). Ours
    never do: one connection of a process commits and checkpoints, in its process's turn (storage/process.py).
    """
    backport = BACKPORTS.get(version[:2])
    return version < WAL_RESET_FIXED and not (backport is not None and version[2] >= backport)
