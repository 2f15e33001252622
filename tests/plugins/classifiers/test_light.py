"""Models of our own shape are read without transformers, and exactly as with it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import ModernBertConfig, ModernBertForSequenceClassification

from plugins.classifiers import _full, _light
from plugins.classifiers._loading import TRIAL
from plugins.classifiers._network import Head
from tests.plugins.classifiers.checkpoints import save_tokenizer
from tests.plugins.classifiers.kinds import BIASES, MODERN, SHAPE

MADE: dict[str, dict[str, Any]] = {
    "with biases": BIASES | {"classifier_pooling": "mean"},
    "one token's view": {"classifier_pooling": "cls"},
}
LAYERS = ["full_attention"] * 3
TEXTS = [*TRIAL, "", "ㅋ" * 500, "한 문장이 아주 길게 이어지면 " * 60, "\ud800 lone", "👨‍👩‍👧 emoji"]


@pytest.fixture(autouse=True)
def _a_processor_with_bf16(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_light, "available", lambda _: ("fp32", "bf16", "int8"))


def _made(folder: Path, **options: Any) -> Path:
    torch.manual_seed(0)
    config = ModernBertConfig(**SHAPE | MODERN | {"layer_types": LAYERS} | options)
    config.problem_type = "single_label_classification"
    module = ModernBertForSequenceClassification(config)
    for parameter in module.parameters():
        torch.nn.init.normal_(parameter, std=0.3)  # the usual small start gives every text the same scores
    module.save_pretrained(folder)
    save_tokenizer(folder)
    return folder


@pytest.mark.parametrize("name", ["maum-small", "maum-kote", *MADE])
def test_it_reads_what_transformers_reads(name: str, tmp_path: Path) -> None:
    folder = _made(tmp_path, **MADE[name]) if name in MADE else Path("models") / name
    light, full = _light.read(folder, "cpu", "fp32"), _full.read(folder, name)
    assert light is not None
    encode, expected = light.encoder(128), full.encoder(128)
    items = encode(TEXTS)
    assert (items, encode.pad) == (expected(TEXTS), expected.pad)
    ours, theirs = (
        torch.tensor(model.rungs("cpu", "fp32", encode, Head(), items)[0]().forward(items)) for model in (light, full)
    )
    assert torch.allclose(ours, theirs, atol=1e-5)


def test_reading_emotions_with_the_shipped_model_does_not_import_transformers() -> None:
    program = (
        "import sys; from plugins.classifiers import _light, _loading;"
        "_light.available = lambda _: ('fp32', 'bf16');"
        "loaded = _loading.load('models/maum-small', 'cpu', 'fp32', 1, 128, 32);"
        "print(len(loaded.ladder.forward(loaded.encode(['안녕']))[0]), 'transformers' in sys.modules)"
    )
    assert subprocess.check_output([sys.executable, "-c", program], text=True).split() == ["59", "False"]


def _says(**changes: Any) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        file = folder / "config.json"
        file.write_text(json.dumps(json.loads(file.read_text(encoding="utf-8")) | changes), encoding="utf-8")

    return change


def _has_another_weight(folder: Path) -> None:
    file = folder / "model.safetensors"
    save_file(load_file(file) | {"model.layers.0.attn.gate.weight": torch.zeros(2, 2)}, file, {"format": "pt"})


def _has_no_fast_tokenizer(folder: Path) -> None:
    (folder / "tokenizer.json").unlink()


@pytest.mark.parametrize(
    "change",
    [
        _says(layer_types=["full_attention", "sliding_attention", "full_attention"]),
        _says(rope_parameters={"full_attention": {"rope_type": "linear", "rope_theta": 10000.0, "factor": 2.0}}),
        _says(hidden_activation="relu"),
        _says(architectures=["BertForSequenceClassification"]),
        _says(problem_type="regression"),
        _says(transformers_version="6.0.0"),
        _has_another_weight,
        _has_no_fast_tokenizer,
    ],
    ids=["layers", "places", "activation", "kind", "problem", "version", "weights", "tokenizer"],
)
def test_what_it_does_not_know_is_left_to_transformers(change: Callable[[Path], None], tmp_path: Path) -> None:
    folder = _made(tmp_path / "model")
    assert _light.read(folder, "cpu", "auto") is not None
    changed = shutil.copytree(folder, tmp_path / "changed")
    change(changed)
    assert _light.read(changed, "cpu", "auto") is None


def test_int8_and_processors_without_bf16_are_left_to_transformers(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Path("models/maum-small")
    assert _light.read(folder, "cpu", "int8") is None
    monkeypatch.setattr(_light, "available", lambda _: ("fp32", "int8"))
    assert _light.read(folder, "cpu", "auto") is None
