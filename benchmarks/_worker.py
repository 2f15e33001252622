"""One way of classifying, in a process of its own: reads tasks as JSON lines, writes what it measured.

python benchmarks/_worker.py WAY MODEL [key=value …]      WAY: pipeline, bare, maum, infinity

A task: {"texts": […], "callers": n}. Callers ask one text after the other until none is left; where there are
several, a 2 ms ticker measures how late the event loop is. Imports nothing of ours at the top: infinity's environment
has other versions of everything.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

Ask = Callable[[str], Awaitable[object]]
TICK_S = 0.002


class Way:
    """`ask` classifies one text; `at_once`, where it is there, a list that is known in advance."""

    ask: Ask | None = None
    at_once: Callable[[list[str]], object] | None = None
    about: dict[str, object] = {}  # noqa: RUF012  # replaced, never changed


@asynccontextmanager
async def pipeline(model: str, **options: str) -> AsyncIterator[Way]:
    """The original system's way: one text at a time through transformers' pipeline, on the event loop."""
    from transformers import AutoModelForSequenceClassification, AutoTokenizer, TextClassificationPipeline

    network = AutoModelForSequenceClassification.from_pretrained(model, dtype="float32").to(
        options.get("device", "cpu")
    )
    run = TextClassificationPipeline(model=network, tokenizer=AutoTokenizer.from_pretrained(model), top_k=5)

    async def ask(text: str) -> object:
        return run(text, truncation=True, max_length=128)

    way = Way()
    way.ask = ask
    yield way


@asynccontextmanager
async def bare(model: str, **options: str) -> AsyncIterator[Way]:
    """The ceiling: no queue, no loop. Alone: encode and forward. A list: sorted by length, at most 32 a batch."""
    os.environ["TOKENIZERS_PARALLELISM"] = "true"  # the list is tokenised by all cores
    from plugins.classifiers import _loading

    precision, device = options.get("precision", "auto"), options.get("device", "cpu")
    loaded = _loading.load(model, device, precision, int(options.get("threads", "0")), 128, 32)

    def at_once(texts: list[str]) -> object:
        items = sorted(loaded.encode(texts), key=len)
        return [loaded.ladder.forward(items[at : at + 32]) for at in range(0, len(items), 32)]

    async def ask(text: str) -> object:
        return loaded.ladder.forward(loaded.encode([text]))

    way = Way()
    way.ask, way.at_once, way.about = ask, at_once, {"computes": loaded.card.computes}
    yield way


@asynccontextmanager
async def maum(model: str, **options: str) -> AsyncIterator[Way]:
    """Ours."""
    from bot.types import Text
    from plugins.classifiers.transformers import TransformersClassifier

    device, precision = options.get("device", "cpu"), options.get("precision", "auto")
    threads = int(options.get("threads", "0"))
    async with TransformersClassifier(
        model, device, precision=precision, threads=threads, deadline_s=600.0
    ) as classifier:

        async def ask(text: str) -> object:
            return await classifier.classify([Text(text)])

        way = Way()
        way.ask, way.about = ask, {"computes": classifier.computes}
        yield way


@asynccontextmanager
async def infinity(model: str, **options: str) -> AsyncIterator[Way]:
    """infinity-emb's engine in the same process, as its documentation shows it."""
    from infinity_emb import AsyncEngineArray, EngineArgs

    settings = EngineArgs(
        model_name_or_path=model,
        engine="torch",
        device="cpu",
        dtype=options.get("dtype", "auto"),
        bettertransformer=False,
        model_warmup=False,
    )
    engine = AsyncEngineArray.from_args([settings])[0]
    async with engine:

        async def ask(text: str) -> object:
            return await engine.classify(sentences=[text])

        way = Way()
        way.ask = ask
        yield way


async def _crowd(ask: Ask, texts: list[str], callers: int) -> dict[str, object]:
    """Closed loop: each caller asks its next text when the last is answered."""
    waiting, waits, errors = iter(texts), [], 0

    async def caller() -> None:
        nonlocal errors
        for text in waiting:
            began = time.perf_counter()
            try:
                await ask(text)
            except Exception as error:
                errors += 1
                print(f"{type(error).__name__}: {error}", file=sys.stderr)
            waits.append(time.perf_counter() - began)

    lags: list[float] = []
    ticking = asyncio.create_task(_tick(lags)) if callers > 1 else None  # its ticks would take a lone pass's core
    began, used = time.perf_counter(), time.process_time()
    await asyncio.gather(*(caller() for _ in range(callers)))
    seconds, used = time.perf_counter() - began, time.process_time() - used
    await asyncio.sleep(2 * TICK_S)
    if ticking:
        ticking.cancel()
    result: dict[str, object] = {"per_s": len(texts) / seconds, "cpu_ms": 1000 * used / len(texts), "errors": errors}
    result |= _quantiles("wait", waits) | {"rss_mb": _rss_mb()}
    return result | (_quantiles("lag", lags) if lags else {})


async def _tick(lags: list[float]) -> None:
    while True:
        began = time.perf_counter()
        await asyncio.sleep(TICK_S)
        lags.append(time.perf_counter() - began - TICK_S)


def _quantiles(name: str, seconds: list[float]) -> dict[str, object]:
    ordered = sorted(seconds)
    return {f"{name}_p{p}_ms": 1000 * ordered[min(len(ordered) - 1, len(ordered) * p // 100)] for p in (50, 99)}


def _rss_mb() -> float:
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * resource.getpagesize() / 1e6


async def main(name: str, model: str, options: dict[str, str]) -> None:
    ways: dict[str, Any] = {"pipeline": pipeline, "bare": bare, "maum": maum, "infinity": infinity}
    import torch

    if "threads" in options:
        torch.set_num_threads(int(options["threads"]))
    async with ways[name](model, **options) as way:
        threads = await asyncio.to_thread(torch.get_num_threads)  # what a new thread gets
        print(json.dumps({**way.about, "threads": threads}), flush=True)
        while line := await asyncio.to_thread(sys.stdin.readline):
            task = json.loads(line)
            if task["callers"]:
                result = await _crowd(way.ask, task["texts"], task["callers"])
            else:
                began, used, number = time.perf_counter(), time.process_time(), len(task["texts"])
                way.at_once(task["texts"])
                seconds, used = time.perf_counter() - began, time.process_time() - used
                result = {"per_s": number / seconds, "cpu_ms": 1000 * used / number}
            print(json.dumps(result), flush=True)


def _loop() -> Callable[..., asyncio.AbstractEventLoop]:
    """The one that the bot runs on, where it is there."""
    try:
        from uvloop import new_event_loop
    except ImportError:
        from asyncio import new_event_loop
    return new_event_loop


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=_loop()) as runner:
        runner.run(main(sys.argv[1], sys.argv[2], dict(option.split("=", 1) for option in sys.argv[3:])))
