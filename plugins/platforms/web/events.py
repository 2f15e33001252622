"""An answer as server-sent events: `reading`, `delta` {text} …, then `reply` (the whole answer) or `error`."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

from bot.locale import say
from bot.types import Language, Outgoing
from plugins.platforms.web import shapes

CUT = ("cut", "stopped")  # notices beside an answer that is there


async def events(
    first: Outgoing, rest: AsyncIterator[Outgoing], language: Language, ai_notice: str | None
) -> AsyncIterator[str]:
    """`reading`, `delta` {text} …, then `reply` (the whole answer) or `error` {code, message}."""
    sent, told = "", False
    async for outgoing in _chain(first, rest):
        if outgoing.reading and not told:
            told = True
            yield _event("reading", shapes.reading_shape(outgoing.reading))
        if outgoing.final:
            if failed(outgoing):
                message = say(language, f"notice.{outgoing.notice}")
                yield _event("error", {"code": outgoing.notice, "message": message})
            else:
                yield _event("reply", shapes.answer_shape(outgoing, ai_notice).model_dump())
        elif len(outgoing.text) > len(sent):
            yield _event("delta", {"text": outgoing.text[len(sent) :]})
            sent = outgoing.text


async def _chain(first: Outgoing, rest: AsyncIterator[Outgoing]) -> AsyncIterator[Outgoing]:
    yield first
    async for outgoing in rest:
        yield outgoing


def _event(name: str, data: dict[str, Any]) -> str:
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"


def failed(outgoing: Outgoing) -> bool:
    """Is there no answer to show, or none but the one that stood there before?"""
    return outgoing.reply is None or (bool(outgoing.notice) and outgoing.notice not in CUT)
