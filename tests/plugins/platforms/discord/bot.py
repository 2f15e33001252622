"""The whole bot in a process of its own, as an operator starts it, connected to the local Discord."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.servers.discord_server import DiscordServer
from tests.servers.openai_server import OpenAIServer

ROOT = Path(__file__).resolve().parents[4]
CONFIG = """
[classifier]
use = "tests.house:WordClassifier"
[replier]
use = ["openai"]
closed_loop = false
deadline_s = 20.0
[replier.openai]
model = "gpt-test"
base_url = "{llm}"
[platforms]
use = ["discord"]
[platforms.discord]
api_base = "{api_base}"
gateway = "{gateway}"
identify_free = 50
[consent]
default = "{consent}"
[delivery]
burst_s = 0.1
drain_s = 2.0
[limits]
per_minute = 600
burst = 60
"""


class Bot:
    """`environ` beats the configuration, as `MAUM_…` variables do."""

    def __init__(
        self, folder: Path, server: DiscordServer, llm: OpenAIServer, consent: str = "trusted", **environ: str
    ) -> None:
        self._folder, self._server = folder, server
        self._environ = environ
        facts = {"llm": llm.base_url, "api_base": server.api_base, "gateway": server.gateway_url, "consent": consent}
        text = CONFIG
        for name, value in facts.items():
            text = text.replace("{" + name + "}", value)
        (folder / "config.toml").write_text(text, encoding="utf-8")
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._process and self._process.returncode is None:
            await self.stop()

    @property
    def log(self) -> str:
        return (self._folder / "log.txt").read_text(encoding="utf-8")

    @property
    def state(self) -> Path:
        return self._folder / "state"

    async def start(self, *, ready: bool = True) -> None:
        """Start it, and wait until it is connected."""
        known = len(self._server.gateway.sessions)
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("MAUM_")}
        own = {
            "PYTHONPATH": str(ROOT),
            "MAUM_STATE_DIR": str(self.state),
            "MAUM_MASTER_KEY_FILE": str(self._folder / "master.key"),
            "DISCORD_TOKEN": self._server.gateway.token,
        }
        with (self._folder / "log.txt").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "bot", "run", "--config", str(self._folder / "config.toml")),
                cwd=self._folder,
                env=inherited | own | self._environ,
                stdin=asyncio.subprocess.DEVNULL,
                stderr=log,
            )
        if ready:
            await self._wait_until_connected(known)

    async def kill(self) -> None:
        """kill -9: no goodbye to anybody."""
        await self._end(signal.SIGKILL)

    async def stop(self) -> int:
        """SIGTERM, as a service manager does it; returns the exit code."""
        return await self._end(signal.SIGTERM)

    async def wait(self, timeout_s: float = 20.0) -> int:
        """Wait until it ends by itself."""
        assert self._process is not None
        return await asyncio.wait_for(self._process.wait(), timeout_s)

    async def _end(self, number: int) -> int:
        assert self._process is not None
        self._process.send_signal(number)
        return await self.wait()

    async def _wait_until_connected(self, known: int) -> None:
        assert self._process is not None
        try:
            async with asyncio.timeout(100):
                while len(self._server.gateway.sessions) <= known or not self._server.state.commands:
                    if self._process.returncode is not None:
                        break
                    await asyncio.sleep(0.02)
        except TimeoutError:
            pass
        if len(self._server.gateway.sessions) <= known:
            raise RuntimeError(f"the bot did not connect:\n{self.log}")
