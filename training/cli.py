"""The training commands. `maum` finds them through the entry-point group `maum.commands`; bot/ imports nothing here.

This file is loaded at every start of `maum`, so it imports nothing heavy itself.
"""

from __future__ import annotations

import json
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from bot.errors import OperatorError

Preset = Annotated[str, typer.Option("--preset", help="A preset's name, or a .toml file.")]
Device = Annotated[str, typer.Option(help="auto, cpu or cuda.")]
Part = Annotated[str, typer.Option(help="train, dev or test.")]

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
corpus = typer.Typer(no_args_is_help=True, help="Our chat corpus maum-58.")
app.add_typer(corpus, name="corpus")


@app.command()
def default(
    preset: Preset = "default",
    target: Annotated[Path, typer.Option(help="Where the finished model goes.")] = Path("models/maum-small"),
    device: Device = "auto",
) -> None:
    """From the corpora to the model that ships; run again, it goes on where it stopped."""
    _ready()
    from training import default

    default.main(preset, target, device, log=_say)


@app.command()
def pretrain(preset: Preset = "default", device: Device = "auto") -> None:
    """Train tokenizer, word vectors and encoder; resumable."""
    _ready()
    from training import default, pretrain, runs

    table, run = runs.preset(preset), runs.Run(Path(preset).stem)
    folder = pretrain.main(
        runs.settings(pretrain.Settings, table.get("pretrain", {})), run, default.choose(device), log=_say
    )
    _say(f"{folder} is ready")


@app.command()
def train(preset: Preset = "default", device: Device = "auto") -> None:
    """Fine-tune a pre-trained encoder on maum-58, with teachers and calibration."""
    _ready()
    from training import corpus as corpora
    from training import default, runs

    table, run = runs.preset(preset), runs.Run(Path(preset).stem)
    if not run.path("encoder").exists():
        raise OperatorError(f"no encoder in {run.folder}: run `maum pretrain --preset {preset}` first")
    rows = default.training_rows()
    model = default.tune(table, run, corpora.root(), rows, default.choose(device), _say)
    _say(f"{model} is ready")


@app.command()
def evaluate(
    model: Annotated[str, typer.Argument(help="A model folder, or a hub's name.")] = "models/maum-small",
    part: Part = "dev",
    device: Device = "auto",
) -> None:
    """Score a model on maum-58 through the plugin that serves it; prints JSON."""
    _ready()
    from training import evaluate, maum58

    if part not in ("train", "dev", "test"):
        raise typer.BadParameter("part is train, dev or test")
    rows = maum58.read(split=part)  # type: ignore[arg-type]
    if not rows:
        raise OperatorError(f"maum-58 has no part {part!r} yet")
    report, _ = evaluate.main(model, rows, device)
    print(json.dumps(report, ensure_ascii=False, indent=1))


@corpus.command()
def convert(drafts: Annotated[Path, typer.Argument(help="A folder of <part>-<lang>.txt drafts.")]) -> None:
    """Make the committed rows of writers' drafts."""
    from training import maum58

    written = maum58.convert(drafts)
    if not written:
        raise OperatorError(f"no drafts in {drafts}: they are named <part>-<lang>.txt, for example joy-ko.txt")
    for name, rows in written.items():
        print(f"{name}: {rows} rows")


@corpus.command()
def check(as_json: Annotated[bool, typer.Option("--json", help="JSON for a program to read.")] = False) -> None:
    """Count labels, own words, repeated frames and near-duplicates."""
    from training import corpus_check, maum58

    report = corpus_check.main(maum58.read())
    print(json.dumps(report, ensure_ascii=False, indent=1) if as_json else corpus_check.text(report))


def main() -> None:
    """`python -m training.cli …`: errors of the operator end in one line."""
    try:
        app()
    except OperatorError as error:
        print(f"maum: {error}", file=sys.stderr)
        raise SystemExit(2) from None


def _ready() -> None:
    """Is there what training needs besides the bot?

    Raises:
        OperatorError: no; it says what installs it.
    """
    if find_spec("sklearn") is None:
        raise OperatorError("training needs scikit-learn, which the bot does not: pip install -e '.[train]'")


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
