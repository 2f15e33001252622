"""What every stage shares: settings from presets, a run's folder, its log, and progress bars."""

from __future__ import annotations

import dataclasses
import json
import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from bot.errors import OperatorError

SettingsT = TypeVar("SettingsT")


class Run:
    """One run's folder `var/runs/<name>/`: settings, log and checkpoints, so that it can be resumed and read later."""

    def __init__(self, name: str, root: Path = Path("var/runs")) -> None:
        self.name = name
        self.folder = root / name
        self.folder.mkdir(parents=True, exist_ok=True)

    def path(self, name: str) -> Path:
        return self.folder / name

    def save_json(self, name: str, content: object) -> None:
        save_json(self.path(name), content)

    def load_json(self, name: str) -> Any:
        """The file's content, or None where an earlier stage has not written it yet."""
        path = self.path(name)
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None

    def log(self, **facts: object) -> None:
        """Append one line of facts to the run's log."""
        with self.path("log.jsonl").open("a", encoding="utf-8") as log:
            log.write(json.dumps(facts, ensure_ascii=False) + "\n")


def save_json(path: Path, content: object) -> None:
    """Write whole or not at all, so that a killed run leaves the earlier file."""
    part = path.with_name(path.name + ".part")
    part.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    part.replace(path)


def preset(name: str) -> dict[str, Any]:
    """A preset by name (`training/presets/<name>.toml`) or by path.

    Raises:
        OperatorError: there is none, or it is no TOML.
    """
    path = Path(name)
    source = path if path.suffix == ".toml" else files("training").joinpath("presets", f"{name}.toml")
    if not source.is_file():
        known = sorted(Path(str(p)).stem for p in files("training").joinpath("presets").iterdir())
        raise OperatorError(f"no preset {name!r}: choose one of {', '.join(known)}, or give a path to a .toml file")
    try:
        return tomllib.loads(source.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise OperatorError(f"preset {name!r} is not valid TOML: {error}") from error


def settings(kind: type[SettingsT], table: dict[str, Any]) -> SettingsT:
    """A frozen settings object from a preset's table; a key nobody knows is an error that names it."""
    known = {field.name for field in dataclasses.fields(kind)}  # type: ignore[arg-type]
    if unknown := sorted(set(table) - known):
        raise OperatorError(f"unknown setting {unknown[0]!r}: {kind.__name__} knows {', '.join(sorted(known))}")
    return kind(**table)


def progress() -> Progress:
    """A progress bar on standard error."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )
