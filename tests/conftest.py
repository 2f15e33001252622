"""For every test: state, keys and configuration of its own, and nothing of this machine's environment."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.house import House, open_house

ROOT = Path(__file__).parents[1]
#: folders whose tests share something dear (a server with a browser, a PostgreSQL) and so one process
TOGETHER = ("tests/plugins/platforms/web/", "tests/storage/")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """With several processes a file's tests stay in one of them, as its fixtures do."""
    for item in items:
        place = item.path.relative_to(ROOT).as_posix() if item.path.is_relative_to(ROOT) else item.path.name
        group = next((folder for folder in TOGETHER if place.startswith(folder)), place)
        item.add_marker(pytest.mark.xdist_group(group))


@pytest.fixture(autouse=True)
def _own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith("MAUM_") and name != "MAUM_CORPORA":
            monkeypatch.delenv(name)
    for name in ("OPENAI_API_KEY", "DISCORD_TOKEN", "TELEGRAM_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MAUM_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("MAUM_MASTER_KEY_FILE", str(tmp_path / "home" / "master.key"))


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(tmp_path) as house:
        yield house
