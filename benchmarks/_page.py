"""docs/performance.md: each benchmark's table stands between two comments with its name, and is written by its run."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

PAGE = Path(__file__).parent.parent / "docs" / "performance.md"


def put(name: str, measured: str, page: Path = PAGE) -> None:
    """Replace what stands between `<!-- NAME -->` and `<!-- /NAME -->`; a page without that place stays as it is."""
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    text = page.read_text(encoding="utf-8")
    pattern = re.compile(rf"{re.escape(begin)}.*?{re.escape(end)}", re.S)
    page.write_text(pattern.sub(lambda _: f"{begin}\n{measured.strip()}\n{end}", text), encoding="utf-8")


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def conditions(load_before: float) -> str:
    """When, on what and beside what other work it was measured."""
    day = datetime.now(UTC).date()
    versions = ", ".join(f"{name} {version(name)}" for name in ("torch", "transformers", "tokenizers"))
    return (
        f"Measured {day}: {_cpu()}, {os.cpu_count()} cores, Python {platform.python_version()}, {versions}; "
        f"load average {load_before:.1f} before and {os.getloadavg()[0]:.1f} after (the benchmark's own work included)."
    )


def _cpu() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
