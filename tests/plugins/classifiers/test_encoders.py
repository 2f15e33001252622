"""Passes without padding beside transformers' own modules, for every kind of model they are known for."""

from __future__ import annotations

import pytest
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from plugins.classifiers._encoders import encoder_of
from plugins.classifiers._network import Head, Network
from plugins.classifiers._packed import PackedNetwork
from plugins.classifiers._precision import available
from tests.plugins.classifiers.kinds import KNOWN, UNKNOWN, made, texts
from training import maum58

CPU = torch.device("cpu")


def probabilities(network: Network, items: list[list[int]]) -> torch.Tensor:
    return torch.tensor(network.forward(items))


@pytest.mark.parametrize("name", KNOWN)
@pytest.mark.parametrize("precision", [one for one in available(CPU) if one != "int8"])
def test_a_pass_gives_what_transformers_gives_and_the_same_in_any_company(name: str, precision: str) -> None:
    module, near = made(*KNOWN[name]), {"fp32": 1e-5, "bf16": 0.02}[precision]
    encoder = encoder_of(module, {"fp32": torch.float32, "bf16": torch.bfloat16}[precision])
    assert encoder is not None
    head, items = Head(), texts()
    packed = PackedNetwork(encoder, module.config.pad_token_id, head, precision)
    plain = Network(module, CPU, module.config.pad_token_id, head)
    together = probabilities(packed, items)
    assert torch.allclose(together, probabilities(plain, items), atol=near)
    alone = torch.cat([probabilities(packed, [item]) for item in items])
    assert torch.allclose(together, alone, atol=near)


@pytest.mark.parametrize("name", UNKNOWN)
def test_what_is_not_known_has_no_such_pass(name: str) -> None:
    assert encoder_of(made(*UNKNOWN[name]), torch.float32) is None


def test_the_shipped_model_gives_what_transformers_gives() -> None:
    module = AutoModelForSequenceClassification.from_pretrained("models/maum-small", dtype=torch.float32).eval()
    tokenizer = AutoTokenizer.from_pretrained("models/maum-small")
    items = tokenizer([row.text for row in maum58.read(split="test")[:64]], truncation=True, max_length=128).input_ids
    encoder = encoder_of(module, torch.float32)
    assert encoder is not None
    packed, plain = PackedNetwork(encoder, 0, Head(), "fp32"), Network(module, CPU, 0, Head())
    assert torch.allclose(probabilities(packed, items), probabilities(plain, items), atol=1e-5)
