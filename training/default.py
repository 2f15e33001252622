"""The quick way to the model that ships: everything from the corpora to `models/maum-small/`, resumable.

tokenizer → word vectors → pre-training → teachers → fine-tuning → calibration → evaluation → model card. Each stage
leaves its result in `var/runs/<name>/` and is skipped when that is there.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from training import (
    baseline,
    calibrate,
    card,
    corpus,
    evaluate,
    finetune,
    maum58,
    metrics,
    pretrain,
    teachers,
    tokenizer,
)
from training.linear import Matrix
from training.maum58 import Row
from training.runs import Run, preset, save_json, settings

Log = Callable[[str], None]


def main(
    name: str = "default",
    target: Path = Path("models/maum-small"),
    device: str = "auto",
    home: Path = maum58.HOME,
    log: Log = print,
) -> Path:
    """Make the model of a preset; `var/runs/<its name>/` is the run. Returns the finished model folder.

    `home` is the folder of maum-58.
    """
    table, run = preset(name), Run(Path(name).stem)
    device = choose(device)
    began = time.monotonic()
    folder = corpus.root()
    run.save_json("settings.json", table)
    pretrain.main(settings(pretrain.Settings, table.get("pretrain", {})), run, device, log)
    model = tune(table, run, folder, maum58.read(home, "train"), device, log)
    report(model, run, folder, table, home, log)
    run.log(stage="default", seconds=round(time.monotonic() - began))
    install(model, target)
    log(f"{target} is ready")
    return target


def tune(table: dict[str, Any], run: Run, folder: Path, rows: Sequence[Row], device: str, log: Log) -> Path:
    """Teachers, fine-tuning and calibration on rows of the training part."""
    learnt = [row for row in rows if calibrate.seen(row)]
    kept = [row for row in rows if not calibrate.seen(row)]
    words = run.path("tokenizer")
    log(f"teachers read {len(learnt)} rows")
    taught = teachers.main(
        settings(teachers.Settings, table.get("teach", {})),
        learnt,
        folder,
        run.path("vectors.safetensors"),
        tokenizer.load(words),
        run.path("taught.safetensors"),
    )
    wanted = settings(finetune.Settings, table.get("finetune", {}))
    model = finetune.main(wanted, learnt, run.path("encoder"), words, run.path("model"), taught, run, device)
    if not (model / "calibration.json").exists():
        probabilities, _ = evaluate.scores(str(model), kept)
        calibrate.main(probabilities, kept, model)
    return model


def report(
    model: Path, run: Run, folder: Path, table: dict[str, Any], home: Path = maum58.HOME, log: Log = print
) -> dict[str, Any]:
    """Model and baselines on the held-back quarter → metrics.json and README.md beside the weights."""
    train, dev = maum58.read(home, "train"), maum58.read(home, "dev")
    log("evaluating on the held-back quarter, with both baselines")
    ours = evaluate.main(str(model), dev)
    _, groups = evaluate.scores(str(model), dev)
    reports, others = baseline.main(train, dev, folder)
    found = {
        "split": "dev: the quarter of maum-58's dialogues whose ids' sha256 starts with a multiple of four; "
        "intervals: 95 %, 1,000 bootstrap resamples of whole dialogues",
        "rows": {"train": len(train), "dev": len(dev), "dev_dialogues": len({row.dialogue for row in dev})},
        "model": ours,
        "baselines": reports,
        "lead": {name: _lead(groups, theirs, dev) for name, theirs in others.items()},
    }
    save_json(model / "metrics.json", found)
    save_json(model / "training.json", {"preset": table, "torch": torch.__version__, "numpy": np.__version__})
    run.log(stage="evaluate", **{k: ours[k] for k in ("model", "top1", "top5", "group", "ece", "sure")})
    (model / "README.md").write_text(card.text(found, model), encoding="utf-8")
    return found


def install(model: Path, target: Path) -> None:
    """Copy a finished run's model to where the bot looks for it, whole or not at all."""
    part = target.with_name(target.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    shutil.copytree(model, part)
    shutil.rmtree(target, ignore_errors=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    part.rename(target)


def choose(device: str) -> str:
    """cuda, then cpu, where `auto` is asked for."""
    if device != "auto":
        return device
    return "cuda" if torch.cuda.is_available() else "cpu"


def _lead(ours: Matrix, theirs: Matrix, rows: Sequence[Row]) -> dict[str, Any]:
    return metrics.lead(metrics.group_hits(ours, rows), metrics.group_hits(theirs, rows), rows)
