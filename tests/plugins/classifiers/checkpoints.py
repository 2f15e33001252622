"""Tiny checkpoints made on the spot, written by transformers itself: real files for the real loading code."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers
from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

from plugins.classifiers._hashes import hashed
from plugins.classifiers._ngrams import Ngrams

LINES = (
    "오늘 정말 기뻐요",
    "너무 화가 나",
    "무서워서 잠이 안 와",
    "I am so happy today",
    "why me",
    "그냥 그래 ㅋㅋ ㅠㅠ",
)


def save_tokenizer(folder: Path) -> None:
    """A WordPiece of a few lines, with BERT's frame."""
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokenizer.train_from_iterator(
        LINES, trainers.WordPieceTrainer(vocab_size=200, special_tokens=special, show_progress=False)
    )
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    names = {"unk_token": "[UNK]", "pad_token": "[PAD]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, **names).save_pretrained(folder)  # type: ignore[no-untyped-call]


def make(folder: Path, labels: Sequence[str] | int = 3, seed: int = 0, **config: Any) -> Path:
    """A BERT of two small layers with random weights. `labels` as a number leaves them as LABEL_0 …"""
    torch.manual_seed(seed)
    named = {"num_labels": labels} if isinstance(labels, int) else {"id2label": dict(enumerate(labels))}
    shape = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    settings: dict[str, Any] = {"vocab_size": 200, "max_position_embeddings": 64, **shape, **named, **config}
    network = BertForSequenceClassification(BertConfig(**settings))
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.3)  # the usual small start gives every text the same scores
    network.save_pretrained(folder)
    save_tokenizer(folder)
    return folder


def ngrams_of(texts: Sequence[str], labels: int) -> Ngrams:
    """N-grams of these texts, with random weights."""
    known = np.unique(hashed(texts)[0])
    weights = np.random.default_rng(3).standard_normal((len(known), labels)).astype(np.float32)
    return Ngrams(known, np.ones(len(known), np.float32), weights, np.zeros(labels, np.float32))


def calibrate(folder: Path, **content: object) -> None:
    (folder / "calibration.json").write_text(json.dumps(content), encoding="utf-8")
