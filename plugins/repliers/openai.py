"""Any server that speaks OpenAI's Chat Completions, through the official client.

Chat Completions rather than Responses, because compatible servers (llama.cpp, Ollama, vLLM, OpenRouter) speak it.
Nothing that comes back is trusted: the official client hands out HTML as a `str`, broken JSON as a bare
JSONDecodeError, and a stream that merely stops as a success, so every answer and every chunk is checked here.
Sources: developers.openai.com/api/reference/resources/chat (fields, finish reasons), …/guides/error-codes (codes).
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import re
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from types import MappingProxyType, TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self
from urllib.parse import urlsplit

from bot.contracts import Replier
from bot.errors import OperatorError, ReplyCode, ReplyError
from bot.prompt import Message, render
from bot.text import clean
from bot.types import Chunk, Prompt, Usage
from plugins._trust import trust

if TYPE_CHECKING:
    from openai import APIStatusError, AsyncOpenAI

log = logging.getLogger(__name__)

OFFICIAL = "https://api.openai.com/v1"
CONNECT_S = 5.0
TAIL_S = 1.0  # how long a finished answer waits for its usage report, which some servers never send
MAX_SENDS = 4  # of one request: without two fields that the server may refuse, and after a moment's pause
PAUSE_S = 0.4  # before the one second try at a server that is busy for a moment
PATIENCE_S = 2.0  # a server that says it will be busy for longer is not asked again
THINKING = ("<think>", "</think>")

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
UNKNOWN_FIELD = re.compile(r"unsupported|unrecogni[sz]ed|unknown|unexpected|not (supported|permitted|allowed)", re.I)
BROKEN_FINISHES = frozenset({"error", "abort", "insufficient_system_resource"})  # OpenRouter, vLLM, DeepSeek
WORD = re.compile(r"[\w.-]{1,64}")


class OpenAIReplier(Replier):
    """The options, as they stand in config.toml; the key comes from the environment, `OPENAI_API_KEY`.

    Args:
        model: the server's name for it; there is no default, since models are shut down.
        base_url: a compatible server of your own needs no key.
        stream: let the words come as they are written.
        temperature: None leaves it to the server; some models refuse any other.
        max_tokens: the most tokens of one answer.
        price_in, price_out: per million tokens, in the budget's currency; 0 is free and has no spending cap.
        timeout_s: the longest silence between two pieces of an answer (its whole time is the fallback's affair).
        limit_field: what the server calls `max_tokens`; by default official models say `max_completion_tokens`.
    """

    def __init__(
        self,
        model: str = "",
        base_url: str = OFFICIAL,
        stream: bool = True,
        temperature: float | None = None,
        max_tokens: int = 400,
        price_in: float = 0,
        price_out: float = 0,
        timeout_s: float = 30.0,
        limit_field: Literal["", "max_tokens", "max_completion_tokens"] = "",
    ) -> None:
        if urlsplit(base_url).scheme not in ("http", "https") or not urlsplit(base_url).hostname:
            raise OperatorError(f"replier option base_url = {base_url!r}: must begin with https:// or http://")
        if max_tokens < 1 or timeout_s <= 0 or price_in < 0 or price_out < 0:
            raise OperatorError("replier options max_tokens and timeout_s must be above 0, the prices not below 0")
        self._model, self._base_url, self._stream = model, base_url, stream
        self._temperature, self._timeout_s = temperature, timeout_s
        self.prices, self.max_tokens = (price_in, price_out), max_tokens
        self._official = urlsplit(base_url).hostname == urlsplit(OFFICIAL).hostname
        self._limit_field: str = limit_field or ("max_completion_tokens" if self._official else "max_tokens")
        self._asks_usage = True
        self._client: AsyncOpenAI | None = None

    async def __aenter__(self) -> Self:
        key = os.environ.get("OPENAI_API_KEY", "").strip()
        if self._official and not key:
            log.warning("no OPENAI_API_KEY: using the offline voice")
            return self
        if not self._model:
            log.error("no model for %s: set replier.openai.model (`maum doctor` lists them)", self._base_url)
        import openai

        logger = logging.getLogger("openai")
        logger.setLevel(max(logger.getEffectiveLevel(), logging.INFO))  # its debug log would hold whole conversations
        self._client = openai.AsyncOpenAI(
            api_key=key or "none",
            base_url=self._base_url,
            timeout=openai.Timeout(self._timeout_s, connect=min(CONNECT_S, self._timeout_s)),
            max_retries=0,
            http_client=openai.DefaultAsyncHttpxClient(verify=trust(self._base_url)),
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._client is not None:
            await self._client.close()
        self._client = None

    async def reply(self, prompt: Prompt) -> AsyncGenerator[Chunk, None]:
        """Stream an answer. Closing the generator, or cancelling whoever reads it, closes the connection.

        Raises:
            ReplyError: and nothing else. Without a detail where `__aenter__` has told the owner already.
        """
        if self._client is None:
            raise ReplyError("key")
        if not self._model:
            raise ReplyError("model_gone")
        try:
            answer = await self._ask(self._client, render(prompt))
            async with aclosing(_streamed(answer) if self._stream else _whole(answer)) as chunks:
                async for chunk in chunks:
                    yield chunk
        except Exception as error:
            raise _reply_error(error) from None  # a foreign error may quote what a person wrote

    async def offered(self) -> list[tuple[str, str | None]]:
        """The server's models: id, and the day of its shutdown where the server tells one.

        Raises:
            ReplyError: the server cannot be asked.
        """
        if self._client is None:
            raise ReplyError("key", "no OPENAI_API_KEY")
        try:
            found = _get(await self._client.models.list(), "data")
        except Exception as error:
            raise _reply_error(error) from None
        if not isinstance(found, list):
            raise ReplyError("bad_reply", "no list of models")
        models = [(_get(one, "id"), _get(one, "shutdown_date")) for one in found]
        return [(name, day if isinstance(day, str) else None) for name, day in models if isinstance(name, str)]

    async def _ask(self, client: AsyncOpenAI, messages: list[Message]) -> Any:
        """Send the request; again where this server refuses a field, and once if it is busy for a moment only."""
        from openai import APIStatusError

        patient = True
        for _ in range(MAX_SENDS - 1):
            try:
                return await client.chat.completions.create(**self._request(messages))
            except APIStatusError as error:
                if self._learns(error):
                    continue
                pause = _pause(error) if patient else None
                if pause is None:
                    raise
            patient = False
            await asyncio.sleep(pause)
        return await client.chat.completions.create(**self._request(messages))

    def _request(self, messages: list[Message]) -> dict[str, Any]:
        request: dict[str, Any] = {"model": self._model, "messages": messages, "stream": self._stream}
        request[self._limit_field] = self.max_tokens
        if self._temperature is not None:
            request["temperature"] = self._temperature
        if self._stream and self._asks_usage:
            request["stream_options"] = {"include_usage": True}
        if self._official:
            request["store"] = False
        return request

    def _learns(self, error: APIStatusError) -> bool:
        """True when the server refused a field that can be left out or said otherwise; remembered from then on."""
        if error.status_code not in (400, 422) or not UNKNOWN_FIELD.search(error.message):
            return False
        if self._asks_usage and "stream_options" in error.message:
            self._asks_usage = False
            return True
        if self._limit_field in error.message:
            self._limit_field = "max_completion_tokens" if self._limit_field == "max_tokens" else "max_tokens"
            return True
        return False


class _Answer:
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
        if fault := _get(piece, "error"):
            raise ReplyError(_code(None, fault), f"an error instead of an answer {_words(fault)}")
        choices, model = _get(piece, "choices"), _get(piece, "model")
        self._model = model if isinstance(model, str) else self._model
        self.usage = _usage(_get(piece, "usage")) or self.usage
        if not isinstance(choices, list):
            raise ReplyError("bad_reply", f"no choices in an answer of type {type(piece).__name__}")
        if not choices:  # as in the chunk that reports the usage
            return ""
        self._note(_get(choices[0], "finish_reason"))
        content = _get(choices[0], part)
        self._refused = self._refused or bool(_get(content, "refusal"))
        text = self._unthought(clean(_text(_get(content, "content"))))
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


async def _whole(completion: object) -> AsyncGenerator[Chunk, None]:
    answer = _Answer()
    text = answer.take(completion, "message")
    last = answer.end()
    yield Chunk(text, last.finish, last.model, last.usage)


async def _streamed(stream: Any) -> AsyncGenerator[Chunk, None]:
    """The chunks of an open stream, which is closed at the end, however it comes."""
    answer = _Answer()
    async with stream:
        if "json" in stream.response.headers.get("content-type", ""):  # a server that does not stream, or a late error
            async for chunk in _whole(json.loads(await stream.response.aread())):
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


def _get(thing: object, name: str) -> Any:
    """A field of whatever it is: the client builds objects without checking, so any shape may come."""
    return thing.get(name) if isinstance(thing, Mapping) else getattr(thing, name, None)


def _text(content: object) -> str:
    if content is None:
        return ""
    if isinstance(content, list):  # a list of parts, as Mistral writes it
        return "".join(_text(_get(part, "text")) for part in content)
    if not isinstance(content, str):
        raise ReplyError("bad_reply", f"content of type {type(content).__name__}")
    return content


def _usage(report: object) -> Usage | None:
    prompt, completion = _get(report, "prompt_tokens"), _get(report, "completion_tokens")
    if not (isinstance(prompt, int) and isinstance(completion, int)) or min(prompt, completion) < 0:
        return None
    return Usage(prompt, completion)


def _reply_error(error: Exception) -> ReplyError:
    """Every exception as one of ours; its message is left behind, since servers quote the request in theirs."""
    import openai

    match error:
        case ReplyError():
            return error
        case openai.APITimeoutError():
            return ReplyError("timeout", "the server said nothing for too long")
        case openai.APIConnectionError() | OSError():
            return ReplyError("unreachable", type(error.__cause__ or error).__name__)
        case openai.APIStatusError():
            return ReplyError(_code(error.status_code, error.body), f"HTTP {error.status_code} {_words(error.body)}")
        case openai.APIError():
            return ReplyError(_code(None, error.body), f"an error event {_words(error.body)}")
        case ValueError():  # JSONDecodeError, UnicodeDecodeError
            return ReplyError("bad_reply", type(error).__name__)
    return ReplyError("failed", type(error).__name__)


def _code(status: int | None, body: object) -> ReplyCode:
    """The body's own words first: 429 is both “slow down” and “the account is empty”."""
    for name in ("code", "type"):
        known = CODES.get(str(_get(body, name)).lower())
        if known:
            return known
    said = str(_get(body, "code"))
    if status is None and re.fullmatch(r"[45]\d\d", said):  # an HTTP status inside a stream, as OpenRouter sends it
        status = int(said)
    if status in (400, 422) and TOO_LONG.search(str(_get(body, "message") or body)):
        return "too_long"
    if status is None:
        return "bad_reply"
    return STATUSES.get(status) or ("busy" if status >= 500 else "failed")


def _words(body: object) -> str:
    """Code and type of an error body, for the log; anything longer than a word could be a quotation."""
    said = [str(_get(body, name)) for name in ("code", "type")]
    return f"({', '.join(word if WORD.fullmatch(word) else '…' for word in said)})"


def _pause(error: APIStatusError) -> float | None:
    """How long to wait before a second try; None where it would be in vain."""
    if _code(error.status_code, error.body) != "busy":
        return None
    asked = error.response.headers.get("retry-after", "")
    pause = float(asked) if re.fullmatch(r"\d+(\.\d+)?", asked) else PAUSE_S
    return pause if pause <= PATIENCE_S else None
