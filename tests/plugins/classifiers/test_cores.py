"""How cores are shared out among passes."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

import pytest
import torch

from plugins.classifiers._cores import Cores, share_out
from plugins.classifiers._network import Head, Item, Network, Row

TRIAL = [[1, 2, 3], [4, 5], [6] * 9]


class Timed(Network):
    """A pass takes as long as `seconds` says for torch's number of threads; of a lone text `lone`."""

    def __init__(self, seconds: dict[int, float], lone: dict[int, float] | None = None, packs: bool = True) -> None:
        super().__init__(torch.nn.Identity(), torch.device("cpu"), 0, Head())
        self._seconds, self._lone, self.packs = seconds, lone or seconds, packs

    def forward(self, items: Sequence[Item]) -> list[Row]:
        time.sleep((self._lone if len(items) == 1 else self._seconds)[torch.get_num_threads()])
        return [(0.5, 0.5) for _ in items]


@pytest.fixture(autouse=True)
def _threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def shared(threads: int, seconds: dict[int, float], lone: dict[int, float] | None = None) -> Cores:
    return share_out(Timed(seconds, lone), TRIAL, threads)


def test_one_core_runs_one_pass_at_a_time() -> None:
    assert shared(1, {1: 0.0}) == Cores(1, 1, 1)


def test_two_cores_run_two_passes_and_a_lone_text_takes_both_where_that_is_quicker() -> None:
    assert shared(2, {1: 0.0}, {1: 0.01, 2: 0.005}) == Cores(2, 1, 2)
    assert shared(2, {1: 0.0}, {1: 0.005, 2: 0.005}) == Cores(2, 1, 1)


def test_many_cores_are_halved_where_threads_help_and_left_alone_where_they_do_not() -> None:
    assert shared(4, {1: 0.01, 2: 0.005}) == Cores(2, 2, 2)
    assert shared(4, {1: 0.005, 2: 0.005}, {1: 0.005, 4: 0.01}) == Cores(2, 1, 1)


def test_a_model_that_pads_gets_one_pass_at_a_time_on_as_many_threads_as_are_quickest() -> None:
    padded = Timed({1: 0.01, 2: 0.005}, packs=False)
    torch.set_num_threads(2)
    assert share_out(padded, TRIAL, 0) == Cores()
    assert torch.get_num_threads() == 2
    share_out(padded, TRIAL, 1)
    assert torch.get_num_threads() == 1
