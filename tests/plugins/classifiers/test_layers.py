"""Linear layers in other precisions, beside the layers they were made of."""

from __future__ import annotations

import pytest
import torch

from plugins.classifiers._layers import Int8Linear, PackedLinear, replace_linear
from plugins.classifiers._precision import available

BF16 = pytest.mark.skipif("bf16" not in available(torch.device("cpu")), reason="this CPU has no bf16")


def test_an_int8_layer_is_near_the_layer_it_was_made_of_and_the_same_in_any_company() -> None:
    torch.manual_seed(0)
    layer = torch.nn.Linear(64, 32)
    inputs = torch.randn(5, 7, 64)
    inputs[4] *= 100
    with torch.inference_mode():
        wanted, found = layer(inputs), Int8Linear(layer)(inputs)
        alone = Int8Linear(layer)(inputs[:1])
    assert found.shape == wanted.shape
    assert float((found - wanted)[:4].abs().max()) < 0.05
    assert torch.equal(found[:1], alone)


def test_a_layer_without_bias_and_an_input_of_zeros_are_fine_too() -> None:
    layer = torch.nn.Linear(16, 8, bias=False)
    assert torch.equal(Int8Linear(layer)(torch.zeros(2, 16)), torch.zeros(2, 8))


@BF16
def test_a_packed_layer_gives_what_the_layer_gives() -> None:
    torch.manual_seed(0)
    for layer in (torch.nn.Linear(64, 32).bfloat16(), torch.nn.Linear(64, 32, bias=False).bfloat16()):
        inputs = torch.randn(5, 7, 64).bfloat16()
        with torch.inference_mode():
            assert torch.allclose(PackedLinear(layer)(inputs), layer(inputs), atol=0.02)


def test_all_layers_but_the_one_that_makes_the_logits_are_replaced() -> None:
    model = torch.nn.Sequential(
        torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.GELU()), torch.nn.Linear(4, 4), torch.nn.Linear(4, 2)
    )
    replaced = replace_linear(model, Int8Linear)
    kinds = [type(part) for part in replaced.modules() if not list(part.children())]
    assert kinds == [Int8Linear, torch.nn.GELU, Int8Linear, torch.nn.Linear]
