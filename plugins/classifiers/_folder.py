"""What a Hugging Face model folder says about its model, read without loading it."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bot.emotions import SETS, label_set
from bot.errors import OperatorError
from plugins.classifiers._ngrams import FILE as NGRAMS

HUB_FILES = ["*.json", "*.safetensors", "*.txt", "*.model"]  # what a model needs; neither code nor pickles
HUB_NAME = re.compile(r"[\w.-]+(/[\w.-]+)?")
UNNAMED = re.compile(r"LABEL_\d+")
ORIGINAL = 58  # labels of the original system, whose checkpoints name them LABEL_0 … LABEL_57


@dataclass(frozen=True, slots=True)
class Calibration:
    """`calibration.json` beside the weights: logits are divided by the temperature (one, or one per label).

    `ngrams` is how much n-grams beside the network count (see `_ngrams`); `sure_at` is the group probability from which
    a reading counts as sure; `context` is how much the message before counts (see `_context`); `how` says on what they
    were fitted.
    """

    temperature: float | tuple[float, ...] = 1.0
    ngrams: float = 0.0
    sure_at: float = 0.5
    context: float = 0.0
    how: str = ""


def find(source: str) -> Path:
    """The local folder of a model: as named, or fetched from the hub (into its cache).

    Raises:
        OperatorError: there is no such model, or none that may be loaded.
    """
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
        raise OperatorError(f"neither a folder nor on the model hub: {source} ({first_line(error)})") from error


def check_weights(folder: Path, source: str) -> None:
    """Refuse a folder whose weights cannot be loaded, or may not be.

    Raises:
        OperatorError: with the way to convert them.
    """
    if not (folder / "config.json").is_file():
        raise OperatorError(f"no config.json in {folder}: {source} is not a Hugging Face model folder")
    if any(path.name != NGRAMS for path in folder.glob("*.safetensors")):
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
        usual = {"ngrams": 0.0, "sure_at": 0.5, "context": 0.0}
        numbers = {name: float(content.get(name, value)) for name, value in usual.items()}
        if not all(0 <= value < math.inf for value in numbers.values()):
            raise ValueError(f"{', '.join(usual)} must be 0 or more")
        calibration = Calibration(temperature, **numbers, how=str(content.get("how", "")))
    except (ValueError, TypeError, AttributeError) as error:
        raise OperatorError(f"{path} is no calibration: {first_line(error)}") from error
    each = temperature if isinstance(temperature, tuple) else (temperature,) * labels
    if len(each) != labels or min(each) <= 0:
        raise OperatorError(f"{path}: temperature must be one positive number, or one for each of {labels} labels")
    return calibration


def weights_hash(folder: Path, files: str = "*.safetensors") -> str:
    """The first 8 hex digits of a sha256 over the weights' files."""
    digest = hashlib.sha256()
    for path in sorted(folder.glob(files)):
        with path.open("rb") as weights:
            while block := weights.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()[:8]


def labels_of(id2label: Mapping[int, str]) -> tuple[str, ...]:
    """Labels in index order; 58 unnamed ones are the original system's."""
    labels = tuple(id2label[index] for index in sorted(id2label))
    if len(labels) == ORIGINAL and all(UNNAMED.fullmatch(label) for label in labels):
        return label_set("maum")[:ORIGINAL]
    return labels


def full_name(source: str, weights: str, labels: tuple[str, ...]) -> str:
    """How a model is called in logs: folder, weights and label set, such as `maum-small@1a2b3c4d/maum59`."""
    known = next((name for name in SETS if label_set(name)[: len(labels)] == labels), "own")
    return f"{Path(source).name}@{weights}/{known}{len(labels)}"


def first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
