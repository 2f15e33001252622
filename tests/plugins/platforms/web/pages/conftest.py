"""One browser, one server, one that asks for a password, and per module one visitor who stays; others come and go."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.plugins.platforms.web.pages.browser import browser
from tests.plugins.platforms.web.pages.visitor import Visitor, Visitors
from tests.plugins.platforms.web.server import CONFIG, PASSWORD, Server

__all__ = ["browser"]


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("web")) as running:
        yield running
    assert "Traceback" not in running.log, running.log


@pytest.fixture(scope="package")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose pages ask for a password, with a model and a voice that nobody should trust."""
    config = CONFIG.replace(":FeelingClassifier", ":HostileClassifier").replace(":TalkReplier", ":HostileReplier")
    config += "[consent]\nhold_s = 2.0\n"
    with Server(tmp_path_factory.mktemp("guarded"), config, MAUM_PAGE_PASSWORD=PASSWORD) as running:
        yield running
    assert "Traceback" not in running.log, running.log


@pytest.fixture(scope="module")
def visitors(browser: Browser, server: Server) -> Iterator[Visitors]:
    """Makes visitors: people in browsers of their own."""
    visitors = Visitors(browser, server.url)
    yield visitors
    visitors.leave()


@pytest.fixture(scope="module")
def visitor(visitors: Visitors) -> Visitor:
    """A Korean at a desk who has agreed to everything asked, and stays for all tests of a module."""
    return visitors.come(agrees=True)
