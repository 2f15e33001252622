"""How fast emotions are read: our classifier beside the original system's way, infinity-emb, and the ceiling.

Method: each way runs in a process of its own and is asked by turns, round after round, with the same texts; medians of
the rounds, ratios within one run. 64 callers each ask one text after the other. The original's way (transformers'
pipeline in fp32, one text at a time on the event loop, five best labels) gets the first 64 texts only: its speed does
not depend on how many wait. The ceiling is the same model and precision, the texts known in advance, sorted by length,
at most 32 a batch, no queue and no event loop; it is tried with passes on all cores and on one, and the better counts.
A lone request is compared with the ceiling's in turns of 48 texts. Other work on the machine disturbs CPU time a text
the least.
"""

from __future__ import annotations

import os
import statistics
from collections import defaultdict
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks import _inputs
from benchmarks._page import conditions, table
from benchmarks._ways import Way, infinity_python

ROUNDS, LONE_ROUNDS = 5, 9
CALLERS = 64
TEXTS, SLOW_TEXTS, LONE_TEXTS = 384, 64, 48
CEILINGS = ("ceiling", "ceiling, 1 core")
Results = dict[str, list[dict[str, Any]]]


def main() -> str:
    load = os.getloadavg()[0]
    _inputs.VAR.mkdir(parents=True, exist_ok=True)
    parts = []
    for title, model in (("BERT-base's shape, random weights", _inputs.base()), ("maum-small", _inputs.SHIPPED)):
        with ExitStack() as stack:
            ways = {name: stack.enter_context(way) for name, way in _ways(model).items()}
            for texts_title, texts in (("comments", _inputs.comments()), ("chat", _inputs.chat())):
                results = _rounds(ways, texts)
                parts.append(_section(f"{title}, {texts_title}, {_where(ways['ours'])}", results))
    return "\n\n".join([conditions(load), *parts])


def _ways(model: Path) -> dict[str, Way]:
    """All ways, on as many threads as ours chooses for itself, the ceiling in its precision, too."""
    with Way("maum", model) as ours:
        same = {"precision": str(ours.about["computes"]).rpartition(" ")[2], "threads": str(ours.about["threads"])}
    ways = {
        "original": Way("pipeline", model, threads=same["threads"]),
        "ours": Way("maum", model, **same),
        "ceiling": Way("bare", model, **same),
        "ceiling, 1 core": Way("bare", model, **same | {"threads": "1"}),
    }
    if python := infinity_python():
        older = _inputs.for_transformers_4(model)
        for short, dtype in (("fp32", "float32"), ("bf16", "bfloat16")):
            ways[f"infinity {short}"] = Way("infinity", older, python, dtype=dtype, threads=same["threads"])
    return ways


def _where(way: Way) -> str:
    return f"{way.about['computes']}, threads: {way.about['threads']}"


def _rounds(ways: dict[str, Way], texts: list[str]) -> Results:
    results: Results = defaultdict(list)
    for number in range(ROUNDS + 1):  # the first warms up
        start = (number * TEXTS) % (len(texts) - TEXTS)
        part = texts[start : start + TEXTS]
        for name, way in ways.items():
            few = part[:SLOW_TEXTS] if name == "original" else part
            found = {name: way.ask(few, 0 if name in CEILINGS else CALLERS)}
            if name == "ours":
                found["ours, 8 callers"] = way.ask(part[: TEXTS // 4], 8)
            for key, result in found.items() if number else ():
                results[key].append(result)
    return results | _alone(ways, texts)


def _alone(ways: dict[str, Way], texts: list[str]) -> Results:
    """One caller, by turns so short that what slows the machine meanwhile hits all alike."""
    results: Results = defaultdict(list)
    for number in range(LONE_ROUNDS + 1):  # the first warms up
        part = texts[number * LONE_TEXTS : (number + 1) * LONE_TEXTS]
        for name in (*CEILINGS, "ours"):
            result = ways[name].ask(part, 1)
            if number:
                results[f"{name}, alone"].append(result)
    return results


def _section(title: str, results: Results) -> str:
    per_s = {name: _median(found, "per_s") for name, found in results.items()}
    rows = []
    for name in ("original", "infinity fp32", "infinity bf16", *CEILINGS, "ours", "ours, 8 callers", "ours, alone"):
        if name in results:
            rows.append([name, *_row(results[name]), f"{per_s[name] / per_s['original']:.2f}"])
    head = [
        "way",
        "texts/s (min–max)",
        "CPU ms/text",
        "p50 ms",
        "p99 ms",
        "loop lag p99 ms",
        "ratio to the original's way",
    ]
    return f"### {title}\n\n{table(head, rows)}\n\n{_claims(results, per_s)}"


def _claims(results: Results, per_s: dict[str, float]) -> str:
    lone = _median(results["ours, alone"], "wait_p50_ms")
    forward = min(_median(results[f"{name}, alone"], "wait_p50_ms") for name in CEILINGS)
    ceiling = max(per_s[name] for name in CEILINGS)
    rivals = [per_s[name] for name in per_s if name.startswith("infinity")]
    infinity = f"{per_s['ours'] / max(rivals):.2f}" if rivals else "not measured"
    bound = 1.05 * forward + 0.3
    rows = [
        ["share of the ceiling", "≥ 0.9", f"{per_s['ours'] / ceiling:.2f}"],
        ["ratio to the better infinity-emb", "≥ 2", infinity],
        ["ratio to the original's way", "≥ 9 chat, ≥ 4 comments", f"{per_s['ours'] / per_s['original']:.2f}"],
        ["event loop's lag, p99", "< 5 ms", f"{_median(results['ours'], 'lag_p99_ms'):.2f} ms"],
        ["a lone request", "≤ 1.05 · ceiling's + 0.3 ms", f"{lone:.2f} ms of {bound:.2f} ms allowed"],
        ["errors", "0", sum(result["errors"] for result in results["ours"])],
    ]
    return table(["claim", "aim", "measured"], rows)


def _row(found: list[dict[str, Any]]) -> list[str]:
    speeds = [result["per_s"] for result in found]
    cells = [f"{statistics.median(speeds):.1f} ({min(speeds):.1f}–{max(speeds):.1f})"]
    cells.append(f"{_median(found, 'cpu_ms'):.2f}")
    for key in ("wait_p50_ms", "wait_p99_ms", "lag_p99_ms"):
        cells.append(f"{_median(found, key):.1f}" if key in found[0] else "–")
    return cells


def _median(found: list[dict[str, Any]], key: str) -> float:
    return statistics.median(result[key] for result in found)
