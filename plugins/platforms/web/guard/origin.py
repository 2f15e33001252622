"""By which name we were asked for, and which site's page asks.

A page of another site cannot set either header: so a foreign name (a DNS name that was pointed at this machine) and a
foreign origin (a form or a socket opened behind a person's back) are known without tokens in every form. See OWASP's
Cross-Site Request Forgery Prevention Cheat Sheet, “Verifying Origin With Standard Headers”.
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
READING = frozenset({"GET", "HEAD", "OPTIONS"})  # what changes nothing


class Names:
    """The names under which we may be asked for, besides this machine's own; `None`: any."""

    def __init__(self, names: Iterable[str] | None) -> None:
        self._names = None if names is None else LOOPBACK_NAMES | {name.lower() for name in names}

    def know(self, connection: HTTPConnection) -> bool:
        return self._names is None or _name(connection.headers.get("host", "")) in self._names


def is_foreign(connection: HTTPConnection) -> bool:
    """Does another site's page ask for something that changes things, or for a socket? (Programs name no origin.)"""
    if connection.scope["type"] == "http" and connection.scope["method"] in READING:
        return False
    origin = connection.headers.get("origin")
    if origin is not None:
        return _netloc(origin) != connection.headers.get("host", "").lower()
    return connection.headers.get("sec-fetch-site", "none") not in ("same-origin", "none")


def _netloc(origin: str) -> str:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""


def _name(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""
