"""Passes over texts that lie behind each other, beside transformers' own modules, for every kind they are known for."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch
from transformers import AutoModelForSequenceClassification

from plugins.classifiers._flat_weights import flat_encoder_of
from plugins.classifiers._graphs import FlatNetwork, lacks_memory
from plugins.classifiers._network import Head, Network
from plugins.classifiers._shapes import Shape, laid, rounded, shape_of
from tests.plugins.classifiers.kinds import KNOWN, UNKNOWN, made, texts

CPU = torch.device("cpu")


def flat(module: torch.nn.Module) -> FlatNetwork:
    encoder = flat_encoder_of(module, torch.float32, CPU)
    assert encoder is not None
    return FlatNetwork(encoder, CPU, 0, Head(), "fp32")


@pytest.mark.parametrize("name", KNOWN)
def test_a_flat_pass_gives_what_transformers_gives_and_the_same_in_any_company(name: str) -> None:
    module, items = made(*KNOWN[name]), texts()
    network, plain = flat(module), Network(module, CPU, module.config.pad_token_id, Head())
    together = torch.tensor(network.forward(items))
    assert torch.allclose(together, torch.tensor(plain.forward(items)), atol=1e-4)
    alone = torch.cat([torch.tensor(network.forward([item])) for item in items])
    assert torch.allclose(together, alone, atol=1e-5)


@pytest.mark.parametrize("name", KNOWN)
def test_what_fills_a_shape_up_does_not_change_a_texts_probabilities(name: str) -> None:
    network, items = flat(made(*KNOWN[name])), texts()[:7]
    exact = shape_of(items)
    for shape in (rounded(exact), Shape(exact.tokens, 16, 256), Shape(exact.tokens + 300, len(items), 200)):
        inputs = torch.full((shape.size,), 77, dtype=torch.int32)
        laid(inputs.numpy(), items, shape)
        with torch.inference_mode():
            filled = network._flat(inputs, shape)[: len(items)]
        assert torch.allclose(filled, torch.tensor(network.forward(items)), atol=1e-6)


def test_folding_the_biases_leaves_the_module_as_it_was() -> None:
    module = made(*KNOWN["bert"])
    before = [parameter.clone() for parameter in module.parameters()]
    flat(module)
    assert all(torch.equal(*both) for both in zip(before, module.parameters(), strict=True))


@pytest.mark.parametrize("name", UNKNOWN)
def test_what_is_not_known_has_no_flat_pass(name: str) -> None:
    assert flat_encoder_of(made(*UNKNOWN[name]), torch.float32, CPU) is None


def test_the_shipped_model_gives_what_transformers_gives() -> None:
    module = AutoModelForSequenceClassification.from_pretrained("models/maum-small", dtype=torch.float32).eval()
    rng = random.Random(1)
    items = [[1, *(rng.randrange(5, 8000) for _ in range(rng.randrange(60))), 2] for _ in range(40)]
    plain = Network(module, CPU, 0, Head()).forward(items)
    assert torch.allclose(torch.tensor(flat(module).forward(items)), torch.tensor(plain), atol=1e-5)


def test_ids_places_and_bounds_lie_behind_each_other() -> None:
    shape = Shape(8, 4, 128)
    numbers = np.full(shape.size, -1, np.int32)
    laid(numbers, [[7, 8, 9], [5], [6, 4]], shape)
    ids, places, bounds = np.split(numbers, np.cumsum(shape.parts)[:2])
    assert ids.tolist() == [7, 8, 9, 5, 6, 4, 0, 0]
    assert places.tolist() == [0, 1, 2, 0, 0, 1, 0, 0]
    assert bounds.tolist() == [0, 3, 4, 6, 6]


def test_shapes_are_rounded_up_to_few_and_hardly_larger_ones() -> None:
    assert rounded(Shape(1, 1, 1)) == Shape(16, 1, 128)
    assert rounded(Shape(130, 5, 129)) == Shape(144, 16, 256)
    assert rounded(Shape(4096, 64, 128)) == Shape(4096, 64, 128)
    sizes = {tokens: rounded(Shape(tokens, 1, 1)).tokens for tokens in range(1, 8193)}
    assert all(tokens <= size < tokens + max(16, tokens / 8) for tokens, size in sizes.items())
    assert len({*sizes.values()}) == 8 + 6 * 8


def test_a_lack_of_memory_is_found_behind_what_it_caused() -> None:
    with pytest.raises(RuntimeError) as caught:
        fail_twice()
    assert lacks_memory(caught.value)
    assert lacks_memory(RuntimeError("CUDA error: out of memory"))
    assert not lacks_memory(RuntimeError("shapes do not match"))


def fail_twice() -> None:
    try:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
    finally:
        raise RuntimeError("the recording is not valid any more")
