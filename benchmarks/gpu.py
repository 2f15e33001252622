"""The same on a GPU: share of its matrix rate, one caller, 64 callers, beside transformers' pipeline on the same GPU.

Without one there is nothing to measure. On a machine with an NVIDIA GPU, this fills its table in docs/performance.md:

    python -m benchmarks --write gpu

Method: BERT-base's shape with random weights, and the model that ships, in bf16. The matrix rate is that of a product
of two 8192² bf16 matrices; the forward pass's share of it counts 2 operations a weight and token, and the products of
attention, as far as they are computed (the last layer answers for the first token only), for batches of 256 texts of
128 tokens that lie on the device. Ways by turns, medians of the rounds, as in `serving`.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import BertForSequenceClassification

from benchmarks import _inputs
from benchmarks._page import conditions, table
from benchmarks._ways import Way
from plugins.classifiers._flat_weights import flat_encoder_of

ROUNDS, TEXTS, SLOW_TEXTS, LONE_TEXTS = 5, 8_192, 64, 128
MATRIX, ROWS, WIDTH = 8192, 256, 128
COMMAND = "python -m benchmarks --write gpu"


def main(device: str = "cuda") -> str | None:
    if device == "cuda" and not torch.cuda.is_available():
        print(f"no CUDA device here; where there is one, this measures it: {COMMAND}")
        return None
    load = os.getloadavg()[0]
    _inputs.VAR.mkdir(parents=True, exist_ok=True)
    share = _share(torch.device(device))
    rows = [["BERT-base's shape: share of the bf16 matrix rate at saturation", "≥ 0.5", f"{share:.2f}"]]
    kinds = {"comments": _inputs.comments(), "chat": _inputs.chat()}
    for title, model in (("BERT-base's shape", _inputs.base()), ("maum-small", _inputs.SHIPPED)):
        for kind, found in _throughputs(device, model, kinds).items():
            rows += [
                [f"{title}, {kind}: one caller, p50", "≤ 1 ms", f"{found.lone:.2f} ms"],
                [f"{title}, {kind}: 64 callers", "≥ 10,000 texts/s", f"{found.crowd:,.0f} texts/s"],
                [f"{title}, {kind}: event loop's lag, p99", "< 5 ms", f"{found.lag:.2f} ms"],
                [f"{title}, {kind}: ratio to the pipeline, one by one", "≥ 20", f"{found.crowd / found.pipeline:.1f}"],
            ]
    name = torch.cuda.get_device_name() if device == "cuda" else device
    return f"{name}. {conditions(load)}\n\n{table(['figure', 'aim', 'measured'], rows)}"


def _share(device: torch.device) -> float:
    """Operations a second of full batches, over those of a plain matrix product."""
    left, right = (torch.randn(MATRIX, MATRIX, device=device, dtype=torch.bfloat16) for _ in range(2))
    rate = 2 * MATRIX**3 / _seconds(lambda: left @ right, device)
    module = BertForSequenceClassification.from_pretrained(_inputs.base(), dtype=torch.float32)
    encoder = flat_encoder_of(module, torch.bfloat16, device)
    assert encoder is not None
    ids = torch.randint(5, module.config.vocab_size, (ROWS * WIDTH,), device=device, dtype=torch.int32)
    places = torch.arange(WIDTH, device=device, dtype=torch.int32).repeat(ROWS)
    bounds = torch.arange(ROWS + 1, device=device, dtype=torch.int32) * WIDTH
    with torch.inference_mode():
        seconds = _seconds(lambda: encoder.logits(ids, places, bounds, WIDTH), device)
    return 2 * ROWS * WIDTH * _products(module.config) / seconds / rate


def _products(shape: Any) -> int:
    """Multiplications a token."""
    layer = 4 * shape.hidden_size**2 + 2 * shape.hidden_size * shape.intermediate_size
    attention = 2 * WIDTH * shape.hidden_size
    keys_and_values = 2 * shape.hidden_size**2
    return int((shape.num_hidden_layers - 1) * (layer + attention) + keys_and_values)


@dataclass(frozen=True, slots=True)
class Found:
    """Milliseconds of a lone text and of the loop's lag; texts a second of 64 callers, and of the pipeline."""

    lone: float
    crowd: float
    lag: float
    pipeline: float


def _throughputs(device: str, model: Path, kinds: dict[str, list[str]]) -> dict[str, Found]:
    with ExitStack() as stack:
        ours = stack.enter_context(Way("maum", model, device=device))
        original = stack.enter_context(Way("pipeline", model, device=device))
        return {kind: _throughput(ours, original, texts) for kind, texts in kinds.items()}


def _throughput(ours: Way, original: Way, texts: list[str]) -> Found:
    rounds: list[Found] = []
    part = (texts * (1 + TEXTS // len(texts)))[:TEXTS]
    for _ in range(ROUNDS + 1):
        lone, crowd = ours.ask(part[:LONE_TEXTS], 1), ours.ask(part, 64)
        pipeline = original.ask(part[:SLOW_TEXTS], 1)
        if errors := lone["errors"] + crowd["errors"]:
            raise SystemExit(f"{errors} texts were not classified: see {_inputs.VAR}/{ours.name}.log")
        rounds.append(Found(lone["wait_p50_ms"], crowd["per_s"], crowd["lag_p99_ms"], pipeline["per_s"]))
    del rounds[0]  # it warmed up
    return Found(*(statistics.median(column) for column in zip(*map(astuple, rounds), strict=True)))


def _seconds(work: Callable[[], object], device: torch.device) -> float:
    """The median time of one piece of work, the device waited for."""
    times = []
    for number in range(ROUNDS + 3):
        began = time.perf_counter()
        work()
        if device.type == "cuda":
            torch.cuda.synchronize()
        if number >= 3:
            times.append(time.perf_counter() - began)
    return statistics.median(times)
