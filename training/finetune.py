"""Fine-tuning an encoder on maum-58: 59 labels, second labels as soft targets, groups, and what teachers know.

The loss of a row is cross-entropy against its soft target, plus cross-entropy of its group (a miss inside the group is
a smaller miss). Texts without labels carry a teacher's probabilities and are learnt by the same cross-entropy.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from tokenizers import Tokenizer
from torch import Tensor, nn
from transformers import ModernBertForSequenceClassification
from transformers.utils import logging

from bot.emotions import find
from training import loop, noise, tokenizer
from training.linear import Matrix, group_matrix
from training.loop import Part
from training.maum58 import LABELS, Row
from training.packed import Ids, pad
from training.runs import Run

Soft: TypeAlias = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Settings(loop.Settings):
    """What a fine-tuning may vary; presets hold the values."""

    batch: int = 64
    dropout: float = 0.2
    max_tokens: int = 64
    second: float = 0.3
    smoothing: float = 0.1
    group_weight: float = 1.0
    noise: float = 0.5
    subword_dropout: float = 0.1
    taught_per_row: float = 1.0
    taught_weight: float = 1.0
    parts: int = 4  # of a batch, of like length: on a CPU padding it whole would cost twice the work


@dataclass(frozen=True, slots=True)
class Taught:
    """Texts without labels, and a teacher's probabilities for them, shape (N, labels)."""

    texts: Sequence[str]
    probabilities: Soft


def main(
    settings: Settings,
    rows: Sequence[Row],
    encoder: Path,
    words: Path,
    folder: Path,
    taught: Taught | None = None,
    run: Run | None = None,
    device: str = "cpu",
) -> Path:
    """Fine-tune and save a model folder (fp16 weights and tokenizer). An existing folder is taken as done."""
    if (folder / "config.json").exists():
        return folder
    tokens = tokenizer.load(words)
    network = build(encoder, settings)
    keep = run.path("finetune.pt") if run else None
    network = fit(network, tokens, rows, settings, taught, run, device, keep)
    if run:
        run.save_json(f"{folder.name}.json", asdict(settings))
    save(network, words, folder)
    if keep:
        keep.unlink(missing_ok=True)
    return folder


def save(network: ModernBertForSequenceClassification, words: Path, folder: Path) -> None:
    """Write a model folder, whole or not at all: fp16 weights, config, tokenizer."""
    part = folder.with_name(folder.name + ".part")
    network.to(torch.float16).save_pretrained(part)  # type: ignore[arg-type]
    tokenizer.save(tokenizer.load(words), part, 128)
    part.rename(folder)


def build(
    encoder: Path, settings: Settings, labels: Sequence[str] = LABELS, several: bool = False
) -> ModernBertForSequenceClassification:
    """A pre-trained encoder with a fresh head over the mean of its states; `several`: more than one label may hold."""
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]  # it would report the fresh head as missing
    network: ModernBertForSequenceClassification = ModernBertForSequenceClassification.from_pretrained(
        encoder,
        dtype=torch.float32,
        use_safetensors=True,
        id2label=dict(enumerate(labels)),
        label2id={label: at for at, label in enumerate(labels)},
        problem_type="multi_label_classification" if several else "single_label_classification",
        classifier_pooling="mean",
        classifier_dropout=settings.dropout,
    )
    return network


def fit(
    network: ModernBertForSequenceClassification,
    tokens: Tokenizer,
    rows: Sequence[Row],
    settings: Settings,
    taught: Taught | None = None,
    run: Run | None = None,
    device: str = "cpu",
    keep: Path | None = None,
) -> ModernBertForSequenceClassification:
    """Learn rows, and taught texts beside them; returns the running average of the weights (see `loop.learn`)."""
    torch.manual_seed(settings.seed)
    steps = max(1, round(settings.epochs * len(rows) / settings.batch))
    groups = torch.from_numpy(group_matrix(LABELS)).float().to(device)
    targets = soft_targets(rows, settings.second, settings.smoothing)

    def loss(logits: Tensor, wanted: Tensor) -> Tensor:
        return losses(logits, wanted, groups, settings.group_weight)

    def stream(random: np.random.Generator) -> Iterator[list[Part]]:
        return batches([row.text for row in rows], targets, taught, tokens, settings, random)

    return loop.learn(network, stream, loss, steps, settings, run, device, keep)


def losses(logits: Tensor, targets: Tensor, groups: Tensor, group_weight: float) -> Tensor:
    """Cross-entropy of labels plus that of groups, per row. Shapes: (B, 59), (B, 59), (59, 7) → (B,)."""
    log_labels = logits.log_softmax(-1)
    log_groups = (log_labels.exp() @ groups).clamp_min(1e-7).log()
    of_labels = -(targets * log_labels).sum(-1)
    of_groups = -((targets @ groups) * log_groups).sum(-1)
    return of_labels + group_weight * of_groups


def soft_targets(rows: Sequence[Row], second: float, smoothing: float) -> Soft:
    """Shape (N, 59): label and second label; `smoothing` is spread over the label's group members, not over all."""
    targets = np.zeros((len(rows), len(LABELS)), dtype=np.float32)
    members = group_matrix(LABELS) @ group_matrix(LABELS).T > 0
    for target, row in zip(targets, rows, strict=True):
        own = LABELS.index(row.label)
        target += smoothing * members[own] / members[own].sum()
        target[own] += (1 - smoothing) * (1 - second if row.second else 1)
        if row.second:
            target[LABELS.index(row.second)] += (1 - smoothing) * second
    return targets


def batches(
    texts: Sequence[str],
    targets: Soft,
    taught: Taught | None,
    tokens: Tokenizer,
    settings: Settings,
    random: np.random.Generator,
) -> Iterator[list[Part]]:
    """Endless batches of labelled texts, noisily typed, and of taught texts beside them; each comes in parts."""
    tokens.model.dropout = settings.subword_dropout or None  # Provilkov et al. 2020: other cuts of the same word
    extra = round(settings.batch * settings.taught_per_row) if taught else 0
    while True:
        order = random.permutation(len(texts))
        for at in range(0, len(order), settings.batch):
            chosen = order[at : at + settings.batch]
            typed = [noise.typed(texts[i], random, settings.noise) for i in chosen]
            wanted, weights = targets[chosen], np.ones(len(chosen), np.float32)
            if taught and extra:
                others = random.integers(len(taught.texts), size=extra)
                typed += [noise.typed(taught.texts[i], random, settings.noise / 2) for i in others]
                wanted = np.concatenate([wanted, taught.probabilities[others]])
                weights = np.append(weights, np.full(extra, settings.taught_weight, np.float32))
            found = encode(tokens, typed, settings.max_tokens)
            yield list(_parts(found, wanted, weights / weights.sum(), settings.parts))


def _parts(found: list[Ids], wanted: Soft, weights: Soft, parts: int) -> Iterator[Part]:
    order = np.argsort([len(row) for row in found], kind="stable")
    for chosen in np.array_split(order, min(parts, len(order))):
        ids, mask = pad([found[i] for i in chosen])
        yield ids, mask, torch.from_numpy(wanted[chosen]), torch.from_numpy(weights[chosen])


def encode(tokens: Tokenizer, texts: Sequence[str], max_tokens: int) -> list[Ids]:
    """Token ids of texts, each cut to `max_tokens`."""
    found = [np.asarray(encoding.ids, dtype=np.int32) for encoding in tokens.encode_batch_fast(list(texts))]
    return [row if len(row) <= max_tokens else np.append(row[: max_tokens - 1], row[-1]) for row in found]


def probabilities(
    network: nn.Module, tokens: Tokenizer, texts: Sequence[str], max_tokens: int = 128, device: str = "cpu"
) -> Matrix:
    """Uncalibrated softmax of the labels, shape (N, 59)."""
    tokens.model.dropout = None
    order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
    found = np.zeros((len(texts), len(LABELS)))
    for at in range(0, len(order), 64):
        chosen = order[at : at + 64]
        ids, mask = (tensor.to(device) for tensor in pad(encode(tokens, [texts[i] for i in chosen], max_tokens)))
        with torch.inference_mode():
            logits = network(input_ids=ids, attention_mask=mask).logits.float()
        found[chosen] = logits.softmax(-1).cpu().numpy()
    return found


def group_index(row: Row) -> int:
    """The row's own group, as a column of `group_matrix`."""
    from bot.emotions import GROUPS

    return GROUPS.index(find(row.label).group)
