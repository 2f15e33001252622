"""The quick way to the model that ships: everything from the corpora to `models/maum-small/`, resumable.

tokenizer → word vectors → pre-training → teachers → fine-tuning → calibration → evaluation → model card. Each stage
leaves its result in `var/runs/<name>/` and is skipped when that is there.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bot.errors import OperatorError
from plugins.classifiers._ngrams import write as write_ngrams
from training import (
    baseline,
    calibrate,
    card,
    corpus,
    corpus_check,
    evaluate,
    finetune,
    joint,
    labelled,
    maum58,
    metrics,
    ngrams,
    pretrain,
    teacher,
    teachers,
    tokenizer,
)
from training.linear import Matrix
from training.maum58 import Row
from training.runs import Run, preset, save_json, settings

BESIDE = ngrams.Settings(epochs=10, copies=3)
Log = Callable[[str], None]
SPLIT = (
    "dev: dialogues of the training authors whose id's sha256 starts with a byte divisible by four, about a quarter; "
    "test: by other authors, who never saw the training rows; intervals: 95 %, 1,000 resamples of whole dialogues"
)


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
    rows = training_rows(home)
    if home == maum58.HOME and table.get("rows", {}).get("labelled", True):  # labelled lines of public corpora
        rows += labelled.read(folder)
    model = tune(table, run, folder, rows, device, log)
    report(model, run, folder, table, home, log)
    run.log(stage="default", seconds=round(time.monotonic() - began))
    install(model, target)
    log(f"{target} is ready")
    return target


def tune(table: dict[str, Any], run: Run, folder: Path, rows: Sequence[Row], device: str, log: Log) -> Path:
    """Joint training, teachers, fine-tuning and calibration on rows of the training part."""
    learnt = [row for row in rows if calibrate.seen(row)]
    kept = [row for row in rows if not calibrate.seen(row)]
    if "joint" in table:
        joint.main(settings(pretrain.Settings, table["joint"]), learnt, run, device, log)
    if "teacher" in table:
        teacher.main(table["teacher"], learnt, run, device, log)
    pretrain.release()
    words = run.path("tokenizer")
    log(f"teachers read {len(learnt)} rows")
    wanted = settings(finetune.Settings, table.get("finetune", {}))
    taught = teach(table, wanted, run, folder, learnt, device)
    model = finetune.main(wanted, learnt, joint.encoder_of(run), words, run.path("model"), taught, run, device)
    if not (model / "calibration.json").exists():
        beside(model, [row for row in learnt if not labelled.is_foreign(row)], kept, table)
    return model


def beside(model: Path, learnt: Sequence[Row], kept: Sequence[Row], table: dict[str, Any]) -> None:
    """N-grams beside the network, and the calibration of both on rows that neither has seen.

    The n-grams that the model gets have then learnt these rows, too: they are few, and each counts.
    """
    said = ngrams.of_rows(learnt, BESIDE).logits([row.text for row in kept]).astype(np.float64)
    alone = evaluate.scores(str(model), kept)
    write_ngrams(model, ngrams.of_rows([*learnt, *kept], BESIDE))
    calibrate.main(alone, kept, model, settings(calibrate.Settings, table.get("calibrate", {})), said)


def teach(
    table: dict[str, Any], wanted: finetune.Settings, run: Run, folder: Path, rows: Sequence[Row], device: str
) -> finetune.Taught:
    """What the teachers say about unlabelled texts.

    One of them is an encoder taught by no other: fine-tuned on the rows alone, or as joint training left it; the bigger
    one where the preset has one.
    """
    tokens, keep = tokenizer.load(run.path("tokenizer")), run.path("taught.safetensors")
    source = elder(run, table)

    def reader(texts: Sequence[str]) -> Matrix:
        return finetune.probabilities(scout, tokens, texts, wanted.max_tokens, device)

    chosen = settings(teachers.Settings, table.get("teach", {}))
    if chosen.scout_epochs and not keep.exists():
        rate = chosen.scout_rate or wanted.rate
        alone = replace(wanted, epochs=chosen.scout_epochs, rate=rate, seed=wanted.seed + 1)
        start = finetune.build(joint.encoder_of(source), alone)
        scout = finetune.fit(start, tokens, rows, alone, None, run, device)
    third = reader if chosen.scout_epochs else joint.reader(source, tokens, wanted.max_tokens, device)
    vectors, words = run.path("vectors.safetensors"), tokenizer.load(run.path("tokenizer"))
    return teachers.main(chosen, rows, folder, vectors, words, keep, third)


def elder(run: Run, table: dict[str, Any]) -> Run:
    """The run whose encoder is the third reader: that of the bigger teacher, where the preset has one."""
    return teacher.of(run) if "teacher" in table else run


def training_rows(home: Path = maum58.HOME) -> list[Row]:
    """The training part, less what echoes a held-back row."""
    rows = maum58.read(home)
    held_back = [row for row in rows if row.split != "train"]
    return corpus_check.without_echoes([row for row in rows if row.split == "train"], held_back)


def report(
    model: Path, run: Run, folder: Path, table: dict[str, Any], home: Path = maum58.HOME, log: Log = print
) -> dict[str, Any]:
    """Model and baselines on the held-back quarter → metrics.json and README.md beside the weights."""
    train = training_rows(home)
    parts = {part: rows for part in ("dev", "test") if (rows := maum58.read(home, part))}
    log(f"evaluating on {' and '.join(parts)}, with both baselines")
    others = baseline.main(train, parts, folder, run.path("baselines.safetensors"))
    found: dict[str, Any] = {"split": SPLIT, "train_rows": len(train)}
    for part, rows in parts.items():
        ours, groups = evaluate.main(str(model), rows)
        found[part] = {
            "rows": len(rows),
            "dialogues": len({row.dialogue for row in rows}),
            "model": ours,
            "baselines": {name: theirs for name, (theirs, _) in others[part].items()},
            "lead": {name: _lead(groups, theirs, rows) for name, (_, theirs) in others[part].items()},
        }
        run.log(stage="evaluate", part=part, **{key: ours[key] for key in ("model", "top1", "top5", "group", "sure")})
    save_json(model / "metrics.json", found)
    chain = run.load_json("chain.json") or []
    made = {"preset": table, "chain": chain, "torch": torch.__version__, "numpy": np.__version__}
    save_json(model / "training.json", made)
    (model / "README.md").write_text(card.text(found, model, run.name, chain), encoding="utf-8")
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
    """cuda, then cpu, where `auto` is asked for.

    Raises:
        OperatorError: a GPU is asked for, and torch finds none.
    """
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    if torch.device(device).type == "cuda":
        if not torch.cuda.is_available():
            raise OperatorError(f"torch finds no {device} device here: use --device cpu; the preset for a CPU is full")
        torch.backends.cuda.enable_cudnn_sdp(False)  # a second or two for every new shape of a batch (training/LOG.md)
    return device


def _lead(ours: Matrix, theirs: Matrix, rows: Sequence[Row]) -> dict[str, Any]:
    return metrics.lead(metrics.group_hits(ours, rows), metrics.group_hits(theirs, rows), rows)
