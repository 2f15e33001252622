"""`maum corpus check`: counts per label, rows that name their own feeling, repeated frames, near-duplicates.

Near-duplicates are sought across all files of a language, since parts are written apart from each other.
"""

from __future__ import annotations

import re
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from training.maum58 import HOME, LABELS, Row

OWN_WORD = 0.10  # the most rows of a label that may hold its own word (GUIDE.md, rule 4)
ALIKE = 0.55  # shared three-letter pieces, as a share of the shorter text's
FEWEST = 10  # pieces; shorter texts (“why”, “ㅋㅋㅋ 그래”) are alike by chance
OPENING, ENDING = 0.006, 0.01  # share of rows from which a frame counts as a habit
LETTERS = re.compile(r"[^가-힣a-z0-9]")


def main(rows: Sequence[Row]) -> dict[str, Any]:
    """The report as data."""
    return {lang: _report([row for row in rows if row.lang == lang]) for lang in ("ko", "en")}


def text(report: dict[str, Any]) -> str:
    """The report for reading: what must be rewritten, then the counts."""
    lines: list[str] = []
    for lang, part in report.items():
        lines.append(
            f"{lang}: {part['rows']} rows, {part['dialogues']} dialogues, {part['second']} with a second label"
        )
        lines += [f"  missing: {', '.join(part['missing'])}"] if part["missing"] else []
        for label, counts in part["labels"].items():
            mark = "  TOO MANY OWN WORDS" if counts["own_word"] > max(1, counts["rows"] * OWN_WORD) else ""
            lines.append(
                f"  {label}: {counts['rows']} rows, own word {counts['own_word']}, reasons {counts['reasons']}{mark}"
            )
        lines += [f"  repeated opening: {frame} ({count})" for frame, count in part["openings"].items()]
        lines += [f"  repeated ending: …{frame} ({count})" for frame, count in part["endings"].items()]
        lines += [f"  near-duplicates: {a} ~ {b}" for a, b in part["alike"]]
    return "\n".join(lines)


def own_words() -> dict[str, list[str]]:
    """Stems of each label's own word; a label that is missing there has none to avoid."""
    found: dict[str, list[str]] = tomllib.loads((HOME / "stems.toml").read_text(encoding="utf-8"))
    return found


def near_duplicates(rows: Sequence[Row], alike: float = ALIKE) -> Iterator[tuple[str, str]]:
    """Pairs of row ids whose texts share most of their three-letter pieces."""
    pieces = [_pieces(row.text) for row in rows]
    holders: dict[str, list[int]] = defaultdict(list)
    for at, found in enumerate(pieces):
        if len(found) < FEWEST:
            continue
        shared: Counter[int] = Counter()
        for piece in found:
            shared.update(holders[piece])
        for other, count in shared.items():
            if count > alike * FEWEST and count / min(len(found), len(pieces[other])) > alike:
                yield rows[other].id, rows[at].id
        for piece in found:
            holders[piece].append(at)


def without_echoes(rows: Sequence[Row], held_back: Sequence[Row]) -> list[Row]:
    """The rows to learn from, less those nearly the same as a row that figures are reported on.

    Writers who never met write some plain sentences alike; learnt, they would flatter the figures.
    """
    kept_out = {row.id for row in held_back}
    pairs = near_duplicates([*rows, *held_back])
    echoes = {one for pair in pairs for one, other in (pair, pair[::-1]) if other in kept_out}
    return [row for row in rows if row.id not in echoes]


def _report(rows: Sequence[Row]) -> dict[str, Any]:
    counts = Counter(row.label for row in rows)
    stems = own_words()
    return {
        "rows": len(rows),
        "dialogues": len({row.dialogue for row in rows}),
        "second": sum(bool(row.second) for row in rows),
        "missing": [label for label in LABELS if not counts[label]] if rows else [],
        "labels": {label: _label([r for r in rows if r.label == label], stems.get(label, [])) for label in counts},
        "openings": _habits([" ".join(row.text.split()[:2]) for row in rows], max(2.0, len(rows) * OPENING)),
        "endings": _habits([LETTERS.sub("", row.text.lower())[-5:] for row in rows], max(3.0, len(rows) * ENDING)),
        "alike": list(near_duplicates(rows)),
    }


def _label(rows: Sequence[Row], stems: Sequence[str]) -> dict[str, int]:
    return {
        "rows": len(rows),
        "own_word": sum(any(stem in row.text.lower() for stem in stems) for row in rows),
        "reasons": sum(bool(row.reason) for row in rows),
    }


def _habits(frames: Sequence[str], most: float) -> dict[str, int]:
    return {frame: count for frame, count in Counter(filter(None, frames)).most_common(20) if count > most}


def _pieces(text: str) -> set[str]:
    letters = LETTERS.sub("", text.lower())
    return {letters[at : at + 3] for at in range(len(letters) - 2)}
