"""Small things that every text needs."""

from __future__ import annotations


def clean(text: str) -> str:
    """The text without NUL, which PostgreSQL cannot store, and lone surrogates, which are no UTF-8."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode()


def shorten(text: str, limit: int) -> str:
    """The text, or its beginning and end when it is longer than `limit` characters."""
    if len(text) <= limit:
        return text
    head = limit * 2 // 3
    return f"{text[:head]} … {text[len(text) - (limit - head) :]}"
