"""Errors in the log: their kind and place. Their text may be a person's, so it stays out."""

from __future__ import annotations

import traceback
from pathlib import Path


def trouble(error: BaseException | None) -> str:
    frames = traceback.extract_tb(error.__traceback__) if error else []
    place = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{place}"
