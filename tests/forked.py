"""The bot's command line in a process of its own that need not import anything: it is forked from one that did so once.

Importing is nearly all that a start costs; who starts the bot a dozen times, or two hundred, pays it once. What only
the installed script itself can show is tested with that.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from pathlib import Path
from subprocess import CompletedProcess
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[1]
IMPORTED = (
    "bot.__main__",
    "bot.cli",
    "openai.resources.chat.completions",
    "plugins.platforms.discord.connection",
    "plugins.platforms.telegram.line",
    "plugins.repliers.openai",
    "tests.chaos.parts",
    "tests.house",
)


class Forked:
    """`maum ARGUMENTS…` in `folder`, with exactly this environment; it speaks into out.txt and log.txt there."""

    def __init__(self, folder: Path, environ: Mapping[str, str], *arguments: str) -> None:
        self._process: BaseProcess = _context().Process(target=_run, args=(folder, dict(environ), arguments))

    @property
    def code(self) -> int | None:
        """How it ended, minus the signal if by one; None while it runs."""
        return self._process.exitcode

    def begin(self) -> None:
        self._process.start()

    async def start(self) -> None:
        await asyncio.to_thread(self.begin)

    def send(self, number: signal.Signals) -> None:
        if self._process.pid and self.code is None:
            os.kill(self._process.pid, number)

    def end(self, timeout_s: float) -> int:
        """SIGTERM, as a service manager sends it; returns the exit code."""
        self.send(signal.SIGTERM)
        self._process.join(timeout_s)
        if self.code is None:
            raise TimeoutError(f"it did not end within {timeout_s} s")
        return self.code

    async def wait(self, timeout_s: float) -> int:
        async with asyncio.timeout(timeout_s):
            while (code := self.code) is None:
                await asyncio.sleep(0.005)
        return code


def maum(*words: object, given: str = "", **environ: str) -> CompletedProcess[str]:
    """A command to its end, in the project's folder: `given` is what is typed, `environ` is added to our own."""
    with TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "in.txt").write_text(given, encoding="utf-8")
        arguments = tuple(map(str, words))
        process = _context().Process(target=_run, args=(folder, {**os.environ, **environ}, arguments, ROOT))
        process.start()
        process.join(60)
        if process.exitcode is None:
            process.kill()
            raise TimeoutError(f"maum {arguments} did not end within a minute")
        out, err = ((folder / name).read_text(encoding="utf-8") for name in ("out.txt", "log.txt"))
        return CompletedProcess(arguments, process.exitcode, out, err)


def fork(work: Callable[..., None], *given: object) -> tuple[BaseProcess, Connection]:
    """`work(say, *given)` in a process of its own, begun, and what it says, which ends (EOFError) with it."""
    hears, says = _context().Pipe(duplex=False)
    process = _context().Process(target=_work, args=(dict(os.environ), work, says, given))
    process.start()
    says.close()
    return process, hears


def _work(environ: Mapping[str, str], work: Callable[..., None], says: Connection, given: tuple[object, ...]) -> None:
    os.environ.clear()
    os.environ.update(environ)
    work(says.send, *given)


def _context() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(IMPORTED))
    return context


def _run(folder: Path, environ: Mapping[str, str], arguments: tuple[str, ...], home: Path | None = None) -> None:
    os.chdir(home or folder)
    os.environ.clear()
    os.environ.update(environ)
    with (folder / "out.txt").open("wb") as out, (folder / "log.txt").open("ab") as log:
        os.dup2(out.fileno(), 1)
        os.dup2(log.fileno(), 2)
    if (given := folder / "in.txt").exists():
        sys.stdin = given.open(encoding="utf-8")
    sys.argv = ["maum", *arguments]
    from bot.cli import main

    main()
