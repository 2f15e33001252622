"""A local server that speaks text-embeddings-inference's HTTP format over a real checkpoint, with faults by script.

    async with TEIServer(folder) as server:
        server.will(Fault.OVERLOADED)
        ...
        assert server.requests[0]["truncate"] is True

Shapes, limits and status codes as in huggingface/text-embeddings-inference (docs/openapi.json, router/src/http).
"""

from __future__ import annotations

import asyncio
from collections import deque
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import torch
from aiohttp import web
from transformers import AutoModelForSequenceClassification, AutoTokenizer

FOREVER_S = 3_600.0


class Fault(StrEnum):
    """What goes wrong with the next answer."""

    OVERLOADED = "overloaded"  # 429
    BACKEND = "backend"  # 424
    HTML = "html"  # 502, as a proxy says it
    BROKEN_JSON = "broken_json"
    BROKEN_UTF8 = "broken_utf8"
    WRONG_SHAPE = "wrong_shape"  # an object instead of lists
    FEWER = "fewer"  # one reading too few
    OTHER_LABEL = "other_label"
    NOT_A_NUMBER = "not_a_number"
    RESET = "reset"  # the connection dies before a byte
    STALL = "stall"  # not a byte, for ever


REFUSALS = {Fault.OVERLOADED: (429, "Model is overloaded"), Fault.BACKEND: (424, "Inference failed")}


class TEIServer:
    """Args: `batch`: the most inputs of one request. `key`: the token a caller must send. `kind`: what /info says."""

    def __init__(self, folder: Path, batch: int = 32, key: str = "", kind: str = "classifier") -> None:
        self._network = AutoModelForSequenceClassification.from_pretrained(folder).eval()
        self._tokenizer = AutoTokenizer.from_pretrained(folder)
        self._labels: dict[int, str] = self._network.config.id2label
        self._folder, self._batch, self._key, self._kind = folder, batch, key, kind
        self._faults: deque[Fault] = deque()
        self.requests: list[dict[str, Any]] = []
        self.at_once = self.most_at_once = 0

    def will(self, *faults: Fault) -> None:
        self._faults.extend(faults)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def __aenter__(self) -> Self:
        application = web.Application(client_max_size=2_000_000)  # TEI's --payload-limit
        application.add_routes([web.get("/info", self._info), web.post("/predict", self._predict)])
        self._runner = web.AppRunner(application, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._runner.cleanup()

    async def _info(self, request: web.Request) -> web.StreamResponse:
        labels = {str(index): label for index, label in self._labels.items()}
        about = {"id2label": labels, "label2id": {label: int(index) for index, label in labels.items()}}
        return web.json_response(
            {
                "model_id": str(self._folder),
                "model_sha": None,
                "model_dtype": "float32",
                "model_type": {self._kind: about},
                "max_concurrent_requests": 512,
                "max_input_length": 64,
                "max_batch_tokens": 16384,
                "max_client_batch_size": self._batch,
                "auto_truncate": False,
                "version": "1.7.1",
            }
        )

    async def _predict(self, request: web.Request) -> web.StreamResponse:
        if self._key and request.headers.get("Authorization") != f"Bearer {self._key}":
            return _error(401, "Unauthorized", "Validation")
        body = await request.json()
        self.requests.append(body)
        fault = self._faults.popleft() if self._faults else None
        if fault and (spoilt := await self._spoil(request, fault)):
            return spoilt
        if (refusal := self._refusal(body["inputs"])) is not None:
            return refusal
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        rows = await asyncio.to_thread(self._rows, body)
        self.at_once -= 1
        return web.json_response(_twist(rows, fault))

    def _refusal(self, inputs: Any) -> web.Response | None:
        if not all(isinstance(one, list) and len(one) == 1 for one in inputs):
            return _error(422, "a batch is a list of lists", "Validation")
        if len(inputs) > self._batch:
            return _error(413, f"batch size {len(inputs)} > maximum allowed batch size {self._batch}", "Validation")
        if not all(text for (text,) in inputs):
            return _error(413, "`inputs` cannot be empty", "Validation")
        return None

    def _rows(self, body: dict[str, Any]) -> list[list[dict[str, Any]]]:
        """Each text by itself; labels best first, as TEI sorts them."""
        rows = []
        for (text,) in body["inputs"]:
            tokens = self._tokenizer(text, truncation=body["truncate"], max_length=64, return_tensors="pt")
            with torch.inference_mode():
                logits = self._network(**tokens).logits[0]
            scores = (logits if body["raw_scores"] else logits.softmax(-1)).tolist()
            row = [{"score": score, "label": self._labels[at]} for at, score in enumerate(scores)]
            rows.append(sorted(row, key=lambda one: -float(one["score"])))
        return rows

    async def _spoil(self, request: web.Request, fault: Fault) -> web.StreamResponse | None:
        if fault in REFUSALS:
            status, words = REFUSALS[fault]
            return _error(status, words, fault.value.title())
        if fault is Fault.HTML:
            return web.Response(status=502, text="<html>Bad Gateway</html>", content_type="text/html")
        if fault is Fault.BROKEN_JSON:
            return web.Response(text='[[{"score": 0.1,', content_type="application/json")
        if fault is Fault.BROKEN_UTF8:
            return web.Response(body=b'[["\xff\xfe"]]', content_type="application/json")
        if fault is Fault.RESET:
            assert request.transport is not None
            request.transport.abort()
        if fault is Fault.STALL:
            await asyncio.sleep(FOREVER_S)
        return None


def _twist(rows: list[list[dict[str, Any]]], fault: Fault | None) -> Any:
    if fault is Fault.WRONG_SHAPE:
        return {"predictions": rows}
    if fault is Fault.FEWER:
        return rows[1:]
    if fault is Fault.OTHER_LABEL:
        rows[0][0]["label"] = "something else"
    if fault is Fault.NOT_A_NUMBER:
        rows[0][0]["score"] = None
    return rows


def _error(status: int, words: str, kind: str) -> web.Response:
    return web.json_response({"error": words, "error_type": kind}, status=status)
