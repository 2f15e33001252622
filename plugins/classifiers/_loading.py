"""Loads a Hugging Face folder for good: tokenizer, weights, precision, device.

Weights are read from safetensors only and no code of a checkpoint is run, so a model folder cannot execute anything.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from safetensors import SafetensorError

from bot.errors import OperatorError
from plugins.classifiers import _folder, _light, _ngrams
from plugins.classifiers._cores import Cores, share_out
from plugins.classifiers._folder import Calibration, first_line
from plugins.classifiers._memory import Ladder
from plugins.classifiers._network import Head, Item, Row
from plugins.classifiers._precision import pass_cost
from plugins.classifiers._tokens import Encoder

if TYPE_CHECKING:
    from plugins.classifiers._full import Full
    from plugins.classifiers._light import Light

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
    model = _read(folder, source, device, precision)
    config = model.config
    labels = _folder.labels_of({int(index): label for index, label in config.id2label.items()})
    calibration = _folder.read_calibration(folder, len(labels))
    head = Head(config.problem_type == "multi_label_classification", calibration.temperature)
    ngrams = _ngrams.read(folder, len(labels), head.several)
    encode = replace(model.encoder(max_tokens), ngrams=ngrams, weight=calibration.ngrams)
    trial = encode(list(TRIAL))
    ladder = Ladder(model.rungs(device, precision, encode, head, trial), max_batch)
    ladder.forward(trial)
    name = _folder.full_name(source, _folder.weights_hash(folder), labels)
    network = ladder.network
    card = Card(name, labels, calibration, f"{network.device}, {network.precision}")
    log.info("model %s on %s", card.name, card.computes)
    cores = share_out(network, trial, threads)
    return Loaded(card, encode, ladder, cores, None if network.packs else pass_cost(network, trial))


def _read(folder: Path, source: str, device: str, precision: str) -> Light | Full:
    with _as_operator_error(source):
        if light := _light.read(folder, device, precision):
            return light
        from plugins.classifiers import _full  # transformers takes seconds to import

        return _full.read(folder, source)


@contextmanager
def _as_operator_error(source: str) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        raise OperatorError(f"cannot load the model {source}: {first_line(error)}") from error
