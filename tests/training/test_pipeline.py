"""The whole way to a model, on tiny data with the real code; and that it goes on where it was stopped."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import pytest
import torch

from bot.emotions import label_set
from bot.errors import OperatorError
from tests.training import tiny
from training import calibrate, default, evaluate, finetune, kote, maum58, pretrain, teachers, tokenizer
from training.runs import Run, preset, settings


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A working folder in which `default.main` has run once."""
    place = tmp_path_factory.mktemp("training")
    before = Path.cwd()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MAUM_CORPORA", str(tiny.corpora(place / "corpora")))
        os.chdir(place)
        (place / "tiny.toml").write_text(tiny.PRESET, encoding="utf-8")
        tiny.rows(place / "maum-58")
        default.main("tiny.toml", place / "models" / "tiny", "cpu", place / "maum-58", log=lambda _: None)
        yield place
        os.chdir(before)


def test_the_finished_folder_is_all_the_bot_needs(place: Path) -> None:
    names = {path.name for path in (place / "models" / "tiny").iterdir()}
    wanted = "config.json tokenizer.json model.safetensors calibration.json metrics.json training.json README.md"
    assert set(wanted.split()) <= names
    assert not [name for name in names if name.endswith((".bin", ".pt", ".part"))]


def test_its_labels_are_the_58_and_neutral_in_the_original_order(place: Path) -> None:
    config = json.loads((place / "models" / "tiny" / "config.json").read_text(encoding="utf-8"))
    assert tuple(config["id2label"][str(at)] for at in range(59)) == label_set("maum")


def test_weights_are_stored_in_half_precision(place: Path) -> None:
    config = json.loads((place / "models" / "tiny" / "config.json").read_text(encoding="utf-8"))
    assert config["dtype"] == "float16"


def test_the_metrics_name_split_baselines_and_intervals(place: Path) -> None:
    found = json.loads((place / "models" / "tiny" / "metrics.json").read_text(encoding="utf-8"))
    assert found["split"].startswith("dev")
    for part in ("dev", "test"):
        assert set(found[part]["baselines"]) == set(found[part]["lead"]) == {"comments", "slice"}
        low, high = found[part]["model"]["group"]["interval"]
        assert low <= found[part]["model"]["group"]["value"] <= high


def test_it_learnt_to_tell_glad_from_sad(place: Path) -> None:
    found, _ = evaluate.main(str(place / "models" / "tiny"), maum58.read(place / "maum-58", "test"), "cpu")
    assert found["group"]["value"] > 0.7


def test_a_second_call_repeats_no_training(place: Path) -> None:
    weights = place / "var" / "runs" / "tiny" / "model" / "model.safetensors"
    before = weights.stat().st_mtime_ns
    default.main("tiny.toml", place / "models" / "again", "cpu", place / "maum-58", log=lambda _: None)
    assert weights.stat().st_mtime_ns == before
    assert (place / "models" / "again" / "config.json").exists()


def test_pretraining_goes_on_from_its_checkpoint(place: Path, tmp_path: Path) -> None:
    wanted = settings(pretrain.Settings, preset("tiny.toml")["pretrain"] | {"tokens": 600})
    run = Run("stopped", tmp_path)
    pretrain.main(wanted, run, log=lambda _: None)
    first = torch.load(run.path("checkpoint.pt"), weights_only=True)["state"]
    run.path("encoder").rename(tmp_path / "old")
    longer = settings(pretrain.Settings, preset("tiny.toml")["pretrain"] | {"tokens": 1200})
    pretrain.main(longer, run, log=lambda _: None)
    second = torch.load(run.path("checkpoint.pt"), weights_only=True)["state"]
    assert second["step"] > first["step"] >= 1
    assert second["tokens"] >= 1200 > first["tokens"] >= 600


def test_the_run_keeps_its_settings_and_a_log(place: Path) -> None:
    folder = place / "var" / "runs" / "tiny"
    assert json.loads((folder / "pretrain.json").read_text())["vocabulary"] == 500
    stages = {json.loads(line)["stage"] for line in (folder / "log.jsonl").read_text().splitlines()}
    assert {"pretrain", "finetune", "evaluate"} <= stages


def test_a_second_label_is_a_soft_target_and_smoothing_stays_in_the_group(place: Path) -> None:
    row = maum58.Row("a-1", "a", 1, "ko", "text", "기쁨", "joy", "train", second="슬픔")
    (target,) = finetune.soft_targets([row], second=0.3, smoothing=0.1)
    labels = label_set("maum")
    assert target.sum() == pytest.approx(1.0)
    assert target[labels.index("기쁨")] > target[labels.index("슬픔")] == pytest.approx(0.27)
    assert target[labels.index("감사하는")] > 0 == target[labels.index("분노")]


def test_an_encoder_of_before_fits_its_tokenizer(place: Path) -> None:
    words = tokenizer.load(place / "models" / "tiny")
    network = finetune.build(place / "var" / "runs" / "tiny" / "encoder", finetune.Settings())
    found = finetune.probabilities(network.eval(), words, ["", "좋아", "a" * 1000])  # type: ignore[no-untyped-call]
    assert found.sum(1) == pytest.approx([1.0, 1.0, 1.0], abs=1e-4)


def test_an_unknown_setting_is_named() -> None:
    with pytest.raises(OperatorError, match="learning_speed"):
        settings(finetune.Settings, {"learning_speed": 3})


STAGES = {
    "pretrain": pretrain.Settings,
    "joint": pretrain.Settings,
    "heads": pretrain.Settings,
    "finetune": finetune.Settings,
    "calibrate": calibrate.Settings,
}


@pytest.mark.parametrize("name", sorted(Path(str(one)).stem for one in files("training").joinpath("presets").iterdir()))
def test_every_committed_preset_is_understood(name: str) -> None:
    table = preset(name)
    judge = kote.Settings if name.startswith("kote") else teachers.Settings
    for stage, found in [*table.items(), *table.get("teacher", {}).items()]:
        if stage == "rows":
            assert set(found) == {"labelled"}
        elif stage != "teacher":
            settings({**STAGES, "teach": judge}[stage], found)
        assert set(found.get("shares", {})) <= {*pretrain.SHARES, "chat"}


def test_an_unknown_preset_is_named_with_those_that_exist() -> None:
    with pytest.raises(OperatorError, match="default"):
        preset("enormous")
