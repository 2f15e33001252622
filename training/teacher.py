"""A bigger encoder that is never shipped: pre-trained and jointly trained like the one that is, it teaches that one.

A network of thirty million weights reads better than one of seven, and what it says of unlabelled texts can be learnt
(Hinton et al. 2015; for encoders Sanh et al. 2019, DistilBERT). Worth its time where there is a GPU.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from typing import Any

from training import joint, pretrain
from training.maum58 import Row
from training.runs import Run, settings


def main(
    table: dict[str, Any], rows: Sequence[Row], run: Run, device: str = "cpu", log: Callable[[str], None] = print
) -> Run:
    """Both trainings in the run's folder `teacher`, with the run's own tokenizer; `table` has their two tables."""
    inner = of(run)
    if not inner.path("tokenizer").exists():
        shutil.copytree(run.path("tokenizer"), inner.path("tokenizer.part"), dirs_exist_ok=True)
        inner.path("tokenizer.part").rename(inner.path("tokenizer"))
    log("the teacher")
    pretrain.main(settings(pretrain.Settings, table["pretrain"]), inner, device, log)
    joint.main(settings(pretrain.Settings, table["joint"]), rows, inner, device, log)
    return inner


def of(run: Run) -> Run:
    """Where the teacher of a run stands."""
    return Run("teacher", run.folder)
