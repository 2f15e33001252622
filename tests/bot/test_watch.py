"""A late event loop is measured, and a very late one is told with its place."""

from __future__ import annotations

import asyncio
import logging
import time

import pytest
from prometheus_client import REGISTRY

from bot.watch import watch_loop


def _hold_up(seconds: float) -> None:
    time.sleep(seconds)


async def test_a_loop_that_stands_still_is_logged_with_the_place_that_held_it_up(
    caplog: pytest.LogCaptureFixture,
) -> None:
    before = REGISTRY.get_sample_value("maum_loop_lag_seconds_count") or 0
    watching = asyncio.create_task(watch_loop(every_s=0.02, late_s=0.2))
    with caplog.at_level(logging.WARNING):
        await asyncio.sleep(0.06)
        assert not caplog.records
        _hold_up(0.6)
        await asyncio.sleep(0.06)
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    (record,) = caplog.records
    assert "stood still for 0." in record.getMessage()
    assert "test_watch.py" in record.getMessage()
    assert (REGISTRY.get_sample_value("maum_loop_lag_seconds_count") or 0) > before
