"""The token by which programs are known."""

from __future__ import annotations

import hmac

from starlette.requests import HTTPConnection


def knows_token(connection: HTTPConnection, token: str) -> bool:
    """Does the request carry `Authorization: Bearer TOKEN`? Never true without a token to know."""
    given = connection.headers.get("authorization", "")
    return bool(token) and hmac.compare_digest(given.encode(), f"Bearer {token}".encode())
