"""Precisions: what they change, and which one is taken."""

from __future__ import annotations

import asyncio
import logging
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from bot.errors import OperatorError
from bot.types import Text
from plugins.classifiers._network import Head, Network
from plugins.classifiers._precision import available, pass_cost, quickest
from plugins.classifiers.transformers import TransformersClassifier
from tests.plugins.classifiers import checkpoints
from training import maum58

CPU = torch.device("cpu")
TRIAL = [[1, 2, 3], [4, 5], [6] * 9]


class Slow(torch.nn.Module):
    """A pass takes `pass_s`, and `token_s` more for each token; `tilt` is the first of two logits."""

    def __init__(self, pass_s: float, token_s: float = 0.0, tilt: float = 0.0) -> None:
        super().__init__()
        self.pass_s, self.token_s, self.tilt = pass_s, token_s, tilt

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor | None) -> SimpleNamespace:
        until = time.thread_time() + self.pass_s + self.token_s * input_ids.numel()
        while time.thread_time() < until:
            pass
        return SimpleNamespace(logits=torch.tensor([[self.tilt, 0.0]] * len(input_ids)))


def network(module: torch.nn.Module, precision: str = "fp32") -> Network:
    return Network(module, CPU, 0, Head(), precision)


def chosen(plain: Slow, **others: Slow) -> str:
    return quickest(network(plain), list(others), lambda name: network(others[name], name), TRIAL).precision


def test_the_quickest_precision_is_taken() -> None:
    assert chosen(Slow(0.02), bf16=Slow(0.001), int8=Slow(0.01)) == "bf16"
    assert chosen(Slow(0.02), bf16=Slow(0.01), int8=Slow(0.001)) == "int8"


def test_a_small_gain_is_not_worth_another_precision() -> None:
    assert chosen(Slow(0.02), bf16=Slow(0.0195)) == "fp32"


def test_a_precision_that_changes_probabilities_is_not_taken(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    assert chosen(Slow(0.02), bf16=Slow(0.001, tilt=0.5)) == "fp32"
    assert "bf16 is not used: a probability moved by 0.12" in caplog.text


def test_a_precision_that_a_model_cannot_run_in_is_not_taken(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)

    def build(name: str) -> Network:
        return network(torch.nn.Bilinear(2, 2, 2), name)

    assert quickest(network(Slow(0.001)), ["int8"], build, TRIAL).precision == "fp32"
    assert "int8 is not used" in caplog.text


def test_the_cost_of_a_pass_is_measured_in_tokens() -> None:
    assert pass_cost(network(Slow(pass_s=0.02, token_s=0.0005)), TRIAL) == pytest.approx(40, rel=0.3)
    assert pass_cost(network(Slow(pass_s=0.02)), TRIAL) > 300


@pytest.fixture(scope="module")
def rows() -> list[maum58.Row]:
    return maum58.read(split="test")[:200]


@pytest.fixture(scope="module")
def plain(rows: list[maum58.Row]) -> torch.Tensor:
    """What the shipped model reads in fp32."""
    return asyncio.run(_scores("fp32", rows))


@pytest.mark.parametrize("precision", available(CPU)[1:])
async def test_the_shipped_model_reads_the_same_in_every_precision(
    plain: torch.Tensor, rows: list[maum58.Row], precision: str
) -> None:
    other = await _scores(precision, rows)
    assert float((plain - other).abs().max()) < 0.05
    assert float((plain.argmax(1) == other.argmax(1)).float().mean()) >= 0.98


async def test_auto_says_what_it_chose(tmp_path: Path) -> None:
    async with TransformersClassifier(str(checkpoints.make(tmp_path / "m")), "cpu") as classifier:
        assert classifier.computes in [f"cpu, {precision}" for precision in available(CPU)]


async def test_a_precision_that_the_device_lacks_is_named(tmp_path: Path) -> None:
    if "bf16" in available(CPU):
        pytest.skip("this CPU has every precision")
    with pytest.raises(OperatorError, match="bf16"):
        async with TransformersClassifier(str(checkpoints.make(tmp_path / "m")), "cpu", precision="bf16"):
            pass


async def _scores(precision: str, rows: list[maum58.Row]) -> torch.Tensor:
    async with TransformersClassifier("models/maum-small", "cpu", precision=precision) as classifier:
        return torch.tensor([scores.values for scores in await classifier.classify([Text(row.text) for row in rows])])
