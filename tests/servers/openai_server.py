"""A local server that speaks OpenAI's Chat Completions over HTTP and server-sent events, with faults by script.

In a test it has a queue of what to say and a memory of what it was asked:

    async with OpenAIServer() as server:
        server.will("안녕!", Fault.QUOTA, Saying("여기까지만", Fault.CUT))
        ...
        assert server.requests[0].body["model"] == "gpt-test"

On its own it answers kindly, token by token: `python -m tests.servers.openai_server --port 8100`.
Wire format: developers.openai.com/api/reference/resources/chat; each fault was seen in the wild or measured on the
official client (HTML with status 200, streams that merely stop, bodies that drip for ever).
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import re
import time
from collections import deque
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import TracebackType
from typing import Any, Self

from aiohttp import web

FRIENDLY = "그랬구나, 오늘 정말 애썼네. 네 마음이 어땠을지 알 것 같아. 조금 더 이야기해 줄래?"
MODELS = ({"id": "gpt-test", "shutdown_date": None}, {"id": "gpt-old", "shutdown_date": "2026-12-31"})
DRIP_S = 0.05
FOREVER_S = 3_600.0


class Fault(StrEnum):
    """What can go wrong. Those under “midway” come after the saying's text, streaming or not."""

    SERVER_ERROR = "server_error"  # 500
    BAD_GATEWAY = "bad_gateway"  # 502 with HTML
    OVERLOADED = "overloaded"  # 503
    SLOW_DOWN = "slow_down"  # 429, retry-after 1
    SLOW_DOWN_LONG = "slow_down_long"  # 429, retry-after 500
    REQUEST_TIMEOUT = "request_timeout"  # 408, as LiteLLM says it
    QUOTA = "quota"  # 429 insufficient_quota
    BAD_KEY = "bad_key"  # 401
    MODEL_GONE = "model_gone"  # 404
    TOO_LONG = "too_long"  # 400 context_length_exceeded
    TOO_LONG_IN_WORDS = "too_long_in_words"  # 400 with a message only, as vLLM says it
    REFUSED_400 = "refused_400"  # 400 content_policy_violation
    RESET = "reset"  # the connection dies before a byte
    STALL = "stall"  # not a byte, for ever
    HTML = "html"  # 200, a login page
    NO_BODY = "no_body"  # 200, nothing
    BROKEN_JSON = "broken_json"
    BROKEN_UTF8 = "broken_utf8"
    ERROR_200 = "error_200"  # 200 {"error": …}
    NO_CHOICES = "no_choices"
    WRONG_TYPES = "wrong_types"
    NULL_CONTENT = "null_content"
    EMPTY_LENGTH = "empty_length"  # "" and finish_reason length: all tokens went into thinking
    FILTERED = "filtered"  # finish_reason content_filter
    REFUSAL = "refusal"  # the refusal field instead of content
    # midway
    DRIP = "drip"  # a byte now and then, for ever
    CUT = "cut"
    UNFINISHED = "unfinished"  # ends in good order, but without finish_reason and [DONE]
    ERROR_EVENT = "error_event"
    STALL_MIDWAY = "stall_midway"


MIDWAY = frozenset({Fault.DRIP, Fault.CUT, Fault.UNFINISHED, Fault.ERROR_EVENT, Fault.STALL_MIDWAY})
HTML = "<!doctype html><html><body><h1>Sign in to the guest network</h1></body></html>"


def _error(message: str, kind: str, code: str | None) -> dict[str, Any]:
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


#: status, body and headers of the faults that are refusals
REFUSALS: Mapping[Fault, tuple[int, dict[str, Any] | str, dict[str, str]]] = {
    Fault.SERVER_ERROR: (500, _error("The server had an error", "server_error", None), {}),
    Fault.BAD_GATEWAY: (502, HTML, {}),
    Fault.OVERLOADED: (503, _error("The engine is overloaded", "server_error", None), {}),
    Fault.SLOW_DOWN: (429, _error("Rate limit reached", "requests", "rate_limit_exceeded"), {"retry-after": "1"}),
    Fault.SLOW_DOWN_LONG: (429, _error("Rate limit reached", "requests", None), {"retry-after": "500"}),
    Fault.REQUEST_TIMEOUT: (408, _error("Request timed out", "timeout", "408"), {}),
    Fault.QUOTA: (429, _error("You exceeded your quota", "insufficient_quota", "insufficient_quota"), {}),
    Fault.BAD_KEY: (401, _error("Incorrect API key", "invalid_request_error", "invalid_api_key"), {}),
    Fault.MODEL_GONE: (404, _error("The model does not exist", "invalid_request_error", "model_not_found"), {}),
    Fault.TOO_LONG: (400, _error("Too many tokens", "invalid_request_error", "context_length_exceeded"), {}),
    Fault.TOO_LONG_IN_WORDS: (
        400,
        {"object": "error", "message": "This model's maximum context length is 4096 tokens.", "code": 400},
        {},
    ),
    Fault.REFUSED_400: (400, _error("Rejected", "invalid_request_error", "content_policy_violation"), {}),
}


@dataclass(frozen=True, slots=True)
class Saying:
    """One answer: its text, what goes wrong with it, how it says it ended, and the seconds between two tokens."""

    text: str = FRIENDLY
    fault: Fault | None = None
    finish: str = "stop"
    pace_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Request:
    headers: Mapping[str, str]
    body: dict[str, Any]


class OpenAIServer:
    """`refuses`: request fields it does not know. `usage`, `streams`: whether it reports usage, and streams at all."""

    def __init__(
        self, port: int = 0, *, refuses: tuple[str, ...] = (), usage: bool = True, streams: bool = True
    ) -> None:
        self.requests: list[Request] = []
        self.hung_up = asyncio.Event()  # a client closed an answer before its end
        self.otherwise = Saying()
        self._queue: deque[Saying] = deque()
        self._port, self._refuses, self._usage, self._streams = port, refuses, usage, streams
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.add_routes([web.post("/v1/chat/completions", self._complete), web.get("/v1/models", self._models)])
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.2, access_log=None)

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._runner.cleanup()

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._port}/v1"

    def will(self, *sayings: str | Fault | Saying) -> None:
        """Say these next, one per request; after them, `otherwise`."""
        self._queue.extend(_saying(one) for one in sayings)

    def always(self, saying: str | Fault | Saying) -> None:
        self.otherwise = _saying(saying)

    async def _models(self, request: web.Request) -> web.StreamResponse:
        if not request.headers.get("Authorization", "").startswith("Bearer "):
            return _refuse(Fault.BAD_KEY)
        return web.json_response({"object": "list", "data": [{"object": "model"} | model for model in MODELS]})

    async def _complete(self, request: web.Request) -> web.StreamResponse:
        if not request.headers.get("Authorization", "").startswith("Bearer "):
            return _refuse(Fault.BAD_KEY)
        try:
            body = await request.json() if request.content_type == "application/json" else None
        except ValueError:
            body = None
        wrong = self._wrong(body)
        if wrong or not isinstance(body, dict):
            return web.json_response(_error(wrong, "invalid_request_error", None), status=400)
        self.requests.append(Request(dict(request.headers), body))
        saying = self._queue.popleft() if self._queue else self.otherwise
        try:
            return await self._say(request, body, saying)
        except (asyncio.CancelledError, ConnectionError):
            self.hung_up.set()
            raise

    async def _say(self, request: web.Request, body: dict[str, Any], saying: Saying) -> web.StreamResponse:
        if saying.fault and saying.fault in REFUSALS:
            return _refuse(saying.fault)
        if saying.fault is Fault.RESET:
            return _hang_up(request, web.Response())
        if saying.fault is Fault.STALL:
            await asyncio.sleep(FOREVER_S)
        if saying.fault is Fault.HTML:
            return web.Response(text=HTML, content_type="text/html")
        if body.get("stream") and self._streams:
            return await self._stream(request, body, saying)
        return await self._answer(request, body, saying)

    async def _answer(self, request: web.Request, body: dict[str, Any], saying: Saying) -> web.StreamResponse:
        """A whole completion."""
        choice = _choice(saying, "message", saying.text, saying.finish)
        completion = _envelope(body, "chat.completion") | {"choices": [choice]}
        if self._usage:
            completion["usage"] = _usage(body, saying.text)
        sent = _bytes(_spoilt(completion, saying.fault), saying.fault)
        if saying.fault not in (Fault.CUT, Fault.DRIP, Fault.STALL_MIDWAY):
            return web.Response(body=sent, content_type="application/json")
        response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": str(len(sent))})
        await response.prepare(request)
        for byte in sent if saying.fault is Fault.DRIP else ():
            await response.write(bytes([byte]))
            await asyncio.sleep(DRIP_S)
        await response.write(sent[: len(sent) // 2])
        if saying.fault is Fault.STALL_MIDWAY:
            await asyncio.sleep(FOREVER_S)
        await asyncio.sleep(DRIP_S)  # let the half arrive, so that it is the body that breaks
        return _hang_up(request, response)

    async def _stream(self, request: web.Request, body: dict[str, Any], saying: Saying) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream; charset=utf-8"})
        await response.prepare(request)
        async for event in self._events(body, saying):
            await response.write(event)
        if saying.fault is Fault.STALL_MIDWAY:
            await asyncio.sleep(FOREVER_S)
        if saying.fault is Fault.CUT:
            await asyncio.sleep(DRIP_S)
            return _hang_up(request, response)
        return response

    async def _events(self, body: dict[str, Any], saying: Saying) -> AsyncIterator[bytes]:
        envelope = _envelope(body, "chat.completion.chunk")
        if saying.fault and saying.fault not in MIDWAY:
            choice = _choice(saying, "delta", saying.text, saying.finish)
            yield _event(_bytes(_spoilt(envelope | {"choices": [choice]}, saying.fault), saying.fault))
            return
        for token in re.findall(r"\S{1,2}|\s+", saying.text):
            yield _event(_bytes(envelope | {"choices": [_choice(saying, "delta", token, None)]}))
            await asyncio.sleep(saying.pace_s)
        while saying.fault is Fault.DRIP:
            yield _event(_bytes(envelope | {"choices": [_choice(saying, "delta", "음", None)]}))
            await asyncio.sleep(DRIP_S)
        if saying.fault is Fault.ERROR_EVENT:
            yield _event(_bytes(_error("The server had an error", "server_error", None)))
        if saying.fault:
            return
        yield _event(_bytes(envelope | {"choices": [{"index": 0, "delta": {}, "finish_reason": saying.finish}]}))
        if self._usage and body.get("stream_options", {}).get("include_usage"):
            yield _event(_bytes(envelope | {"choices": [], "usage": _usage(body, saying.text)}))
        yield _event(b"[DONE]")

    def _wrong(self, body: object) -> str:
        """Why a request is refused; empty for a good one."""
        if not isinstance(body, dict):
            return "the body must be a JSON object with content type application/json"
        unknown = [field for field in self._refuses if field in body]
        if unknown:
            return f"Unrecognized request argument supplied: {unknown[0]}"
        if not isinstance(body.get("model"), str) or not body["model"]:
            return "you must provide a model parameter"
        if not _alternating(body.get("messages")):
            return "messages must be one system message, then user and assistant in turn, the user first and last"
        limits = [body[field] for field in ("max_tokens", "max_completion_tokens") if field in body]
        if len(limits) > 1 or not all(isinstance(limit, int) and limit > 0 for limit in limits):
            return "give one limit of tokens, above 0"
        return ""


def _alternating(messages: object) -> bool:
    if not isinstance(messages, list) or len(messages) < 2 or not all(isinstance(one, dict) for one in messages):
        return False
    roles = [one.get("role") for one in messages]
    wanted = ["system", *(("user", "assistant")[number % 2] for number in range(len(roles) - 1))]
    return roles == wanted and len(roles) % 2 == 0 and all(isinstance(one.get("content"), str) for one in messages)


def _saying(one: str | Fault | Saying) -> Saying:
    if isinstance(one, Saying):
        return one
    if isinstance(one, Fault):
        return Saying("" if one in MIDWAY else FRIENDLY, one)
    return Saying(one)


def _refuse(fault: Fault) -> web.Response:
    status, body, headers = REFUSALS[fault]
    if isinstance(body, str):
        return web.Response(text=body, status=status, headers=headers, content_type="text/html")
    return web.json_response(body, status=status, headers=headers)


def _hang_up(request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
    if request.transport is not None:
        request.transport.abort()
    return response


def _envelope(body: dict[str, Any], kind: str) -> dict[str, Any]:
    return {"id": "chatcmpl-1", "object": kind, "created": int(time.time()), "model": f"{body['model']}-2026-11-01"}


def _choice(saying: Saying, part: str, text: str, finish: str | None) -> dict[str, Any]:
    finish = None if saying.fault is Fault.UNFINISHED else finish
    return {"index": 0, part: {"role": "assistant", "content": text}, "finish_reason": finish}


def _spoilt(answer: dict[str, Any], fault: Fault | None) -> dict[str, Any]:
    """A completion, or the one chunk of a stream, with something wrong in it."""
    choice = answer["choices"][0]
    part = "message" if "message" in choice else "delta"
    said = choice[part]
    match fault:
        case Fault.ERROR_200 | Fault.ERROR_EVENT:
            return _error("The server had an error", "server_error", None)
        case Fault.NO_CHOICES:
            return answer | {"choices": []}
        case Fault.WRONG_TYPES:
            return answer | {"choices": [{"index": "0", part: {"role": 1, "content": {"a": 1}}, "finish_reason": 7}]}
        case Fault.NULL_CONTENT:
            said = said | {"content": None}
        case Fault.EMPTY_LENGTH:
            choice, said = choice | {"finish_reason": "length"}, said | {"content": ""}
        case Fault.FILTERED:
            choice, said = choice | {"finish_reason": "content_filter"}, said | {"content": None}
        case Fault.REFUSAL:
            said = said | {"content": None, "refusal": "I cannot help with that."}
    return answer | {"choices": [choice | {part: said}]}


def _bytes(answer: dict[str, Any], fault: Fault | None = None) -> bytes:
    written = json.dumps(answer, ensure_ascii=False).encode()
    match fault:
        case Fault.NO_BODY:
            return b""
        case Fault.BROKEN_JSON:
            return written[: len(written) // 2]
        case Fault.BROKEN_UTF8:
            return written.replace("그".encode(), b"\xea\xb7")
    return written


def _event(data: bytes) -> bytes:
    return b"data: " + data + b"\n\n" if data else b""


def _usage(body: dict[str, Any], text: str) -> dict[str, int]:
    prompt = sum(len(message["content"]) for message in body["messages"])
    return {"prompt_tokens": prompt, "completion_tokens": len(text), "total_tokens": prompt + len(text)}


async def _serve(port: int, words: str, pace_s: float) -> None:
    async with OpenAIServer(port) as server:
        server.always(Saying(words, pace_s=pace_s))
        print(f"listening on {server.base_url} (any key, any model)", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="A local server that speaks OpenAI's Chat Completions.")
    parser.add_argument("--port", type=int, default=8100)
    parser.add_argument("--words", default=FRIENDLY, help="what it answers")
    parser.add_argument("--pace", type=float, default=0.04, help="seconds between two tokens")
    options = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(options.port, options.words, options.pace))
