"""uvicorn inside our own event loop."""

from __future__ import annotations

import contextlib
import socket
import warnings
from collections.abc import Iterator, Sequence

import uvicorn
from starlette.types import ASGIApp

from plugins.platforms.web.guard.size import MAX_HEADERS, MAX_SOCKET_MESSAGE

GRACEFUL_S = 3


def configured(application: ASGIApp, proxies: Sequence[str] = ()) -> uvicorn.Config:
    """h11, because it is the one that bounds a request's headers."""
    return uvicorn.Config(
        application,
        http="h11",
        h11_max_incomplete_event_size=MAX_HEADERS,
        ws_max_size=MAX_SOCKET_MESSAGE,
        proxy_headers=bool(proxies),
        forwarded_allow_ips=list(proxies),
        server_header=False,
        log_config=None,  # its lines go through ours, which let no text of a person out
        access_log=False,
        timeout_graceful_shutdown=GRACEFUL_S,
    )


class Server(uvicorn.Server):
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """NiceGUI looks at every live object to find its server, and torch's deprecated ones complain of being seen.

        (Looking at openai's would import the whole of it, for two seconds: bot/__main__.py hides what is there before.)
        """
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            await super().startup(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals belong to the composition root, which drains before it stops us."""
        yield
