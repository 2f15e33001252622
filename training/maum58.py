"""Our own chat corpus `maum-58`: the committed rows, their fixed split, and the converter from writers' drafts.

A draft is plain text, one row a line, `label | text | second label or - | reason or -`, a blank line between dialogues.
A dialogue's place in its draft gives it its id, and a hash of the id its part: rows of one dialogue never stand on both
sides of the split, and a row never changes sides when later dialogues are appended.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, cast

from bot.emotions import GROUPS, entries, label_set
from bot.errors import OperatorError
from bot.types import Group, Language

Split = Literal["train", "dev", "test"]

HOME = Path(__file__).parent / "corpora" / "maum-58"
LABELS = label_set("maum")
DRAFT = re.compile(rf"(?P<part>{'|'.join(GROUPS)}|plain\d+|test\d+)-(?P<lang>ko|en)")
DEV_SHARE = 4  # one dialogue in four is held back


@dataclass(frozen=True, slots=True)
class Row:
    """One message. `group` is the label's own group; `second` is a label, empty where there is none."""

    id: str
    dialogue: str
    turn: int
    lang: Language
    text: str
    label: str
    group: Group
    split: Split
    second: str = ""
    reason: str = ""


def read(folder: Path = HOME, split: Split | None = None, lang: Language | None = None) -> list[Row]:
    """The rows of every committed file in a stable order, of one part or one language if asked.

    Raises:
        OperatorError: the folder holds no rows, or a line is no row.
    """
    rows = [row for path in sorted(folder.glob("*/*.jsonl")) for row in _rows(path)]
    if not rows:
        raise OperatorError(f"no rows in {folder}: `maum corpus convert DRAFTS` makes them of drafts")
    return [row for row in rows if split in (None, row.split) and lang in (None, row.lang)]


def convert(drafts: Path, folder: Path = HOME) -> dict[str, int]:
    """Every draft of a folder → `{lang}/<part>.jsonl`; returns rows per written file.

    Drafts are named `<part>-<lang>.txt`; a part is a group, `plain<n>` (a second, plainer training part) or `test<n>`
    (written by authors who never saw the others; all of it becomes the test part).

    Raises:
        OperatorError: a line is not a row; the message names the file, the line and the fault.
    """
    written: dict[str, int] = {}
    for draft in sorted(drafts.glob("*.txt")):
        if named := DRAFT.fullmatch(draft.stem):
            part, lang = named["part"], cast(Language, named["lang"])
            rows = list(parse(draft.read_text(encoding="utf-8").splitlines(), part, lang, str(draft)))
            write(rows, folder / lang / f"{part}.jsonl")
            written[f"{lang}/{part}"] = len(rows)
    return written


def parse(lines: Iterable[str], part: str, lang: Language, name: str = "draft") -> Iterator[Row]:
    """The rows of one draft; `part` is the first half of its name, and of its dialogues' ids."""
    dialogue = turn = 0
    fresh = True
    for number, line in enumerate(lines, 1):
        if line.lstrip().startswith("#"):
            continue
        if not line.strip():
            fresh = True
            continue
        dialogue, turn, fresh = (dialogue + 1, 1, False) if fresh else (dialogue, turn + 1, False)
        yield _row(line, f"{part}-{lang}-{dialogue:04d}", turn, lang, f"{name}:{number}")


def part_of(dialogue: str) -> Split:
    """The part a dialogue belongs to: by its id's beginning, or else by a hash of the id alone."""
    if dialogue.startswith("test"):
        return "test"
    return "dev" if hashlib.sha256(dialogue.encode()).digest()[0] % DEV_SHARE == 0 else "train"


def fold_of(dialogue: str, folds: int) -> int:
    """A second, independent hash: folds inside a part, for calibration and for choosing settings."""
    return hashlib.sha256(b"fold:" + dialogue.encode()).digest()[0] % folds


def write(rows: list[Row], path: Path) -> None:
    """One JSON object a line; empty fields are left out."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = (json.dumps({k: v for k, v in asdict(row).items() if v != ""}, ensure_ascii=False) for row in rows)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _row(line: str, dialogue: str, turn: int, lang: Language, place: str) -> Row:
    fields = [field.strip() for field in line.split("|")]
    if len(fields) != 4:
        raise OperatorError(f"{place}: wants `label | text | second or - | reason or -`, got {len(fields)} fields")
    label, text, second, reason = (field if field != "-" else "" for field in fields)
    if wrong := next((name for name in (label, second) if name and name not in LABELS), ""):
        raise OperatorError(f"{place}: no such label {wrong!r}: GUIDE.md lists the labels")
    if not label or not text:
        raise OperatorError(f"{place}: a row needs a label and a text")
    group = entries()[label].group
    return Row(f"{dialogue}-{turn}", dialogue, turn, lang, text, label, group, part_of(dialogue), second, reason)


def _rows(path: Path) -> Iterator[Row]:
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            yield Row(**json.loads(line))
        except (ValueError, TypeError) as error:
            raise OperatorError(f"{path}:{number}: not a row of maum-58: {error}") from error
