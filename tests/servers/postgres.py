"""A private PostgreSQL server for tests: its own folder and port, gone afterwards. Needs Debian's `postgresql`."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

WHAT_TO_INSTALL = "PostgreSQL is not installed: apt-get install postgresql (scripts/system-packages.sh does)"
FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


def binaries() -> Path | None:
    """The newest installed server's programs; None when there is none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
    return found[-1].parent if found else None


@contextmanager
def server() -> Iterator[str]:
    """A running server; yields its URL up to the database's name."""
    programs = binaries()
    assert programs is not None, WHAT_TO_INSTALL
    folder = Path(tempfile.mkdtemp(prefix="maum-postgres-"))
    port = _free_port()
    try:
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            owner = pwd.getpwnam("postgres")
            os.chown(folder, owner.pw_uid, owner.pw_gid)
        _run(programs / "initdb", "-D", folder, "-A", "trust", "-U", "postgres", "--no-sync", "--locale=C.UTF-8")
        options = ["-h", "127.0.0.1", "-p", str(port), "-k", str(folder), *(f"-c {setting}" for setting in FAST)]
        _run(programs / "pg_ctl", "-D", folder, "-l", folder / "log", "-o", " ".join(options), "-w", "start")
        yield f"postgresql+asyncpg://postgres@127.0.0.1:{port}"
    finally:
        if (folder / "postmaster.pid").exists():
            _run(programs / "pg_ctl", "-D", folder, "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)


def statement(url: str, sql: str) -> None:
    """Run one statement on the server itself, outside any transaction (CREATE DATABASE)."""
    programs = binaries()
    assert programs is not None
    host, _, port = url.rpartition("@")[2].partition(":")
    words = [programs / "psql", "-h", host, "-p", port, "-U", "postgres", "-q", "-c", sql]
    subprocess.run([str(word) for word in words], check=True, capture_output=True, timeout=30)


def _run(*words: object) -> None:
    command = [str(word) for word in words]
    if os.geteuid() == 0:
        command = ["runuser", "-u", "postgres", "--", *command]
    # no pipes: the server that pg_ctl starts would keep them open
    done = subprocess.run(
        command, cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60
    )
    assert done.returncode == 0, f"{' '.join(command)} ended with {done.returncode}"


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
