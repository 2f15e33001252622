"""Whom an HTTP client of ours believes."""

from __future__ import annotations

import ssl
from urllib.parse import urlsplit


def trust(base_url: str) -> ssl.SSLContext | bool:
    """An HTTP client's `verify`: True is its own list of trusted certificates, which takes longer to read than all else
    at a start. A server that is spoken to without encryption needs none, and trusts nobody should it change to it.
    """
    return urlsplit(base_url).scheme == "https" or ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
