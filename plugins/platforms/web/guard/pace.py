"""How often one address may ask."""

from __future__ import annotations

import ipaddress
import math

from starlette.requests import HTTPConnection

from bot.rate_limit import RateLimit

BURST_S = 10  # as many at once as in ten seconds: a page with all its assets, several times


class Pace:
    """`per_minute` requests, and messages over sockets, for each address; 0: as many as it likes."""

    def __init__(self, per_minute: int) -> None:
        self._limit = RateLimit(per_minute, max(1, per_minute * BURST_S // 60)) if per_minute else None

    def wait_s(self, connection: HTTPConnection) -> int:
        """0 when the request may pass, else the whole seconds until one may."""
        return math.ceil(self._limit.wait_s(address(connection))) if self._limit else 0


def address(connection: HTTPConnection) -> str:
    """Who asks, as far as the network tells; of IPv6 the first half, since the second is the asker's own to choose."""
    host = connection.client.host if connection.client else ""
    try:
        at = ipaddress.ip_address(host)
    except ValueError:
        return host
    return host if at.version == 4 else str(ipaddress.ip_network((int(at), 64), strict=False))
