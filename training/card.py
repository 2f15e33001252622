"""The model card, written from the figures: nothing in it is typed by hand that a run can know."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bot.emotions import GROUPS
from plugins.classifiers._ngrams import FILE as NGRAMS

SOURCES = """\
| data | used for | licence |
|---|---|---|
| maum-58 (this repository, training part) | fine-tuning, calibration | CC BY 4.0 |
| NSMC raw reviews without the official test reviews (e9t/nsmc) | ratings, masked words, unlabelled text | CC0 |
| GoEmotions (google-research) | 28 labels, masked words, unlabelled text | CC BY 4.0, Apache-2.0 |
| GoEmotions-Korean (monologg) | the same, machine-translated | Apache-2.0 |
| KOTE (searle-j/KOTE), 6,500 of its training rows | 44 labels, masked words | MIT |
| KODOLI (cardy20/KODOLI) | sentiment, masked words | CC BY-SA 4.0 |
| Chatbot_data (songys/Chatbot_data), questions | unlabelled text; lines labelled in `corpora/chat-labels` | MIT |
| Korean text of several sources | unlabelled text | MIT, Apache-2.0, CC BY, CC BY-SA 4.0 |
"""

CARD = """\
---
language: [ko, en]
license: cc-by-sa-4.0
pipeline_tag: text-classification
---
# {name}

Reads the emotion of one chat message, Korean first, English second: 58 emotions of the Korean 감성대화 tree and 중립
(neutral), which map to six groups + neutral. Trained from nothing by this repository (preset `{preset}`), without
any foreign weights. {parameters:.1f} million parameters, {megabytes:.1f} MB: a small ModernBERT, weights stored as fp16
(on a CPU that has bf16 the bot computes in that: `docs/performance.md`).
{beside}{chain}
## Figures

{split}. {train_rows} training rows, a tenth of their dialogues kept for calibration.

{parts}
## Data and licences

{sources}
Some sources are CC BY-SA 4.0; the weights are given under CC BY-SA 4.0 to be safe. maum-58 was written by a language
model under the guide in `training/corpora/maum-58/GUIDE.md`: it is tidier than what people write, and the figures on it
are therefore likely to be better than on real chat.

## Limits

- It is often wrong: read the figures above. Anything built on it should offer a way to correct it, and act differently
  only on sure readings.
- Hurt and embarrassment are read worst, and often taken for sadness or anxiety; irony, feelings told calmly and long
  mixed messages are weak in both languages (`docs/models.md` has figures).
- It reads one message by itself, not the conversation.
- The comments it learnt from carry their writers' prejudice; a name, a dialect or a topic may move its reading.
- Not for diagnosis, not for judging people at work, school or borders, not as a detector of crises.
"""


KOTE = """\
---
language: [ko]
license: cc-by-sa-4.0
pipeline_tag: text-classification
---
# maum-kote

Reads which of KOTE's 44 emotions a Korean comment carries; several may hold. Trained from nothing by this repository
(preset `{preset}`, docs/training.md), without any foreign weights. {megabytes:.1f} MB, fp16.

## Figures

{split}. {train_rows} training rows (the published training file of 40,000 was not at hand: no figure here compares with
those of the KOTE paper).

| | this model | n-grams on the same rows |
|---|---|---|
| macro-F1, thresholds cross-fitted | {ours} | {theirs} |
| mean average precision | {ours_ap} | {theirs_ap} |

`metrics.json` holds a threshold for each label, fitted on the whole development part.

## Data and licences

{sources}
Some sources are CC BY-SA 4.0; the weights are given under CC BY-SA 4.0 to be safe.

Not for diagnosis, not for judging people. It learnt comments, slurs included, with their writers' prejudice.
"""


def kote(found: dict[str, Any], model: Path, preset: str = "kote") -> str:
    """The card of the model of KOTE's labels, with the figures `kote.main` makes."""
    return KOTE.format(
        preset=preset,
        megabytes=(model / "model.safetensors").stat().st_size / 1e6,
        split=found["split"],
        train_rows=found["train_rows"],
        ours=_value(found["model"]["macro_f1"]),
        theirs=_value(found["baseline"]["macro_f1"]),
        ours_ap=_value(found["model"]["average_precision"]),
        theirs_ap=_value(found["baseline"]["average_precision"]),
        sources=SOURCES,
    )


BESIDE = """
Beside the network stands a linear reader over character n-grams and words (`ngrams.safetensors`, {megabytes:.1f} MB,
fitted on maum-58 alone). The bot multiplies what both say, and the figures here are of both together; transformers by
itself loads the network only, which is right less often.
"""


PART = """\
### {part}: {rows} rows, {dialogues} dialogues

| | this model | n-grams on the same rows (b) | n-grams on comments (a) |
|---|---|---|---|
{table}

Lead in group accuracy over (a): {lead_a}; over (b): {lead_b}.
Sure readings (group probability ≥ {sure_at}): {sure}. Calibration error: labels {ece}, groups {group_ece}.
By language: {languages}. By group: {groups}.
"""


def text(found: dict[str, Any], model: Path, preset: str = "default", chain: Sequence[str] = ()) -> str:
    """The card of a model folder with these figures (as `default.report` makes them).

    `chain` tells the runs that led here, where the last one did not begin from nothing.
    """
    size, beside = (model / "model.safetensors").stat().st_size, model / NGRAMS
    return CARD.format(
        name="maum-small",
        preset=preset,
        chain=_chain(chain),
        parameters=size / 2e6,
        megabytes=size / 1e6,
        beside=BESIDE.format(megabytes=beside.stat().st_size / 1e6) if beside.exists() else "",
        split=found["split"],
        train_rows=found["train_rows"],
        parts="\n".join(_part(part, found[part]) for part in ("dev", "test") if part in found),
        sources=SOURCES,
    )


def _chain(chain: Sequence[str]) -> str:
    return "\nHow these weights were made, run by run:\n\n" + "".join(f"1. {run}\n" for run in chain) if chain else ""


def _part(part: str, found: dict[str, Any]) -> str:
    ours, slice_, comments = found["model"], found["baselines"]["slice"], found["baselines"]["comments"]
    sure = ours["sure"]
    return PART.format(
        part=part,
        rows=found["rows"],
        dialogues=found["dialogues"],
        table="\n".join(_line(name, key, ours, slice_, comments) for name, key in MEASURES),
        lead_a=_value(found["lead"]["comments"]),
        lead_b=_value(found["lead"]["slice"]),
        sure_at=sure["at"],
        sure=f"{sure['precision']} right, {sure['coverage']} of all rows ({sure['rows']} rows)",
        ece=ours["ece"],
        group_ece=ours["group_ece"],
        languages=", ".join(f"{lang} {value}" for lang, value in ours["by_language"].items()),
        groups=", ".join(f"{group} {ours['by_group'][group]}" for group in GROUPS if group in ours["by_group"]),
    )


MEASURES = (
    ("7-group accuracy", "group"),
    ("7-group macro-F1", "group_macro_f1"),
    ("top-1 of 59", "top1"),
    ("top-5 of 59", "top5"),
    ("macro-F1 of 59", "macro_f1"),
)


def _line(name: str, key: str, *reports: dict[str, Any]) -> str:
    return f"| {name} | " + " | ".join(_value(report[key]) if key in report else "–" for report in reports) + " |"


def _value(measure: Any) -> str:
    if isinstance(measure, dict):
        low, high = measure["interval"]
        return f"{measure['value']:.3f} ({low:.3f}–{high:.3f})"
    return f"{measure:.3f}"
