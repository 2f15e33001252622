"""Nothing is lost and nothing is said twice, whenever the bot is killed; the short form of `make chaos`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.run import SURFACES, run

KILLS = 5  # one in each phase


@pytest.mark.parametrize("name", SURFACES)
async def test_a_killed_bot_answers_everything_once(name: str, tmp_path: Path) -> None:
    toll = await run(name, tmp_path, people=6, messages=20, kills=KILLS)
    assert (toll.lost, toll.doubled, toll.broken, toll.violations) == ([], [], 0, 0)
    assert toll.strays <= KILLS
    assert set(toll.kills.values()) == {1}
