"""Loads a Hugging Face folder for good: tokenizer, weights, precision, device.

Weights are read from safetensors only and no code of a checkpoint is run, so a model folder cannot execute anything.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import transformers
from safetensors import SafetensorError

from bot.errors import OperatorError
from plugins.classifiers import _folder
from plugins.classifiers._cores import Cores, share_out
from plugins.classifiers._devices import Devices
from plugins.classifiers._folder import Calibration, first_line
from plugins.classifiers._memory import Ladder
from plugins.classifiers._network import Head, Item, Row
from plugins.classifiers._precision import pass_cost

log = logging.getLogger(__name__)

# model threads tokenise side by side; more would be in the way
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

#: what is run at start to warm up, to choose a precision and to learn what a pass costs: chat and comments
TRIAL = (
    "오늘 좀 힘들었어",
    "드디어 합격했어!!",
    "왜 나만 이래",
    "내일 발표인데 떨려서 잠이 안 와",
    "I can't believe she said that to me",
    "그냥 그래 ㅋㅋ 넌 뭐 해?",
    "이번 달 월급 들어오자마자 카드값으로 다 나갔다… 남는 게 없네 진짜",
    "영화 보고 나오는데 비가 와서 그냥 맞고 걸었는데 그게 더 기억에 남더라",
)


@dataclass(frozen=True, slots=True)
class Card:
    """What is known of a loaded model; `computes` is where and in what precision, such as `cpu, bf16`."""

    name: str
    labels: tuple[str, ...]
    calibration: Calibration
    computes: str


@dataclass(frozen=True, slots=True)
class Loaded:
    """A resident model. A pass costs `cost` tokens by itself; None where texts are not padded."""

    card: Card
    encode: Encoder
    ladder: Ladder
    cores: Cores
    cost: float | None

    def on(self, threads: int) -> Callable[[list[Item]], list[Row]]:
        """`ladder.forward` with so many threads of a CPU, in whichever thread it runs; 0: as many as torch has."""

        def forward(items: list[Item]) -> list[Row]:
            if threads:
                torch.set_num_threads(threads)  # the running thread's own number; takes a fraction of a microsecond
            return self.ladder.forward(items)

        return forward


def load(source: str, device: str, precision: str, threads: int, max_tokens: int, max_batch: int) -> Loaded:
    """Load a model for good. Blocks for seconds: call it in a thread, and let that thread end (see `_cores`).

    Raises:
        OperatorError: there is no such model, none that may be loaded, or no such device or precision here.
    """
    folder = _folder.find(source)
    _folder.check_weights(folder, source)
    tokenizer = _tokenizer(folder, source)
    module = _module(folder, source)
    config: Any = module.config
    labels = _folder.labels_of(config.id2label)
    calibration = _folder.read_calibration(folder, len(labels))
    encode = Encoder(tokenizer, min(max_tokens, tokenizer.model_max_length, _positions(config)))
    devices = Devices(
        read=lambda: _module(folder, source),
        pad=encode.pad,
        head=Head(config.problem_type == "multi_label_classification", calibration.temperature),
        trial=encode(list(TRIAL)),
    )
    ladder = Ladder(devices.rungs(device, precision, module), max_batch)
    ladder.forward(devices.trial)
    name = _folder.full_name(source, _folder.weights_hash(folder), labels)
    network = ladder.network
    card = Card(name, labels, calibration, f"{network.device}, {network.precision}")
    log.info("model %s on %s", card.name, card.computes)
    cores = share_out(network, devices.trial, threads)
    return Loaded(card, encode, ladder, cores, None if network.packs else pass_cost(network, devices.trial))


class Encoder:
    """Texts → token ids, cut to `most` tokens; never empty, since a model cannot read nothing."""

    def __init__(self, tokenizer: Any, most: int) -> None:
        self._tokenizer, self._most = tokenizer, most
        self._slow(["a"])  # and with it the tokenizer beneath cuts to `most`, too
        self._fast = getattr(tokenizer, "backend_tokenizer", None)
        known = (tokenizer.pad_token_id, tokenizer.eos_token_id, 0)
        self.pad: int = next(token for token in known if token is not None)

    def __call__(self, texts: list[str]) -> list[Item]:
        valid = [text.encode("utf-8", "replace").decode() for text in texts]  # lone surrogates are no UTF-8
        rows = [found.ids for found in self._fast.encode_batch_fast(valid)] if self._fast else self._slow(valid)
        return [row or [self.pad] for row in rows]

    def _slow(self, texts: list[str]) -> list[Item]:
        """Through transformers' own wrapper, which costs a short text more than tokenising it."""
        found = self._tokenizer(texts, truncation=True, max_length=self._most, return_attention_mask=False)
        rows: list[Item] = found["input_ids"]
        return rows


def _tokenizer(folder: Path, source: str) -> Any:
    with _as_operator_error(source):
        return transformers.AutoTokenizer.from_pretrained(folder, trust_remote_code=False)


def _module(folder: Path, source: str) -> torch.nn.Module:
    """The network in fp32 on the CPU."""
    transformers.utils.logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    with _as_operator_error(source):
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


@contextmanager
def _as_operator_error(source: str) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        raise OperatorError(f"cannot load the model {source}: {first_line(error)}") from error


def _positions(config: Any) -> int:
    """How many tokens the model can place; RoBERTa's kind starts counting after the padding id."""
    positions = getattr(config, "max_position_embeddings", None) or 1 << 30
    return int(positions) - (2 if "roberta" in config.model_type else 0)
