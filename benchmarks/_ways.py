"""The ways that are compared, each in a process of its own that is asked by turns."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from benchmarks import _inputs

WORKER = Path(__file__).parent / "_worker.py"
INFINITY = "infinity-emb[torch]==0.0.78"  # wants transformers<5 and numpy<2, hence an environment of its own
THREADS = "OMP_NUM_THREADS"


class Way:
    """A worker process; `ask` gives it one task and returns what it measured."""

    def __init__(self, name: str, model: Path, python: str = sys.executable, **options: str) -> None:
        self._arguments = [python, str(WORKER), name, str(model), *(f"{key}={value}" for key, value in options.items())]
        self.name = name

    def __enter__(self) -> Self:
        """Started here, so that each way loads with the machine to itself: ours tries out how many cores help."""
        environ = os.environ | {"PYTHONPATH": str(WORKER.parent.parent), "HF_HUB_OFFLINE": "1"}
        log = (_inputs.VAR / f"{self.name}.log").open("w", encoding="utf-8")
        self._process = subprocess.Popen(
            self._arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True, env=environ
        )
        self.about = self._line()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(60)

    def ask(self, texts: list[str], callers: int) -> dict[str, Any]:
        """Callers 0: the whole list is known in advance."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"texts": texts, "callers": callers}) + "\n")
        self._process.stdin.flush()
        return self._line()

    def _line(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        while line := self._process.stdout.readline():
            if line.startswith("{"):
                found: dict[str, Any] = json.loads(line)
                return found
        raise SystemExit(f"the way {self.name} ended early: see {_inputs.VAR}/{self.name}.log")


def infinity_python() -> str | None:
    """The interpreter of infinity's environment, made on first use; None where it cannot be installed."""
    folder = _inputs.VAR / "infinity"
    python, holds = folder / "bin" / "python", folder / "complete"
    wanted = [INFINITY, "uvloop", _torch()]  # uvloop, since the bot has it: all ways run on it
    if holds.exists() and holds.read_text(encoding="utf-8").split() == wanted:
        return str(python)
    commands = (
        [sys.executable, "-m", "venv", str(folder)],
        [str(python), "-m", "pip", "install", "--quiet", *wanted],
    )
    for command in commands:
        if subprocess.run(command, check=False).returncode:
            print(f"infinity-emb cannot be installed here, its rows are left out; by hand: {' '.join(command)}")
            return None
    holds.write_text(" ".join(wanted), encoding="utf-8")
    return str(python)


def _torch() -> str:
    """The version of torch that runs here: both should compute with the same kernels."""
    from importlib.metadata import version

    return f"torch=={version('torch').partition('+')[0]}"
