"""A thousand callers at once, a hundred thousand requests: does every one get its answer, and does memory stay flat?

Method: the shipped model in a process of its own, chat turns, each caller asking one text after the other; the memory
of the process (resident set) after each tenth of the requests.
"""

from __future__ import annotations

import os
from itertools import cycle, islice

from benchmarks import _inputs
from benchmarks._page import conditions, table
from benchmarks._ways import Way

CALLERS, PARTS, PART = 1_000, 10, 10_000


def main() -> str:
    load = os.getloadavg()[0]
    _inputs.VAR.mkdir(parents=True, exist_ok=True)
    texts, rows = cycle(_inputs.chat()), []
    with Way("maum", _inputs.SHIPPED) as ours:
        for part in range(1, PARTS + 1):
            found = ours.ask(list(islice(texts, PART)), CALLERS)
            rows.append(
                [
                    f"{part * PART:,}",
                    found["errors"],
                    f"{found['rss_mb']:.0f}",
                    f"{found['per_s']:.0f}",
                    f"{found['wait_p99_ms']:.0f}",
                    f"{found['lag_p99_ms']:.1f}",
                ]
            )
    head = ["requests", "errors", "memory, MB", "texts/s", "p99 ms", "loop lag p99 ms"]
    return f"{conditions(load)}\n\n{table(head, rows)}"
