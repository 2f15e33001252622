"""Public corpora labelled with the 58 (+ 중립): the labels are committed, the texts are read from their source.

`corpora/chat-labels/*.tsv` names a line of the source, eight hex digits of the sha256 of its text, a label, and a
second label where there is one. Rows of them only ever train; nothing is measured on them.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator
from pathlib import Path

from bot.emotions import entries
from bot.errors import OperatorError
from bot.types import Language
from training.maum58 import Row

HOME = Path(__file__).parent / "corpora" / "chat-labels"


def read(folder: Path, home: Path = HOME) -> list[Row]:
    """All labelled lines whose texts lie under `folder` (the public corpora).

    Raises:
        OperatorError: a text is not the one that was labelled: the source has changed.
    """
    return [
        *_rows(home / "chatbot-ko.tsv", _chatbot(folder), "ko"),
        *_rows(home / "goemotions-en.tsv", _english(folder), "en"),
    ]


def is_foreign(row: Row) -> bool:
    """Is it one of these lines, and not a row of maum-58?"""
    return row.id == row.dialogue


def _rows(path: Path, texts: list[str], lang: Language) -> Iterator[Row]:
    with path.open(encoding="utf-8", newline="") as lines:
        for found in csv.DictReader(lines, delimiter="\t"):
            number = int(found["row"])
            text = texts[number] if number < len(texts) else ""
            if hashlib.sha256(text.encode()).hexdigest()[:8] != found["sha256"]:
                raise OperatorError(f"{path}: line {number} of the source is not the text that was labelled")
            dialogue = f"{path.stem}-{number:05d}"
            group = entries()[found["label"]].group
            yield Row(dialogue, dialogue, 1, lang, text, found["label"], group, "train", found["second"])


def _chatbot(folder: Path) -> list[str]:
    path = folder / "chatbot_data" / "ChatbotData.csv"
    _there(path)
    with path.open(encoding="utf-8", newline="") as lines:
        return [row["Q"].strip() for row in csv.DictReader(lines)]


def _english(folder: Path) -> list[str]:
    path = folder / "goemotions" / "en" / "train.tsv"
    _there(path)
    return [line.split("\t")[0].strip() for line in path.read_text(encoding="utf-8").splitlines()]


def _there(path: Path) -> None:
    if not path.is_file():
        raise OperatorError(f"no corpus file at {path}: docs/training.md says where it is published")
