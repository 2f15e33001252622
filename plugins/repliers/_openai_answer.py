"""An answer as it comes in, whole or in pieces. The client checks nothing, so every piece is checked here."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from typing import Any, Literal

from bot.errors import ReplyError
from bot.text import clean
from bot.types import Chunk, Usage
from plugins.repliers._openai_errors import WORD, code_of, field, words_of

TAIL_S = 1.0  # how long a finished answer waits for its usage report, which some servers never send
THINKING = ("<think>", "</think>")
BROKEN_FINISHES = frozenset({"error", "abort", "insufficient_system_resource"})  # OpenRouter, vLLM, DeepSeek


async def whole(completion: object) -> AsyncGenerator[Chunk, None]:
    answer = Answer()
    text = answer.take(completion, "message")
    last = answer.end()
    yield Chunk(text, last.finish, last.model, last.usage)


async def streamed(stream: Any) -> AsyncGenerator[Chunk, None]:
    """The chunks of an open stream, which is closed at the end, however it comes."""
    answer = Answer()
    async with stream:
        if "json" in stream.response.headers.get("content-type", ""):  # a server that does not stream, or a late error
            async for chunk in whole(json.loads(await stream.response.aread())):
                yield chunk
            return
        pieces, tail = aiter(stream), None
        while not (answer.finish and answer.usage):
            if answer.finish and tail is None:
                tail = asyncio.get_running_loop().time() + TAIL_S
            try:
                async with asyncio.timeout_at(tail):
                    piece = await anext(pieces)
                text = answer.take(piece, "delta")
            except StopAsyncIteration:
                break
            except Exception:
                if answer.finish:  # the answer is whole; only its tail is broken
                    break
                raise
            if text:
                yield Chunk(text)
    yield answer.end()


class Answer:
    """What is known of an answer so far; checks every piece of it."""

    def __init__(self) -> None:
        self.finish = ""
        self.usage: Usage | None = None
        self._model = ""
        self._said = self._refused = False
        self._held: str | None = ""  # the beginning, until it is clear that no thinking stands there; then None

    def take(self, piece: object, part: Literal["delta", "message"]) -> str:
        """The new text of a chunk or a whole completion.

        Raises:
            ReplyError: it is none, or it is a refusal.
        """
        if fault := field(piece, "error"):
            raise ReplyError(code_of(None, fault), f"an error instead of an answer {words_of(fault)}")
        choices, model = field(piece, "choices"), field(piece, "model")
        self._model = model if isinstance(model, str) else self._model
        self.usage = _usage(field(piece, "usage")) or self.usage
        if not isinstance(choices, list):
            raise ReplyError("bad_reply", f"no choices in an answer of type {type(piece).__name__}")
        if not choices:  # as in the chunk that reports the usage
            return ""
        self._note(field(choices[0], "finish_reason"))
        content = field(choices[0], part)
        self._refused = self._refused or bool(field(content, "refusal"))
        text = self._unthought(clean(_text(field(content, "content"))))
        self._said = self._said or bool(text.strip())
        return text

    def end(self) -> Chunk:
        """The last chunk, without text.

        Raises:
            ReplyError: this was no whole answer.
        """
        if not self._said and self._refused:
            raise ReplyError("filtered", "the model refused")
        if not self.finish:
            raise ReplyError("bad_reply", "the answer ended without a finish_reason")
        if not self._said:
            raise ReplyError("bad_reply", f"an empty answer, finish_reason {self.finish}")
        return Chunk("", "length" if self.finish == "length" else "stop", self._model, self.usage)

    def _note(self, finish: object) -> None:
        if not isinstance(finish, str) or not finish:
            return
        if finish == "content_filter":
            raise ReplyError("filtered", "finish_reason content_filter")
        if finish in BROKEN_FINISHES:
            raise ReplyError("bad_reply", f"finish_reason {finish}")
        self.finish = finish if WORD.fullmatch(finish) else "unknown"

    def _unthought(self, text: str) -> str:
        """Without the thinking that reasoning models behind plain servers write before the first word."""
        if self._held is None:
            return text
        held = (self._held + text).lstrip()
        while held.startswith(THINKING[0]) and THINKING[1] in held:
            held = held.partition(THINKING[1])[2].lstrip()
        if THINKING[0].startswith(held[: len(THINKING[0])]):  # still thinking, or it may yet begin
            self._held = held
            return ""
        self._held = None
        return held


def _text(content: object) -> str:
    if content is None:
        return ""
    if isinstance(content, list):  # a list of parts, as Mistral writes it
        return "".join(_text(field(part, "text")) for part in content)
    if not isinstance(content, str):
        raise ReplyError("bad_reply", f"content of type {type(content).__name__}")
    return content


def _usage(report: object) -> Usage | None:
    prompt, completion = field(report, "prompt_tokens"), field(report, "completion_tokens")
    if not (isinstance(prompt, int) and isinstance(completion, int)) or min(prompt, completion) < 0:
        return None
    return Usage(prompt, completion)
