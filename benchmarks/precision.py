"""What a precision costs in accuracy and gives in speed, on the shipped model and rows it never learnt from.

Method: every row of maum-58's development and test parts, through the classifier itself; the change is in points of a
hundred against fp32. Speed: sentences of the development part per second of CPU time on one thread, known in advance,
sorted, at most 32 a batch; the precisions in turn, median of the rounds.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import time

import torch

from benchmarks import _inputs
from benchmarks._page import conditions, table
from plugins.classifiers import _loading
from plugins.classifiers._precision import available
from plugins.classifiers.transformers import TransformersClassifier
from training import evaluate, maum58, metrics

ROUNDS, TEXTS = 5, 256


def main() -> str:
    load = os.getloadavg()[0]
    precisions = available(torch.device("cpu"))
    speeds = _speeds(precisions)
    rows, plain = [], {}
    for split in ("dev", "test"):
        for precision in precisions:
            found = asyncio.run(_figures(precision, maum58.read(split=split)))
            plain[split] = found if precision == "fp32" else plain[split]
            changes = (f"{100 * value:.2f} ({100 * (value - plain[split][at]):+.2f})" for at, value in enumerate(found))
            rows.append([split, precision, *changes, f"{speeds[precision]:.0f}"])
    head = ["rows", "precision", "right of 59", "right of 7 groups", "macro-F1 of 59", "macro-F1 of 7", "texts/CPU-s"]
    return f"{conditions(load)}\n\n{table(head, rows)}"


async def _figures(precision: str, rows: list[maum58.Row]) -> tuple[float, ...]:
    async with TransformersClassifier(str(_inputs.SHIPPED), "cpu", precision=precision, threads=1) as classifier:
        found = await evaluate.ask(classifier, [row.text for row in rows])
        report = metrics.of_labels(evaluate.in_order(found), evaluate.of_groups(found), rows, classifier.sure_at)
    return report["top1"]["value"], report["group"]["value"], report["macro_f1"], report["group_macro_f1"]


def _speeds(precisions: tuple[str, ...]) -> dict[str, float]:
    loaded = {one: _loading.load(str(_inputs.SHIPPED), "cpu", one, 1, 128, 32) for one in precisions}
    texts = [row.text for row in maum58.read(split="dev")][:TEXTS]
    items = sorted(loaded["fp32"].encode(texts), key=len)
    speeds: dict[str, list[float]] = {one: [] for one in precisions}
    for _ in range(ROUNDS):
        for one in precisions:
            began = time.process_time()
            for at in range(0, len(items), 32):
                loaded[one].ladder.forward(items[at : at + 32])
            speeds[one].append(len(items) / (time.process_time() - began))
    return {one: statistics.median(found) for one, found in speeds.items()}
