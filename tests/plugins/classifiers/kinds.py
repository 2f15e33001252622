"""Models of every kind that has passes of its own, and of some that have not; random weights, made on the spot."""

from __future__ import annotations

import random
from typing import Any, TypeAlias

import torch
from transformers import (
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

Kind: TypeAlias = tuple[Any, Any, dict[str, Any]]

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

KNOWN: dict[str, Kind] = {
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

UNKNOWN: dict[str, Kind] = {
    "another kind": (
        DistilBertForSequenceClassification,
        DistilBertConfig,
        {"dim": 64, "hidden_dim": 96, "n_heads": 4},
    ),
    "another activation": (BertForSequenceClassification, BertConfig, {"hidden_act": "relu"}),
    "narrow embeddings": (ElectraForSequenceClassification, ElectraConfig, {"embedding_size": 32}),
    "another head": (
        ModernBertForSequenceClassification,
        ModernBertConfig,
        MODERN | {"classifier_activation": "relu"},
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
