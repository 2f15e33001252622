"""What the crisis detector learns from: labelled talks by ten authors, and everyday talk as harmless background.

tests/data/care/dev.jsonl is by the author of the signs ("first"); dev-a to dev-c and dev-e to dev-i are by authors who
saw neither it nor the detector; dev-d was written afterwards, for the kinds that the detector missed in those. A
language model wrote them all; none is a person's own words.
"""

from __future__ import annotations

import csv
import hashlib
import json
import random
from functools import cache
from pathlib import Path
from typing import Any

from bot import care_signs
from bot.care import TURNS
from bot.care_text import plain
from training import corpus, maum58

HOME = Path("tests/data/care")
INDEPENDENT = ("a", "b", "c", "e", "f", "g", "h", "i")  # authors by whom a detector fitted without them can be judged

Item = dict[str, Any]


def read(path: Path) -> list[Item]:
    """Labelled items: id, author, lang, level, about (self, other or null), turns."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [{"author": "first", **json.loads(line)} for line in lines if line.strip()]


@cache
def development() -> list[Item]:
    """Every labelled item that may be looked at and learnt from."""
    return [item for path in sorted(HOME.glob("dev*.jsonl")) for item in read(path)]


@cache
def everyday() -> list[Item]:
    """Ordinary talk: rows of our chat corpus's training part, each with what came before it, and single questions."""
    talks: list[Item] = []
    turns: list[str] = []
    dialogue = ""
    for row in maum58.read(split="train"):
        turns = [*turns, row.text] if row.dialogue == dialogue else [row.text]
        dialogue = row.dialogue
        talks.append(_harmless(row.lang, turns[-TURNS:]))
    questions = corpus.root() / "chatbot_data" / "ChatbotData.csv"
    if questions.exists():
        with questions.open(encoding="utf-8", newline="") as file:
            talks += [_harmless("ko", [row["Q"]]) for row in csv.DictReader(file)]
    return [talk for talk in talks if not _shows_danger(talk["turns"][-1])]


def held_out(talks: list[Item]) -> tuple[list[Item], list[Item]]:
    """Background to learn from, and a tenth of it to count false alarms on."""
    mixed = random.Random(0).sample(talks, len(talks))
    return mixed[len(mixed) // 10 :], mixed[: len(mixed) // 10]


def fingerprint(sources: str) -> str:
    """Tells from which items a line was fitted, and with which of our `sources` (a pattern), models aside."""
    found = sorted(path for path in Path().glob(sources) if path.suffix != ".bin")
    read = [*sorted(HOME.glob("dev*.jsonl")), *found]
    return hashlib.sha256(b"".join(path.read_bytes() for path in read)).hexdigest()


def _harmless(lang: str, turns: list[str]) -> Item:
    return {"author": "everyday", "lang": lang, "level": "none", "about": None, "turns": turns}


def _shows_danger(text: str) -> bool:
    return any(sign.startswith(("e_", "v_")) for sign in care_signs.look(plain(text)))
