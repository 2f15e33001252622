"""Batches as tensors."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import AutoModelForSequenceClassification

from plugins.classifiers._network import Head, Network, padded
from tests.plugins.classifiers import checkpoints

ITEMS = [[5, 6, 7], [8], [9, 10]]
PAD = 0


def module(folder: Path) -> torch.nn.Module:
    loaded: torch.nn.Module = AutoModelForSequenceClassification.from_pretrained(checkpoints.make(folder / "m"))
    return loaded


def test_shorter_texts_are_padded_and_masked() -> None:
    ids, mask = padded(ITEMS, PAD)
    assert ids.tolist() == [[5, 6, 7], [8, 0, 0], [9, 10, 0]]
    assert mask.tolist() == [[1, 1, 1], [1, 0, 0], [1, 1, 0]]


def test_a_batch_is_filled_up_to_a_shape_with_rows_that_show_one_token() -> None:
    ids, mask = padded(ITEMS, PAD, rows=4, width=5)
    assert ids.shape == mask.shape == (4, 5)
    assert mask.sum(1).tolist() == [3, 1, 2, 1]


def test_a_filled_up_batch_has_the_same_probabilities(tmp_path: Path) -> None:
    network = Network(module(tmp_path), torch.device("cpu"), PAD, Head())
    plain = network.forward(ITEMS)
    with torch.inference_mode():
        filled = network._pass(*padded(ITEMS, PAD, rows=4, width=16))[: len(ITEMS)].tolist()
    for row, other in zip(plain, filled, strict=True):
        assert row == pytest.approx(other, abs=1e-5)


def test_numbers_that_are_none_are_an_error(tmp_path: Path) -> None:
    broken = module(tmp_path)
    torch.nn.init.constant_(next(broken.parameters()), float("nan"))
    with pytest.raises(FloatingPointError):
        Network(broken, torch.device("cpu"), PAD, Head()).forward(ITEMS)
