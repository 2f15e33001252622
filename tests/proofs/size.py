"""Proofs have a short form, in every test run, and a long one (`make prove`), which writes its figures down."""

from __future__ import annotations

import os
import re
from pathlib import Path

LONG = bool(os.environ.get("PROVE"))
PAGE = Path(__file__).parents[2] / "docs/reliability.md"


def size(short: int, long: int) -> int:
    return long if LONG else short


def write_down(promise: str, tried: str, result: str) -> None:
    """Print a figure; the long form also puts it into its row of docs/reliability.md."""
    print(f"{promise}: {tried}: {result}")
    if LONG:
        text = PAGE.read_text(encoding="utf-8")
        row, found = re.subn(rf"(?m)^\| {re.escape(promise)} \|.*$", f"| {promise} | {tried} | {result} |", text)
        assert found == 1, f"docs/reliability.md has no row {promise!r}"
        PAGE.write_text(row, encoding="utf-8")
