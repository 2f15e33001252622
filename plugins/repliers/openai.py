"""Any server that speaks OpenAI's Chat Completions, through the official client.

Chat Completions rather than Responses, because compatible servers (llama.cpp, Ollama, vLLM, OpenRouter) speak it.
Nothing that comes back is trusted: the official client hands out HTML as a `str`, broken JSON as a bare
JSONDecodeError, and a stream that merely stops as a success, so _openai_answer.py checks every answer and chunk.
Sources: developers.openai.com/api/reference/resources/chat (fields, finish reasons), …/guides/error-codes (codes).
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self
from urllib.parse import urlsplit

from bot.contracts import Replier
from bot.errors import OperatorError, ReplyError
from bot.prompt import Message, render
from bot.types import Chunk, Prompt
from plugins._trust import trust
from plugins.repliers._openai_answer import streamed, whole
from plugins.repliers._openai_errors import code_of, field, words_of

if TYPE_CHECKING:
    from openai import APIStatusError, AsyncOpenAI

log = logging.getLogger(__name__)

OFFICIAL = "https://api.openai.com/v1"
CONNECT_S = 5.0
MAX_SENDS = 4  # of one request: without two fields that the server may refuse, and after a moment's pause
PAUSE_S = 0.4  # before the one second try at a server that is busy for a moment
PATIENCE_S = 2.0  # a server that says it will be busy for longer is not asked again

UNKNOWN_FIELD = re.compile(r"unsupported|unrecogni[sz]ed|unknown|unexpected|not (supported|permitted|allowed)", re.I)


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
            async with aclosing(streamed(answer) if self._stream else whole(answer)) as chunks:
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
            found = field(await self._client.models.list(), "data")
        except Exception as error:
            raise _reply_error(error) from None
        if not isinstance(found, list):
            raise ReplyError("bad_reply", "no list of models")
        models = [(field(one, "id"), field(one, "shutdown_date")) for one in found]
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
            return ReplyError(
                code_of(error.status_code, error.body), f"HTTP {error.status_code} {words_of(error.body)}"
            )
        case openai.APIError():
            return ReplyError(code_of(None, error.body), f"an error event {words_of(error.body)}")
        case ValueError():  # JSONDecodeError, UnicodeDecodeError
            return ReplyError("bad_reply", type(error).__name__)
    return ReplyError("failed", type(error).__name__)


def _pause(error: APIStatusError) -> float | None:
    """How long to wait before a second try; None where it would be in vain."""
    if code_of(error.status_code, error.body) != "busy":
        return None
    asked = error.response.headers.get("retry-after", "")
    pause = float(asked) if re.fullmatch(r"\d+(\.\d+)?", asked) else PAUSE_S
    return pause if pause <= PATIENCE_S else None
