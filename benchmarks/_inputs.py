"""What the serving benchmarks read: public Korean texts of two lengths, and a BERT-base shape with random weights."""

from __future__ import annotations

import csv
import json
import os
import random
import shutil
from functools import cache
from pathlib import Path

CORPORA = Path(os.environ.get("MAUM_CORPORA", "corpora"))
VAR = Path("var/bench")
SHIPPED = Path("models/maum-small")


@cache
def comments() -> list[str]:
    """Online comments: the development rows of KOTE, about 28 tokens each."""
    lines = (CORPORA / "kote" / "dev.tsv").read_text(encoding="utf-8").splitlines()
    return _shuffled([line.split("\t")[1] for line in lines])


@cache
def chat() -> list[str]:
    """Chat turns: the questions of ChatbotData, about 7 tokens each."""
    with (CORPORA / "chatbot_data" / "ChatbotData.csv").open(encoding="utf-8", newline="") as lines:
        return _shuffled([row[0] for row in csv.reader(lines)][1:])


def base() -> Path:
    """A checkpoint of BERT-base's shape: 12 layers of 768, 32,000 pieces of words, 58 labels, random weights.

    Made once. Its tokenizer is trained on both kinds of texts, so that their lengths in tokens are natural.
    """
    folder = VAR / "bert-base-random"
    if (folder / "model.safetensors").exists():
        return folder
    import torch
    from transformers import BertConfig, BertForSequenceClassification

    torch.manual_seed(0)
    _save_tokenizer(folder)
    BertForSequenceClassification(BertConfig(vocab_size=32_000, num_labels=58)).save_pretrained(folder)
    return folder


def for_transformers_4(model: Path) -> Path:
    """The same folder, its tokenizer named as transformers 4 knows it: infinity-emb cannot read the newer name."""
    folder = VAR / f"{model.name}-for-4"
    shutil.copytree(model, folder, dirs_exist_ok=True)
    path = folder / "tokenizer_config.json"
    settings = json.loads(path.read_text(encoding="utf-8")) | {"tokenizer_class": "PreTrainedTokenizerFast"}
    path.write_text(json.dumps(settings, ensure_ascii=False), encoding="utf-8")
    return folder


def _save_tokenizer(folder: Path) -> None:
    from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    special = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(vocab_size=32_000, special_tokens=[*special.values()], show_progress=False)
    tokenizer.train_from_iterator([*comments(), *chat()], trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, **special).save_pretrained(folder)  # type: ignore[no-untyped-call]


def _shuffled(texts: list[str]) -> list[str]:
    random.Random(0).shuffle(texts)
    return texts
