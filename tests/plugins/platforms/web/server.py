"""The whole bot in a process of its own, as an operator starts it."""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.error import URLError
from urllib.request import urlopen

from tests.forked import Forked

ROOT = Path(__file__).resolve().parents[4]
PASSWORD = "열려라 참깨 1234"
START_S = 90  # about three seconds alone; other tests may use these cores
CONFIG = """
[classifier]
use = "tests.plugins.platforms.web.parts:FeelingClassifier"
[replier]
use = ["tests.plugins.platforms.web.parts:TalkReplier"]
closed_loop = false
[platforms.web]
port = {port}
[delivery]
burst_s = 0.3
drain_s = 1.0
[limits]
per_minute = 600
burst = 60
max_chars = 2000
"""


class Server:
    """`config` replaces the tests' configuration; `{port}` in it is the port to use. `environ` is added to its own."""

    def __init__(self, folder: Path, config: str = CONFIG, **environ: str) -> None:
        self.folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        (folder / "config.toml").write_text(config.replace("{port}", str(self.port)), encoding="utf-8")
        self._environ = environ
        self._process: Forked | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def log(self) -> str:
        return (self.folder / "log.txt").read_text(encoding="utf-8")

    def start(self) -> None:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("MAUM_")}
        own = {
            "MAUM_STATE_DIR": str(self.folder / "state"),
            "MAUM_MASTER_KEY_FILE": str(self.folder / "master.key"),
        }
        self._process = Forked(self.folder, inherited | own | self._environ, "run")
        self._process.begin()
        self._wait_until_up()

    def stop(self) -> int:
        """As a service manager does it; returns the exit code."""
        assert self._process is not None
        return self._process.end(20)

    def _wait_until_up(self) -> None:
        assert self._process is not None
        until = time.monotonic() + START_S
        while time.monotonic() < until and self._process.code is None:
            try:
                with urlopen(f"{self.url}/health", timeout=5):
                    return
            except URLError:
                time.sleep(0.05)
        raise RuntimeError(f"the server did not start:\n{self.log}")
