"""Lines that try to forge emotion tags or system messages, or to get at instructions and secrets (data/attacks/)."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from bot.types import Language

FOLDER = Path(__file__).parent / "data" / "attacks"


@cache
def attacks(language: Language) -> tuple[str, ...]:
    lines = (FOLDER / f"{language}.txt").read_text(encoding="utf-8").splitlines()
    return tuple(
        line.replace("\\n", "\n") for line in lines if line and not line.startswith("# ") and line[:3] != "## "
    )
