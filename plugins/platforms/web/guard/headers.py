"""What a browser may do with what we send. Exceptions from “nothing” are named here, and explained in SECURITY.md."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import Message, Send

CLOSED = "base-uri 'none'; frame-ancestors 'none'"
#: answers for programs, and files of ours
NOTHING = f"default-src 'none'; form-action 'none'; {CLOSED}"
#: pages without any script: login, errors
PLAIN = f"default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; {CLOSED}"
#: an export that is looked at: its own style, and it can neither run nor load nor send anything
EXPORT = f"default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; sandbox; {CLOSED}"
#: FastAPI's page about the API starts with a script of its own, and shows no word of a person
DOCS = (
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    f"img-src 'self' data:; form-action 'none'; {CLOSED}"
)
DOCS_PATHS = frozenset({"/docs", "/docs/oauth2-redirect"})
HEADERS: Mapping[str, str] = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",  # stricter, and our own forms would come from nowhere (Origin: null)
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=(), browsing-topics=()",
}


def chat(nonce: str) -> str:
    """The chat pages' policy: only scripts that carry this answer's nonce, or come from files of this host, run."""
    return (
        f"default-src 'self'; script-src 'self' 'nonce-{nonce}' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
        f"img-src 'self' data:; connect-src 'self'; object-src 'none'; form-action 'self'; {CLOSED}"
    )


def dressed(connection: HTTPConnection, send: Send) -> Send:
    """A `send` that adds what is missing, and marks cookies as secure where they travel so."""
    path = connection.scope.get("path", "")

    async def with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
            headers.setdefault("Content-Security-Policy", DOCS if path in DOCS_PATHS else NOTHING)
            if not path.startswith("/maum-static/"):
                headers.setdefault("Cache-Control", "no-store")
            if connection.scope["scheme"] == "https":
                message["headers"] = [_secure(name, value) for name, value in message["headers"]]
        await send(message)

    return with_headers


def _secure(name: bytes, value: bytes) -> tuple[bytes, bytes]:
    cookie = name.lower() == b"set-cookie" and b"; secure" not in value.lower()
    return name, value + b"; Secure" if cookie else value
