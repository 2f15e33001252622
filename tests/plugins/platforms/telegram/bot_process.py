"""The whole bot in a process of its own, as an operator starts it, talking to the local Telegram server."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.forked import Forked
from tests.servers.telegram_server import TelegramServer

ROOT = Path(__file__).resolve().parents[4]
END_S = 20.0
CONFIG = """
[classifier]
use = "tests.plugins.platforms.web.parts:FeelingClassifier"
[replier]
use = ["tests.plugins.platforms.telegram.parts:EchoReplier"]
closed_loop = false
[platforms]
use = ["telegram"]
[delivery]
burst_s = 0.2
drain_s = 1.0
[limits]
per_minute = 600
burst = 60
max_chars = 5000
"""


class BotProcess:
    """`environ`: what else the bot finds in its environment."""

    def __init__(self, folder: Path, server: TelegramServer, config: str = CONFIG, **environ: str) -> None:
        self.folder = folder
        self._config = folder / "config.toml"
        self._config.write_text(config, encoding="utf-8")
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("MAUM_")}
        self._environ = inherited | {
            "PYTHONPATH": str(ROOT),
            "MAUM_STATE_DIR": str(folder / "state"),
            "MAUM_MASTER_KEY_FILE": str(folder / "master.key"),
            "MAUM_PLATFORMS__TELEGRAM__BASE_URL": server.base_url,
            "TELEGRAM_TOKEN": server.token,
            **environ,
        }
        self._process: Forked | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._process and self._process.code is None:
            await self.stop()

    @property
    def log(self) -> str:
        return (self.folder / "log.txt").read_text(encoding="utf-8")

    async def start(self) -> None:
        self._process = Forked(self.folder, self._environ, "run", "--config", str(self._config))
        await self._process.start()

    async def stop(self) -> int:
        """SIGTERM, as a service manager does it; returns the exit code."""
        return await self._signal(signal.SIGTERM)

    async def kill(self) -> int:
        """kill -9: no goodbye to anybody."""
        return await self._signal(signal.SIGKILL)

    async def ended(self) -> int:
        assert self._process
        return await self._process.wait(END_S)

    async def _signal(self, number: signal.Signals) -> int:
        assert self._process
        self._process.send(number)
        return await self.ended()
