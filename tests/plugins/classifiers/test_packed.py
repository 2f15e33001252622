"""Texts laid end to end."""

from __future__ import annotations

import random

import torch

from plugins.classifiers._packed import STEP, WIDTH, rows_of
from plugins.classifiers._passes import laid_out


def test_a_lone_text_gets_a_row_hardly_longer_than_itself() -> None:
    assert rows_of([5]) == ([0], 1, STEP)
    assert rows_of([200]) == ([0], 1, 200)


def test_few_texts_share_one_row() -> None:
    starts, rows, width = rows_of([3, 7, 4])
    assert (rows, width) == (1, 16)
    assert sorted(starts) == [0, 7, 11]


def test_no_two_texts_overlap_none_is_cut_and_little_room_is_lost() -> None:
    rng = random.Random(0)
    for _ in range(50):
        sizes = [min(128, int(rng.expovariate(1 / 28)) + 1) for _ in range(rng.randrange(20, 40))]
        starts, rows, width = rows_of(sizes)
        taken = [at for start, size in zip(starts, sizes, strict=True) for at in range(start, start + size)]
        assert len(taken) == len(set(taken))
        assert max(taken) < rows * width
        assert all(start // width == (start + size - 1) // width for start, size in zip(starts, sizes, strict=True))
        assert sum(sizes) > 0.6 * rows * width
        assert width >= min(WIDTH, max(sizes))


def test_tokens_places_and_texts_stand_where_they_were_laid() -> None:
    ids, lengths, starts = torch.tensor([7, 8, 9, 5, 6]), torch.tensor([3, 2]), torch.tensor([4, 0])
    tokens, places, texts = laid_out(ids, lengths, starts, 2, 4)
    assert tokens.tolist() == [[5, 6, 0, 0], [7, 8, 9, 0]]
    assert places.tolist() == [[0, 1, 0, 0], [0, 1, 2, 0]]
    assert texts.tolist() == [[1, 1, -1, -1], [0, 0, 0, -1]]
