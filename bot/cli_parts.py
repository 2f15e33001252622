"""What the commands share: options, and how their work is run."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from bot.errors import OperatorError

T = TypeVar("T")
ConfigFile = Annotated[Path | None, typer.Option("--config", help="The configuration; default config.toml.")]
AsJson = Annotated[bool, typer.Option("--json", help="JSON for a program to read.")]


def run_work(work: Coroutine[Any, Any, T]) -> T:
    """Run a command's work; an operator's error comes out of any group it stands in."""
    try:
        return asyncio.run(work)
    except BaseExceptionGroup as group:
        for error in group.exceptions:
            if isinstance(error, OperatorError):
                raise error from None
        raise
