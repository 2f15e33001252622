"""uvicorn inside our own event loop."""

from __future__ import annotations

import contextlib
import socket
import warnings
from collections.abc import Iterator

import uvicorn
from fastapi import FastAPI

GRACEFUL_S = 3


def configured(application: FastAPI) -> uvicorn.Config:
    return uvicorn.Config(application, log_level="warning", access_log=False, timeout_graceful_shutdown=GRACEFUL_S)


class Server(uvicorn.Server):
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """NiceGUI looks at every live object to find its server, and torch's deprecated ones complain of being seen."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            await super().startup(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals belong to the composition root, which drains before it stops us."""
        yield
