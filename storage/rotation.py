"""Changing the master key: the new one is on disk before the keys are wrapped anew, the old one until after.

Killed at any moment, either key opens the whole store, and the next start finds the one that does.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from bot.errors import OperatorError
from storage.keys import KeyStore, WrongKeyError, decode, master_key, master_key_file, write_key


def open_keys(path: Path, environ: Mapping[str, str] = os.environ) -> KeyStore:
    """The key store under the operator's master key; a rotation that was cut short is finished first.

    Raises:
        OperatorError: the key is missing, unreadable or another one.
    """
    file = master_key_file(environ)
    next_file = _next(file)
    try:
        return KeyStore(path, master_key(environ))
    except WrongKeyError:
        if environ.get("MAUM_MASTER_KEY") or not next_file.exists():
            raise
        keys = KeyStore(path, decode(next_file.read_text(encoding="ascii"), str(next_file)))
        next_file.replace(file)
        return keys


def rotate(path: Path, environ: Mapping[str, str] = os.environ) -> int:
    """Put a new master key in the old one's place; returns how many people's keys were wrapped anew.

    A key that comes from the environment is replaced by MAUM_NEW_MASTER_KEY, which the operator then sets for good.

    Raises:
        OperatorError: the old key does not open the store, or no new one is given.
    """
    keys = open_keys(path, environ)
    try:
        if environ.get("MAUM_MASTER_KEY"):
            return keys.rotate(_from_environment(environ))
        file = master_key_file(environ)
        next_file = _next(file)
        next_file.unlink(missing_ok=True)  # of a rotation that never came to the store
        write_key(next_file)
        count = keys.rotate(decode(next_file.read_text(encoding="ascii"), str(next_file)))
        next_file.replace(file)
        return count
    finally:
        keys.close()


def _next(file: Path) -> Path:
    return file.with_name(file.name + ".next")


def _from_environment(environ: Mapping[str, str]) -> bytes:
    if not (encoded := environ.get("MAUM_NEW_MASTER_KEY")):
        raise OperatorError(
            "the master key comes from MAUM_MASTER_KEY: set MAUM_NEW_MASTER_KEY beside it (openssl rand -base64 32), "
            "run this again, and then keep the new one in MAUM_MASTER_KEY"
        )
    return decode(encoded, "MAUM_NEW_MASTER_KEY")
