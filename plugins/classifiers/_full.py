"""Any model for sequence classification, read by transformers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import transformers

from bot.errors import OperatorError
from plugins.classifiers._devices import Devices
from plugins.classifiers._network import Head, Item, Network
from plugins.classifiers._tokens import Encoder


@dataclass(frozen=True, slots=True)
class Full:
    """A folder whose weights and tokenizer are read; `source` is how the operator calls it."""

    folder: Path
    source: str
    module: torch.nn.Module
    tokenizer: Any

    @property
    def config(self) -> Any:
        return self.module.config

    def encoder(self, most: int) -> Encoder:
        """Cuts to `most` tokens, or to fewer where the model takes no more."""
        most = min(most, self.tokenizer.model_max_length, _positions(self.config))

        def slowly(texts: list[str]) -> list[Item]:
            """Through transformers' own wrapper, which costs a short text more than tokenising it."""
            found = self.tokenizer(texts, truncation=True, max_length=most, return_attention_mask=False)
            rows: list[Item] = found["input_ids"]
            return rows

        slowly(["a"])  # and with it the tokenizer beneath cuts to `most`, too
        fast = getattr(self.tokenizer, "backend_tokenizer", None)
        known = (self.tokenizer.pad_token_id, self.tokenizer.eos_token_id, 0)
        pad = next(token for token in known if token is not None)
        return Encoder((lambda texts: [row.ids for row in fast.encode_batch_fast(texts)]) if fast else slowly, pad)

    def rungs(
        self, device: str, precision: str, encode: Encoder, head: Head, trial: list[Item]
    ) -> list[Callable[[], Network]]:
        """Builders of networks, the best device first.

        Raises:
            OperatorError: torch finds no such device, or the device has no such precision.
        """
        devices = Devices(lambda: _module(self.folder, self.source), encode.pad, head, trial)
        return devices.rungs(device, precision, self.module)


def read(folder: Path, source: str) -> Full:
    """The network in fp32 on the CPU, and its tokenizer.

    Raises:
        OperatorError: it lacks trained weights, or is no classifier.
        Exception: what transformers raises of a broken folder.
    """
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
    return Full(folder, source, _module(folder, source), tokenizer)


def _module(folder: Path, source: str) -> torch.nn.Module:
    transformers.utils.logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    module, notes = transformers.AutoModelForSequenceClassification.from_pretrained(
        folder, use_safetensors=True, trust_remote_code=False, dtype=torch.float32, output_loading_info=True
    )
    if notes["missing_keys"]:
        missing = min(notes["missing_keys"])
        raise OperatorError(f"the model {source} lacks trained weights ({missing}, …): train it first")
    if module.config.problem_type == "regression" or module.config.num_labels < 2:
        raise OperatorError(f"the model {source} is a regression: a classifier needs two labels or more")
    loaded: torch.nn.Module = module
    return loaded


def _positions(config: Any) -> int:
    """How many tokens the model can place; RoBERTa's kind starts counting after the padding id."""
    positions = getattr(config, "max_position_embeddings", None) or 1 << 30
    return int(positions) - (2 if "roberta" in config.model_type else 0)
