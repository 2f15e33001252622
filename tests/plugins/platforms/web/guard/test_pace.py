"""Who counts as one address."""

from __future__ import annotations

import pytest
from starlette.requests import HTTPConnection

from plugins.platforms.web.guard.pace import Pace, address


def _from(host: str | None) -> HTTPConnection:
    return HTTPConnection({"type": "http", "headers": [], "client": (host, 1) if host else None})


@pytest.mark.parametrize(
    ("host", "who"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:aaaa::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:bbbb::9", "2001:db8:1:2::/64"),
        ("testclient", "testclient"),
        (None, ""),
    ],
)
def test_an_ipv6_network_counts_as_one_asker(host: str | None, who: str) -> None:
    assert address(_from(host)) == who


def test_no_limit_is_none() -> None:
    assert not any(Pace(0).wait_s(_from("203.0.113.7")) for _ in range(10_000))


def test_at_least_one_request_passes_under_the_smallest_limit() -> None:
    pace = Pace(1)
    assert [pace.wait_s(_from("203.0.113.7")) for _ in range(2)] == [0, 60]
