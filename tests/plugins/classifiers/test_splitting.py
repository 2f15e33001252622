"""Cutting texts of mixed lengths into batches."""

from __future__ import annotations

from itertools import pairwise, product

from hypothesis import given, settings
from hypothesis import strategies as st

from plugins.classifiers._splitting import split

LENGTHS = st.lists(st.integers(1, 128), max_size=60)


def cost(batches: list[list[int]], lengths: list[int], fixed: float) -> float:
    return sum(fixed + len(batch) * max(lengths[i] for i in batch) for batch in batches)


@given(LENGTHS, st.integers(1, 32), st.floats(0, 500))
def test_every_text_stands_in_one_batch_of_bounded_size(lengths: list[int], most: int, fixed: float) -> None:
    batches = split(lengths, most, fixed)
    assert sorted(i for batch in batches for i in batch) == list(range(len(lengths)))
    assert all(1 <= len(batch) <= most for batch in batches)


@settings(max_examples=50)
@given(st.lists(st.integers(1, 60), min_size=1, max_size=9), st.floats(0, 200))
def test_no_other_cuts_cost_less(lengths: list[int], fixed: float) -> None:
    order = sorted(range(len(lengths)), key=lengths.__getitem__)
    least = min(cost(_at(order, cuts), lengths, fixed) for cuts in product((False, True), repeat=len(lengths) - 1))
    assert cost(split(lengths, len(lengths), fixed), lengths, fixed) <= least + 1e-6


def test_a_costly_pass_keeps_texts_together_and_a_cheap_one_parts_them() -> None:
    lengths = [5, 6, 60, 62]
    assert len(split(lengths, 32, fixed=1000)) == 1
    assert [[lengths[i] for i in batch] for batch in split(lengths, 32, fixed=10)] == [[5, 6], [60, 62]]


def test_more_texts_of_one_length_than_fit_are_dealt_out_evenly() -> None:
    assert [len(batch) for batch in split([7] * 40, 32, fixed=48)] == [20, 20]


def _at(order: list[int], cuts: tuple[bool, ...]) -> list[list[int]]:
    edges = [0, *(at for at, cut in enumerate(cuts, 1) if cut), len(order)]
    return [order[start:end] for start, end in pairwise(edges)]
