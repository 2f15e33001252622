"""The same on a GPU: share of its matrix rate, one caller, 64 callers, beside transformers' pipeline on the same GPU.

Without one there is nothing to measure. On a machine with an NVIDIA GPU, this fills its table in docs/performance.md:

    python -m benchmarks --write gpu

Method: BERT-base's shape, random weights, bf16. The matrix rate is that of a product of two 8192² bf16 matrices; the
forward pass's share of it counts 2 operations a weight of the encoder and token, and the products of attention, for
batches of 256 texts of 128 tokens that lie on the device. Ways by turns, medians of the rounds, as in `serving`.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import torch

from benchmarks import _inputs
from benchmarks._page import conditions, table
from benchmarks._ways import Way
from plugins.classifiers import _loading

ROUNDS, TEXTS, SLOW_TEXTS, LONE_TEXTS = 5, 4_096, 128, 256
MATRIX, ROWS, WIDTH = 8192, 256, 128
COMMAND = "python -m benchmarks --write gpu"


def main(device: str = "cuda") -> str | None:
    if device == "cuda" and not torch.cuda.is_available():
        print(f"no CUDA device here; where there is one, this measures it: {COMMAND}")
        return None
    load = os.getloadavg()[0]
    _inputs.VAR.mkdir(parents=True, exist_ok=True)
    share = _share(torch.device(device))
    found = {
        name: _throughput(device, texts) for name, texts in (("comments", _inputs.comments()), ("chat", _inputs.chat()))
    }
    rows = [["share of the bf16 matrix rate at saturation", "≥ 0.5", f"{share:.2f}"]]
    for name, (lone, crowd, pipeline) in found.items():
        rows += [
            [f"{name}: one caller, p50", "≤ 1 ms", f"{lone:.2f} ms"],
            [f"{name}: 64 callers", "≥ 10,000 texts/s", f"{crowd:,.0f} texts/s"],
            [f"{name}: ratio to the pipeline, one by one", "≥ 20", f"{crowd / pipeline:.1f}"],
        ]
    name = torch.cuda.get_device_name() if device == "cuda" else device
    return f"{name}. {conditions(load)}\n\n{table(['figure', 'aim', 'measured'], rows)}"


def _share(device: torch.device) -> float:
    """Operations a second of full batches, over those of a plain matrix product."""
    left, right = (torch.randn(MATRIX, MATRIX, device=device, dtype=torch.bfloat16) for _ in range(2))
    rate = 2 * MATRIX**3 / _seconds(lambda: left @ right, device)
    network = _loading.load(str(_inputs.base()), device.type, "bf16", 0, WIDTH, ROWS).ladder.network
    shape: Any = network.module.config
    ids = torch.full((ROWS, WIDTH), 5, device=device)
    weights = shape.num_hidden_layers * (4 * shape.hidden_size**2 + 2 * shape.hidden_size * shape.intermediate_size)
    attention = shape.num_hidden_layers * 2 * WIDTH * shape.hidden_size
    with torch.inference_mode():
        seconds = _seconds(lambda: network.module(input_ids=ids), device)
    return 2 * ROWS * WIDTH * (weights + attention) / seconds / rate


def _throughput(device: str, texts: list[str]) -> tuple[float, float, float]:
    """Milliseconds of a lone text; texts a second of 64 callers, and of the pipeline."""
    lone, crowd, pipeline = [], [], []
    with ExitStack() as stack:
        ours = stack.enter_context(Way("maum", _inputs.base(), device=device))
        original = stack.enter_context(Way("pipeline", _inputs.base(), device=device))
        part = (texts * (1 + TEXTS // len(texts)))[:TEXTS]
        for number in range(ROUNDS + 1):  # the first warms up
            answers: list[dict[str, Any]] = [
                ours.ask(part[:LONE_TEXTS], 1),
                ours.ask(part, 64),
                original.ask(part[:SLOW_TEXTS], 1),
            ]
            if number:
                lone.append(answers[0]["wait_p50_ms"])
                crowd.append(answers[1]["per_s"])
                pipeline.append(answers[2]["per_s"])
    return statistics.median(lone), statistics.median(crowd), statistics.median(pipeline)


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
