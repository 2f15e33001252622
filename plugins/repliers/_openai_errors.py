"""What an error body means, as one of our codes; nothing of what it says in its own words, which may quote a person.

Source: developers.openai.com/api/docs/guides/error-codes; others where a line names them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from bot.errors import ReplyCode

CODES: Mapping[str, ReplyCode] = MappingProxyType(
    {
        "insufficient_quota": "quota",
        "billing_hard_limit_reached": "quota",
        "billing_not_active": "quota",
        "insufficient_balance": "quota",
        "invalid_api_key": "key",
        "authentication_error": "key",
        "permission_error": "key",
        "account_deactivated": "key",
        "model_not_found": "model_gone",
        "not_found_error": "model_gone",
        "context_length_exceeded": "too_long",
        "string_above_max_length": "too_long",
        "exceed_context_size_error": "too_long",  # llama.cpp
        "content_filter": "filtered",
        "content_policy_violation": "filtered",
        "rate_limit_exceeded": "busy",
        "rate_limit_error": "busy",
        "overloaded_error": "busy",
        "server_error": "busy",
    }
)
STATUSES: Mapping[int, ReplyCode] = MappingProxyType(
    {
        401: "key",
        402: "quota",
        403: "key",
        404: "model_gone",
        408: "timeout",
        409: "busy",
        413: "too_long",
        429: "busy",
        502: "unreachable",
        504: "unreachable",
    }
)
TOO_LONG = re.compile(r"context (length|size|window)|maximum context|too long", re.IGNORECASE)  # vLLM says it in words
WORD = re.compile(r"[\w.-]{1,64}")


def field(thing: object, name: str) -> Any:
    """A field of whatever it is: the client builds objects without checking, so any shape may come."""
    return thing.get(name) if isinstance(thing, Mapping) else getattr(thing, name, None)


def code_of(status: int | None, body: object) -> ReplyCode:
    """The body's own words first: 429 is both “slow down” and “the account is empty”."""
    for name in ("code", "type"):
        known = CODES.get(str(field(body, name)).lower())
        if known:
            return known
    said = str(field(body, "code"))
    if status is None and re.fullmatch(r"[45]\d\d", said):  # an HTTP status inside a stream, as OpenRouter sends it
        status = int(said)
    if status in (400, 422) and TOO_LONG.search(str(field(body, "message") or body)):
        return "too_long"
    if status is None:
        return "bad_reply"
    return STATUSES.get(status) or ("busy" if status >= 500 else "failed")


def words_of(body: object) -> str:
    """Code and type of an error body, for the log; anything longer than a word could be a quotation."""
    said = [str(field(body, name)) for name in ("code", "type")]
    return f"({', '.join(word if WORD.fullmatch(word) else '…' for word in said)})"
