"""Passes without padding beside transformers' own modules, for every kind of model they are known for."""

from __future__ import annotations

import random
from typing import Any

import pytest
import torch
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    BertConfig,
    BertForSequenceClassification,
    DistilBertConfig,
    DistilBertForSequenceClassification,
    ElectraConfig,
    ElectraForSequenceClassification,
    ModernBertConfig,
    ModernBertForSequenceClassification,
    RobertaConfig,
    RobertaForSequenceClassification,
    XLMRobertaConfig,
    XLMRobertaForSequenceClassification,
)

from plugins.classifiers._encoders import encoder_of
from plugins.classifiers._network import Head, Network
from plugins.classifiers._packed import PackedNetwork
from plugins.classifiers._precision import available
from training import maum58

CPU = torch.device("cpu")
SHAPE = {
    "vocab_size": 200,
    "hidden_size": 64,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "intermediate_size": 96,
    "max_position_embeddings": 210,
    "num_labels": 5,
}
MODERN: dict[str, Any] = {
    name: number for number, name in enumerate(("pad_token_id", "cls_token_id", "sep_token_id", "bos_token_id"))
} | {"eos_token_id": 2}
BIASES = dict.fromkeys(("norm_bias", "attention_bias", "mlp_bias", "classifier_bias"), True)

KNOWN: dict[str, tuple[Any, Any, dict[str, Any]]] = {
    "bert": (BertForSequenceClassification, BertConfig, {}),
    "roberta": (RobertaForSequenceClassification, RobertaConfig, {}),
    "xlm-roberta": (XLMRobertaForSequenceClassification, XLMRobertaConfig, {}),
    "electra": (ElectraForSequenceClassification, ElectraConfig, {"embedding_size": 64}),
    "modernbert": (
        ModernBertForSequenceClassification,
        ModernBertConfig,
        MODERN | {"classifier_pooling": "mean", "local_attention": 32},
    ),
    "modernbert with biases": (
        ModernBertForSequenceClassification,
        ModernBertConfig,
        MODERN | BIASES | {"classifier_pooling": "cls", "local_attention": 64},
    ),
}


def made(kind: Any, config: Any, options: dict[str, Any]) -> Any:
    torch.manual_seed(0)
    module = kind(config(**SHAPE | options)).eval()
    for parameter in module.parameters():
        torch.nn.init.normal_(parameter, std=0.3)  # the usual small start gives every text the same scores
    return module


def texts() -> list[list[int]]:
    rng = random.Random(0)
    return [[rng.randrange(5, 200) for _ in range(rng.choice((1, 2, 5, 9, 30, 64, 65, 120, 200)))] for _ in range(30)]


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


@pytest.mark.parametrize(
    ("kind", "config", "options"),
    [
        (DistilBertForSequenceClassification, DistilBertConfig, {"dim": 64, "hidden_dim": 96, "n_heads": 4}),
        (BertForSequenceClassification, BertConfig, {"hidden_act": "relu"}),
        (ElectraForSequenceClassification, ElectraConfig, {"embedding_size": 32}),
        (ModernBertForSequenceClassification, ModernBertConfig, MODERN | {"classifier_activation": "relu"}),
    ],
    ids=["another kind", "another activation", "narrow embeddings", "another head"],
)
def test_what_is_not_known_has_no_such_pass(kind: Any, config: Any, options: dict[str, Any]) -> None:
    assert encoder_of(made(kind, config, options), torch.float32) is None


def test_the_shipped_model_gives_what_transformers_gives() -> None:
    module = AutoModelForSequenceClassification.from_pretrained("models/maum-small", dtype=torch.float32).eval()
    tokenizer = AutoTokenizer.from_pretrained("models/maum-small")
    items = tokenizer([row.text for row in maum58.read(split="test")[:64]], truncation=True, max_length=128).input_ids
    encoder = encoder_of(module, torch.float32)
    assert encoder is not None
    packed, plain = PackedNetwork(encoder, 0, Head(), "fp32"), Network(module, CPU, 0, Head())
    assert torch.allclose(probabilities(packed, items), probabilities(plain, items), atol=1e-5)
