"""`maum classify`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from rich.console import Console
from rich.table import Table

from bot import emotions, loader
from bot.cli_care import turns_of
from bot.config import Settings
from bot.contracts import Classifier
from bot.types import Reading, Text

BATCH = 256


async def classify(settings: Settings, texts: Sequence[str], *, as_json: bool, every: bool) -> None:
    """Print the readings of `texts`, or of the lines of standard input, in order.

    Each is a text, or a JSON list of one person's turns, oldest first, of which the last is read.

    Raises:
        OperatorError: one that starts like a JSON list of texts and is none.
    """
    plugin = loader.build(Classifier, settings.classifier.use, settings.classifier)  # type: ignore[type-abstract]
    async with plugin as classifier:
        lines: Iterable[str] = texts or (line.rstrip("\r\n") for line in sys.stdin)
        for batch in _batches(_text(line, number) for number, line in enumerate(lines, 1)):
            scores = await classifier.classify(batch)
            best = len(classifier.labels) if every else 5
            readings = [emotions.read(one, classifier.model, classifier.sure_at, best) for one in scores]
            for text, reading in zip(batch, readings, strict=True):
                print(_line(text.text, reading), flush=True) if as_json else _draw(text.text, reading)


def _text(line: str, number: int) -> Text:
    *before, text = turns_of(line, number)
    return Text(text, tuple(before))


def _batches(lines: Iterable[Text]) -> Iterator[list[Text]]:
    rest = iter(lines)
    while batch := list(islice(rest, BATCH)):
        yield batch


def _line(text: str, reading: Reading) -> str:
    found = [{"label": e.label, "group": e.group, "score": round(e.score, 6)} for e in reading.emotions]
    whole = {"text": text, "group": reading.group, "sure": reading.sure, "model": reading.model, "emotions": found}
    return json.dumps(whole, ensure_ascii=False)


def _draw(text: str, reading: Reading) -> None:
    ko, en, emoji = emotions.GROUP_NAMES[reading.group]
    sure = "" if reading.sure else " (뚜렷하지 않음 · not clear)"
    table = Table(title=f"{text}\n{emoji} {ko} · {en} {reading.groups[reading.group]:.0%}{sure}", title_justify="left")
    for heading in ("emotion", "group", "score", ""):
        table.add_column(heading)
    for emotion in reading.emotions:
        entry = emotions.find(emotion.label)
        bar = "█" * max(1, round(emotion.score * 30))
        table.add_row(f"{entry.emoji} {entry.ko} · {entry.en}", emotion.group, f"{emotion.score:.1%}", bar)
    Console(highlight=False).print(table)
