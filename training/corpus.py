"""Readers for the public corpora, and where they lie.

Every reader is a generator over one file, yields small frozen rows, and keeps nothing in memory. The corpora are not
part of the repository: docs/training.md says where each is published. They hold people's comments, slurs included.
"""

from __future__ import annotations

import csv
import lzma
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TextIO

from bot.errors import OperatorError

Part = Literal["train", "dev"]
SENTIMENTS = ("NEG", "NEU", "POS")  # KODOLI's, in the order of our three-way head


@dataclass(frozen=True, slots=True)
class Labelled:
    """A text with the indices of its labels in its corpus's own order (multi-label corpora give several)."""

    text: str
    labels: tuple[int, ...]


def root() -> Path:
    """The folder of the public corpora: `MAUM_CORPORA`, else `corpora/`.

    Raises:
        OperatorError: there is no such folder.
    """
    folder = Path(os.environ.get("MAUM_CORPORA") or "corpora")
    if not folder.is_dir():
        raise OperatorError(
            f"no corpora at {folder}: put them there as docs/training.md says, or set MAUM_CORPORA to their folder"
        )
    return folder


def nsmc_ratings(folder: Path) -> Iterator[Labelled]:
    """Film reviews; the one label is the rating 1–10 minus one. Source: e9t/nsmc, raw reviews (CC0)."""
    for fields in _tsv(folder / "nsmc" / "pool.tsv.xz", header=True):
        if len(fields) >= 3 and fields[1].isdigit() and fields[2].strip():
            yield Labelled(fields[2], (int(fields[1]) - 1,))


def nsmc_test(folder: Path) -> Iterator[Labelled]:
    """Half of NSMC's official test split; label 1 is positive (rating ≥ 9), 0 negative (≤ 4)."""
    for fields in _tsv(folder / "nsmc" / "test.tsv", header=True):
        if len(fields) >= 3:
            yield Labelled(fields[1], (int(fields[2]),))


def kote(folder: Path, part: Part) -> Iterator[Labelled]:
    """Korean comments, 44 labels, several each. Source: searle-j/KOTE (MIT)."""
    for fields in _tsv(folder / "kote" / f"{part}.tsv", header=True):
        yield Labelled(fields[1], _indices(fields[2]))


def goemotions(folder: Path, language: Literal["en", "ko"], part: Part) -> Iterator[Labelled]:
    """Reddit comments, 28 labels, several each; Korean is a machine translation, row by row.

    Sources: google-research GoEmotions (CC BY 4.0, Apache-2.0); monologg/GoEmotions-Korean (Apache-2.0).
    """
    for fields in _tsv(folder / "goemotions" / language / f"{part}.tsv", header=False):
        if len(fields) >= 2 and fields[0].strip():
            yield Labelled(fields[0], _indices(fields[1]))


def kodoli(folder: Path) -> Iterator[Labelled]:
    """Korean comments; the one label is the sentiment, in the order of SENTIMENTS. cardy20/KODOLI (CC BY-SA 4.0)."""
    for row in _csv(folder / "kodoli" / "train.csv"):
        if row["sentences"].strip() and row["sentiment"] in SENTIMENTS:
            yield Labelled(row["sentences"], (SENTIMENTS.index(row["sentiment"]),))


def chatbot_questions(folder: Path) -> Iterator[str]:
    """What people say to a chat bot, unlabelled for our purpose. Source: songys/Chatbot_data (MIT)."""
    for row in _csv(folder / "chatbot_data" / "ChatbotData.csv"):
        yield row["Q"]


def korean_text(folder: Path) -> Iterator[str]:
    """Unlabelled Korean lines (MIT, Apache-2.0, CC BY and CC BY-SA 4.0 sources)."""
    for path in sorted((folder / "text_ko").glob("*.txt*")):
        with _open(path) as lines:
            yield from (stripped for line in lines if (stripped := line.strip()))


def _tsv(path: Path, header: bool) -> Iterator[list[str]]:
    with _open(path) as lines:
        if header:
            next(lines, None)
        for line in lines:
            yield line.rstrip("\n").split("\t")


def _csv(path: Path) -> Iterator[dict[str, str]]:
    with _open(path) as lines:
        yield from csv.DictReader(lines)


def _open(path: Path) -> TextIO:
    if not path.is_file():
        raise OperatorError(f"no corpus file at {path}: docs/training.md says where it is published")
    if path.suffix == ".xz":
        return lzma.open(path, "rt", encoding="utf-8")
    return path.open(encoding="utf-8", newline="")


def _indices(comma_list: str) -> tuple[int, ...]:
    return tuple(int(index) for index in comma_list.split(","))
