"""How often the bot may identify: a few times at once, then seldom, whatever crashes in between."""

from __future__ import annotations

import json
import time
from pathlib import Path

from plugins.platforms.discord.identify import IdentifyBudget


def _budget(folder: Path, **more: float) -> IdentifyBudget:
    """As a new process sees it."""
    return IdentifyBudget(folder / "identify.json", **({"spacing_s": 0.0} | more))  # type: ignore[arg-type]


def _age(folder: Path, seconds: float) -> None:
    file = folder / "identify.json"
    file.write_text(json.dumps([at - seconds for at in json.loads(file.read_text())]))


def test_five_are_free_and_the_sixth_waits_ninety_seconds(tmp_path: Path) -> None:
    assert [_budget(tmp_path).take() for _ in range(5)] == [0.0] * 5
    assert 89 < _budget(tmp_path).take() <= 90
    assert 89 < _budget(tmp_path).wait_s() <= 90


def test_a_crash_loop_of_six_hours_stays_far_below_a_quarter_of_a_thousand(tmp_path: Path) -> None:
    taken, now = 0, 0.0
    while now < 21_600:
        if wait_s := _budget(tmp_path).take():
            _age(tmp_path, wait_s)
            now += wait_s
        else:
            taken += 1
            _age(tmp_path, 1.0)  # it crashes after a second
            now += 1.0
    assert 200 < taken <= 246


def test_two_are_at_least_five_seconds_apart(tmp_path: Path) -> None:
    assert _budget(tmp_path, spacing_s=5.0).take() == 0.0
    assert 4 < _budget(tmp_path, spacing_s=5.0).take() <= 5


def test_a_bot_that_ran_well_has_its_free_ones_again(tmp_path: Path) -> None:
    for _ in range(5):
        _budget(tmp_path).take()
    _age(tmp_path, 600)
    assert [_budget(tmp_path).take() for _ in range(5)] == [0.0] * 5


def test_each_shard_has_free_ones(tmp_path: Path) -> None:
    assert [_budget(tmp_path, shards=2).take() for _ in range(10)] == [0.0] * 10
    assert _budget(tmp_path, shards=2).take() > 0


def test_a_file_that_a_crash_has_cut_off_means_the_slow_pace(tmp_path: Path) -> None:
    (tmp_path / "identify.json").write_text("[1795727128.27, 179572")
    assert _budget(tmp_path).take() > 80


def test_a_clock_that_was_put_back_does_not_lock_the_bot_out(tmp_path: Path) -> None:
    (tmp_path / "identify.json").write_text(json.dumps([time.time() + 10_000] * 9))
    assert _budget(tmp_path).take() == 0.0
