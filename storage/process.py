"""Who holds a lease: of a process on this machine we can ask whether it lives, any other has until its lease ends."""

from __future__ import annotations

import os
import secrets
import socket

HOST = socket.gethostname()[:12]
TOKEN = secrets.token_hex(3)


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
