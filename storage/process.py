"""Processes: who holds a lease, and who uses the state folder.

Of a process on this machine we can ask whether it lives; any other has until its lease ends.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bot.errors import OperatorError

HOST = socket.gethostname()[:12]
TOKEN = secrets.token_hex(3)
PID = "maum.pid"
RELOADED = "reload.json"  # in the state folder: what became of the last reload, for `maum reload`


def owner() -> str:
    """This process: host/pid/token; the token tells it from an earlier process with the same pid."""
    return f"{HOST}/{os.getpid()}/{TOKEN}"


def is_alive(owner_of_lease: str) -> bool:
    """May the owner still be working? Owners on other machines are taken to be."""
    host, pid, token = owner_of_lease.split("/")
    if host != HOST:
        return True
    if int(pid) == os.getpid():
        return token == TOKEN
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


@contextmanager
def using(state: Path, *, alone: bool = False) -> Iterator[None]:
    """Hold the state folder, beside others or `alone`; the system lets go of it when the process dies.

    Raises:
        OperatorError: somebody else holds it in a way that excludes this.
    """
    make_folder(state)
    with (state / "in-use.lock").open("a") as file:
        try:
            fcntl.flock(file, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
        except BlockingIOError:
            who = "the bot is running: stop it first" if alone else "a restore or a key rotation is under way"
            raise OperatorError(f"{state} is in use: {who}") from None
        yield


@contextmanager
def turn(file: Path) -> Iterator[None]:
    """Wait until no other process has the turn that stands for this file; the system ends it when its process dies.

    Raises:
        OperatorError: the file system has no such locks, or no room for the file.
    """
    with ExitStack() as stack:
        try:
            fcntl.flock(stack.enter_context(file.open("a")), fcntl.LOCK_EX)
        except OSError as error:
            cure = "the state folder has to be on a local disk with some room"
            raise OperatorError(f"cannot lock {file}: {error.strerror}; {cure}") from None
        yield


@contextmanager
def pid_file(state: Path) -> Iterator[None]:
    """While this lasts, other processes find this one by `running`."""
    file = state / PID
    file.write_text(f"{os.getpid()}\n", encoding="ascii")
    try:
        yield
    finally:
        file.unlink(missing_ok=True)


def running(state: Path) -> int | None:
    """The process id of the bot that runs over this state folder (the one that started last); None: none does."""
    try:
        pid = int((state / PID).read_text(encoding="ascii"))
        os.kill(pid, 0)
    except (OSError, ValueError):
        return None
    return pid if in_use(state) else None


def in_use(state: Path) -> bool:
    """Does a bot run over this state folder?"""
    try:
        with using(state, alone=True):
            return False
    except OperatorError:
        return True


def make_folder(folder: Path) -> None:
    """Make a folder of the state.

    Raises:
        OperatorError: it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OperatorError(
            f"cannot create the state folder {folder}: {error.strerror}; set MAUM_STATE_DIR to a writable folder"
        ) from None
