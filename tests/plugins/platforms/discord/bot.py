"""The whole bot in a process of its own, connected to the local Discord."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.forked import Forked
from tests.servers.discord_server import DiscordServer
from tests.servers.openai_server import OpenAIServer

ROOT = Path(__file__).resolve().parents[4]
END_S = 20.0
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
identify_every_s = 0.1
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
        self._config = folder / "config.toml"
        facts = {"llm": llm.base_url, "api_base": server.api_base, "gateway": server.gateway_url, "consent": consent}
        text = CONFIG
        for name, value in facts.items():
            text = text.replace("{" + name + "}", value)
        self._config.write_text(text, encoding="utf-8")
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
        return (self._folder / "log.txt").read_text(encoding="utf-8")

    @property
    def state(self) -> Path:
        return self._folder / "state"

    @property
    def _environment(self) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("MAUM_")}
        own = {
            "PYTHONPATH": str(ROOT),
            "MAUM_STATE_DIR": str(self.state),
            "MAUM_MASTER_KEY_FILE": str(self._folder / "master.key"),
            "DISCORD_TOKEN": self._server.gateway.token,
        }
        return inherited | own | self._environ

    async def start(self, *, ready: bool = True) -> None:
        """Start it, and wait until it is connected."""
        known = len(self._server.gateway.sessions)
        await self._begin("run")
        if ready:
            await self._wait_until_connected(known)

    async def do(self, *command: str) -> str:
        """What another command of it says."""
        await self._begin(*command)
        await self.wait()
        return (self._folder / "out.txt").read_text(encoding="utf-8")

    async def kill(self) -> None:
        """kill -9: no goodbye to anybody."""
        await self._end(signal.SIGKILL)

    async def stop(self) -> int:
        """SIGTERM, as a service manager does it; returns the exit code."""
        return await self._end(signal.SIGTERM)

    async def wait(self) -> int:
        """Wait until it ends by itself."""
        assert self._process is not None
        return await self._process.wait(END_S)

    async def _begin(self, *command: str) -> None:
        self._process = Forked(self._folder, self._environment, *command, "--config", str(self._config))
        await self._process.start()

    async def _end(self, number: signal.Signals) -> int:
        assert self._process is not None
        self._process.send(number)
        return await self.wait()

    async def _wait_until_connected(self, known: int) -> None:
        assert self._process is not None
        try:
            async with asyncio.timeout(100):
                while len(self._server.gateway.sessions) <= known or not self._server.state.commands:
                    if self._process.code is not None:
                        break
                    await asyncio.sleep(0.02)
        except TimeoutError:
            pass
        if len(self._server.gateway.sessions) <= known:
            raise RuntimeError(f"the bot did not connect:\n{self.log}")
