"""For every test: state, keys and configuration of its own, and nothing of this machine's environment."""

from __future__ import annotations

import gc
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.house import House, open_house


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    from tests.scheduling import ByFile

    config.option.loadscopereorder = False  # the order is ours
    return ByFile(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if worker := getattr(config, "workerinput", None):  # one of several processes
        from tests.scheduling import NICE, TIMED_WORKER, turn

        items.sort(key=lambda item: turn(item.nodeid))
        if worker["workerid"] != TIMED_WORKER:
            os.nice(NICE)


def pytest_collection_finish() -> None:
    gc.freeze()  # what was imported stays, and need not be looked through again and again


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
