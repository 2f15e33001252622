"""Any Hugging Face sequence-classification model as a Classifier: loaded once, resident, never on the event loop.

Weights are read from safetensors only and no code of a checkpoint is run, so a model folder cannot execute anything.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from bot.contracts import Classifier
from bot.emotions import SETS, label_set
from bot.errors import ClassifierError, OperatorError
from bot.types import Scores, Text
from plugins.classifiers._batching import MicroBatcher

log = logging.getLogger(__name__)

DEVICES = ("auto", "cuda", "mps", "cpu")
HUB_FILES = ["*.json", "*.safetensors", "*.txt", "*.model"]  # what a model needs; neither code nor pickles
HUB_NAME = re.compile(r"[\w.-]+(/[\w.-]+)?")
UNNAMED = re.compile(r"LABEL_\d+")
ORIGINAL = 58  # labels of the original system, whose checkpoints name them LABEL_0 … LABEL_57


@dataclass(frozen=True, slots=True)
class Calibration:
    """`calibration.json` beside the weights: logits are divided by the temperature (one, or one per label).

    `sure_at` is the group probability from which a reading counts as sure; `how` says on what both were fitted.
    """

    temperature: float | tuple[float, ...] = 1.0
    sure_at: float = 0.5
    how: str = ""


class TransformersClassifier(Classifier):
    """The options, as they stand in config.toml.

    Args:
        model: a folder, or a name on the model hub.
        device: auto (cuda, then mps, then cpu), or one of these.
        max_tokens: longer texts are cut to so many tokens.
        max_batch: the most texts of one forward pass.
        queue: how many texts may wait before further callers wait for room.
    """

    def __init__(
        self,
        model: str = "models/maum-small",
        device: str = "auto",
        max_tokens: int = 128,
        max_batch: int = 32,
        queue: int = 4096,
    ) -> None:
        for option, value in (("max_tokens", max_tokens), ("max_batch", max_batch), ("queue", queue)):
            if value < 1:
                raise OperatorError(f"classifier option {option} = {value}: must be 1 or more")
        if device not in DEVICES:
            raise OperatorError(f"classifier option device = {device!r}: must be one of {', '.join(DEVICES)}")
        self._source, self._device = model, device
        self._max_tokens, self._max_batch, self._queue = max_tokens, max_batch, queue
        self._loaded: _Loaded | None = None
        self._batcher: MicroBatcher[list[int], tuple[float, ...]] | None = None

    async def __aenter__(self) -> Self:
        self._loaded = await asyncio.to_thread(_load, self._source, self._device, self._max_tokens)
        self._batcher = MicroBatcher(self._loaded.encode, self._loaded.forward, self._max_batch, self._queue)
        self._batcher.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._batcher is not None:
            await self._batcher.close()
        self._batcher = None
        if self._loaded is not None:  # its name may still be asked for, its memory is given back
            self._loaded.network = self._loaded.tokenizer = None

    @property
    def model(self) -> str:
        return self._entered.name

    @property
    def labels(self) -> tuple[str, ...]:
        return self._entered.labels

    @property
    def sure_at(self) -> float:
        return self._entered.calibration.sure_at

    @property
    def device(self) -> str:
        """Where the weights lie."""
        return str(self._entered.device)

    async def classify(self, texts: Sequence[Text]) -> list[Scores]:
        """One Scores per text. `Text.before` is ignored for now: the shipped model reads a message by itself."""
        if self._batcher is None:
            raise ClassifierError("the classifier is not running: use it inside `async with`")
        rows = await self._batcher.submit([text.text for text in texts])
        return [Scores(self.labels, row) for row in rows]

    @property
    def _entered(self) -> _Loaded:
        if self._loaded is None:
            raise ClassifierError("the classifier has no model yet: use it inside `async with`")
        return self._loaded


@dataclass(slots=True)
class _Loaded:
    """A resident model; used by one thread only. `network` and `tokenizer` are transformers' own objects."""

    name: str
    labels: tuple[str, ...]
    calibration: Calibration
    several: bool  # multi-label: sigmoid, else softmax
    network: Any
    tokenizer: Any
    device: Any
    max_tokens: int
    pad: int
    temperature: Any

    def encode(self, texts: list[str]) -> list[list[int]]:
        """Token ids of each text, cut by tokens; never empty, since a model cannot read nothing."""
        valid = [text.encode("utf-8", "replace").decode() for text in texts]  # lone surrogates are no UTF-8
        ids = self.tokenizer(valid, truncation=True, max_length=self.max_tokens, return_attention_mask=False)
        return [row or [self.pad] for row in ids["input_ids"]]

    def forward(self, items: list[list[int]]) -> list[tuple[float, ...]]:
        """Calibrated probabilities, one tuple of len(labels) per item."""
        import torch

        longest = max(map(len, items))
        ids = torch.tensor([row + [self.pad] * (longest - len(row)) for row in items], device=self.device)
        mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in items], device=self.device)
        with torch.inference_mode():
            logits = self.network(input_ids=ids, attention_mask=mask).logits.float() / self.temperature
            values = logits.sigmoid() if self.several else logits.softmax(-1)
            if not bool(torch.isfinite(values).all()):
                raise FloatingPointError("the model returned no numbers")
            rows: list[list[float]] = values.cpu().tolist()
        return [tuple(row) for row in rows]


def _load(source: str, device: str, max_tokens: int) -> _Loaded:
    """Load a model for good. Blocks for seconds: call it in a thread.

    Raises:
        OperatorError: there is no such model, or none that may be loaded.
    """
    import torch
    import transformers
    from safetensors import SafetensorError

    transformers.utils.logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    folder = _folder(source)
    _check_files(folder, source)
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
        network, notes = transformers.AutoModelForSequenceClassification.from_pretrained(
            folder, use_safetensors=True, trust_remote_code=False, dtype=torch.float32, output_loading_info=True
        )
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        raise OperatorError(f"cannot load the model {source}: {_line(error)}") from error
    if notes["missing_keys"]:
        raise OperatorError(
            f"the model {source} lacks trained weights ({min(notes['missing_keys'])}, …): train it first"
        )
    config = network.config
    if config.problem_type == "regression" or config.num_labels < 2:
        raise OperatorError(f"the model {source} is a regression: a classifier needs two labels or more")
    target = torch.device(_choose(device, torch))
    pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else (tokenizer.eos_token_id or 0)
    config.pad_token_id = pad if config.pad_token_id is None else config.pad_token_id
    labels = _labels(config.id2label)
    calibration = read_calibration(folder, len(labels))
    loaded = _Loaded(
        name=f"{Path(source).name}@{weights_hash(folder)}/{_label_tag(labels)}",
        labels=labels,
        calibration=calibration,
        several=config.problem_type == "multi_label_classification",
        network=network.to(target).eval(),
        tokenizer=tokenizer,
        device=target,
        max_tokens=min(max_tokens, tokenizer.model_max_length, _positions(config)),
        pad=pad,
        temperature=torch.tensor(calibration.temperature, device=target),
    )
    loaded.forward(loaded.encode(["안녕"]))  # the first pass is slow: better now than at the first person
    log.info("model %s on %s", loaded.name, target)
    return loaded


def read_calibration(folder: Path, labels: int) -> Calibration:
    """`calibration.json` of a model folder, or no calibration where there is none.

    Raises:
        OperatorError: the file is not what it should be.
    """
    path = folder / "calibration.json"
    if not path.exists():
        return Calibration()
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        found = content.get("temperature", 1.0)
        temperature = tuple(map(float, found)) if isinstance(found, list) else float(found)
        calibration = Calibration(temperature, float(content.get("sure_at", 0.5)), str(content.get("how", "")))
    except (ValueError, TypeError, AttributeError) as error:
        raise OperatorError(f"{path} is no calibration: {_line(error)}") from error
    each = temperature if isinstance(temperature, tuple) else (temperature,) * labels
    if len(each) != labels or min(each) <= 0:
        raise OperatorError(f"{path}: temperature must be one positive number, or one for each of {labels} labels")
    return calibration


def weights_hash(folder: Path) -> str:
    """The first 8 hex digits of a sha256 over the weights' files."""
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*.safetensors")):
        with path.open("rb") as weights:
            while block := weights.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()[:8]


def _folder(source: str) -> Path:
    """The local folder of a model: as named, or fetched from the hub (into its cache)."""
    path = Path(source).expanduser()
    if path.is_dir():
        return path
    local = path.is_absolute() or source.startswith((".", "~")) or (path.parent != Path() and path.parent.is_dir())
    if local or not HUB_NAME.fullmatch(source):
        raise OperatorError(
            f"no model folder at {path}: `make train-default` makes models/maum-small, "
            "or set classifier.transformers.model to a folder or to a model hub's name"
        )
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(source, allow_patterns=[*HUB_FILES, "tf_model.h5"]))
    except Exception as error:  # the hub's client raises a dozen kinds; to the operator they are one
        raise OperatorError(f"neither a folder nor on the model hub: {source} ({_line(error)})") from error


def _check_files(folder: Path, source: str) -> None:
    if not (folder / "config.json").is_file():
        raise OperatorError(f"no config.json in {folder}: {source} is not a Hugging Face model folder")
    if any(folder.glob("*.safetensors")):
        return
    if (folder / "tf_model.h5").exists():
        raise OperatorError(
            f"{source} holds TensorFlow weights only: in an environment with transformers<5 and tensorflow run "
            "`AutoModelForSequenceClassification.from_pretrained(NAME, from_tf=True).save_pretrained(FOLDER)`, "
            "save its tokenizer there too, and set classifier.transformers.model to FOLDER"
        )
    if any(folder.glob("pytorch_model*.bin")):
        raise OperatorError(
            f"{source} holds pickled weights (pytorch_model.bin), which are never loaded: where you trust them, run "
            "`safetensors.torch.save_file(torch.load('pytorch_model.bin', weights_only=True), 'model.safetensors', "
            "{'format': 'pt'})` in its folder"
        )
    raise OperatorError(f"no weights in {folder}: a model.safetensors is needed")


def _labels(id2label: dict[int, str]) -> tuple[str, ...]:
    labels = tuple(id2label[index] for index in sorted(id2label))
    if len(labels) == ORIGINAL and all(UNNAMED.fullmatch(label) for label in labels):
        return label_set("maum")[:ORIGINAL]
    return labels


def _label_tag(labels: tuple[str, ...]) -> str:
    known = next((name for name in SETS if label_set(name)[: len(labels)] == labels), "own")
    return f"{known}{len(labels)}"


def _positions(config: Any) -> int:
    """How many tokens the model can place; RoBERTa's kind starts counting after the padding id."""
    positions = getattr(config, "max_position_embeddings", None) or 1 << 30
    return int(positions) - (2 if "roberta" in config.model_type else 0)


def _choose(device: str, torch: Any) -> str:
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if device == "auto":
        return next(name for name in DEVICES[1:] if there[name])
    if not there[device]:
        raise OperatorError(f"classifier option device = {device!r}: torch finds no such device here, use auto or cpu")
    return device


def _line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
