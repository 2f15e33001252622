"""Logging in to the pages: one password for all whom the operator lets in.

Why so simple: Maum knows nobody by name. Who a person is, is a random id in their own browser's cookie; the login only
keeps strangers out. Hence one password and no accounts. A session is a signed cookie, so it lives through restarts
and nothing is kept; its key is made of the password, so another password ends all sessions. Those that were ended by
logging out are remembered until they would have ended anyway, or until a restart.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable

COOKIE = "maum_login"
SESSION_S = 7 * 24 * 3_600


class Login:
    """`secret` signs the sessions; `clock` is in seconds since 1970."""

    def __init__(self, password: str, secret: str, clock: Callable[[], float] = time.time) -> None:
        self._key = hashlib.sha256(f"{secret} {password}".encode()).digest()
        self._password = self._mac(password)
        self._clock = clock
        self._ended: dict[str, float] = {}

    def admits(self, password: str) -> bool:
        """Is it the password? Takes as long for a near miss as for a far one."""
        return hmac.compare_digest(self._mac(password), self._password)

    def open(self) -> str:
        """A new session, as the cookie's value."""
        session = f"{int(self._clock()) + SESSION_S}.{secrets.token_urlsafe(16)}"
        return f"{session}.{self._mac(session)}"

    def holds(self, cookie: str | None) -> bool:
        """Is it a session of ours that has not ended?"""
        session, _, signature = (cookie or "").rpartition(".")
        if not hmac.compare_digest(signature.encode(), self._mac(session).encode()) or session in self._ended:
            return False
        return self._clock() < int(session.partition(".")[0])

    def close(self, cookie: str | None) -> None:
        """End a session, on every page that is open in it."""
        if not self.holds(cookie):
            return
        now = self._clock()
        self._ended = {session: end for session, end in self._ended.items() if end > now}
        session = (cookie or "").rpartition(".")[0]
        self._ended[session] = float(session.partition(".")[0])

    def _mac(self, text: str) -> str:
        return hmac.new(self._key, text.encode("utf-8", "replace"), hashlib.sha256).hexdigest()
