"""Joint training: every label at hand at once, those of chat among them, no masked words; goes on from an encoder.

It follows pre-training and uses its loop. Labels teach a small encoder more in a minute
than masked words do; ratings and comments keep it from learning the few rows of chat by heart.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import Tensor
from transformers import ModernBertConfig, ModernBertModel

from training import corpus, finetune, packed, pretrain, tokenizer
from training.linear import Matrix
from training.maum58 import LABELS, Row
from training.pretrain import HEADS, Pretrainer, Settings, Source
from training.runs import Run

WIDTHS = {**HEADS, "maum": len(LABELS)}
ONE = ("maum", "rating", "kodoli")  # heads of which one label holds
CHAT = 1 / 3  # of the other batches, unless settings say another: so many are rows of chat


def main(
    settings: Settings,
    rows: Sequence[Row],
    run: Run,
    device: str = "cpu",
    log: Callable[[str], None] = print,
) -> Path:
    """Train from the run's pre-trained encoder; returns the folder of the new one, in the run's folder `joint`.

    Resumes where an earlier call stopped; an existing result is taken as done.
    """
    stage = Run("joint", run.folder)
    folder = stage.path("encoder")
    if (folder / "config.json").exists():
        return folder
    torch.manual_seed(settings.seed)
    sources = read_sources(corpus.root(), tokenizer.load(run.path("tokenizer")), rows, settings.max_tokens)
    log(", ".join(f"{source.name} {len(source.data):,} texts" for source in sources))
    model = build(run.path("encoder"), settings.quick and device == "cpu")
    settings = replace(settings, shares=with_chat(settings.shares, sources))
    pretrain.train(model.to(device), sources, settings, stage, device)
    model.encoder.save_pretrained(folder.with_suffix(".part"))
    folder.with_suffix(".part").rename(folder)
    return folder


def encoder_of(run: Run) -> Path:
    """The encoder a run has come to: after joint training, else after pre-training."""
    after = run.path("joint") / "encoder"
    return after if (after / "config.json").exists() else run.path("encoder")


def reader(
    run: Run, tokens: Tokenizer, max_tokens: int = 64, device: str = "cpu"
) -> Callable[[Sequence[str]], Matrix] | None:
    """The joint model as a reader of chat: probabilities of shape (N, 59). None where there was no joint training."""
    if not (run.path("joint") / "checkpoint.pt").exists():
        return None
    return partial(said, load(run, device=device), tokens, head="maum", max_tokens=max_tokens, device=device)


def said(
    model: Pretrainer, tokens: Tokenizer, texts: Sequence[str], head: str, max_tokens: int = 64, device: str = "cpu"
) -> Matrix:
    """Probabilities of a head's labels, shape (N, labels): one holds, or, of comments' labels, several."""
    logits = heads_of(model, tokens, texts, (head,), max_tokens, device)[head].double()
    found: Matrix = (logits.softmax(-1) if head in ONE else logits.sigmoid()).numpy()
    return found


def load(run: Run, checkpoint: Path | None = None, device: str = "cpu") -> Pretrainer:
    """The joint model with its heads, as the last checkpoint of its training left it, or another one."""
    model = build(encoder_of(run), device == "cpu")
    saved = torch.load(checkpoint or run.path("joint") / "checkpoint.pt", map_location="cpu", weights_only=True)
    model.load_state_dict(saved["model"])
    return model.to(device).eval()


def heads_of(
    model: Pretrainer,
    tokens: Tokenizer,
    texts: Sequence[str],
    names: Sequence[str],
    max_tokens: int = 64,
    device: str = "cpu",
) -> dict[str, Tensor]:
    """Logits of heads for texts, each of shape (N, the head's labels)."""
    tokens.model.dropout = None
    ids = finetune.encode(tokens, texts, max_tokens)
    order = sorted(range(len(texts)), key=lambda i: len(ids[i]))
    found = {name: torch.zeros(len(texts), WIDTHS[name]) for name in names}
    for at in range(0, len(order), 128):
        chosen = order[at : at + 128]
        batch, mask = (tensor.to(device) for tensor in packed.pad([ids[i] for i in chosen]))
        with torch.inference_mode():
            _, mean = model(batch, mask)
            for name in names:
                found[name][chosen] = model.heads[name](mean).float().cpu()
    return found


def build(start: Path, quick: bool = True) -> Pretrainer:
    """The encoder of a model folder under fresh heads."""
    model = Pretrainer(ModernBertConfig.from_pretrained(start), WIDTHS)
    encoder = ModernBertModel.from_pretrained(start, dtype=torch.float32, use_safetensors=True)
    if quick:
        encoder.set_attn_implementation("eager")
    model.encoder = encoder
    return model


def read_sources(root: Path, words: Tokenizer, rows: Sequence[Row], max_tokens: int) -> list[Source]:
    """The labelled corpora of pre-training, and rows of chat with their soft targets."""
    others = [source for source in pretrain.read_sources(root, words, max_tokens) if source.head]
    targets = finetune.soft_targets(rows, second=0.3, smoothing=0.1)
    chat = packed.pack(words, (row.text for row in rows), targets, max_tokens)
    return [*others, Source("chat", "maum", chat)]


def with_chat(shares: Mapping[str, float], sources: Sequence[Source]) -> dict[str, float]:
    """The shares of these sources, that of chat among them: a quarter of all unless `shares` says another."""
    others = sum(shares.get(source.name, 0.0) for source in sources if source.name != "chat")
    return {"chat": CHAT * others, **shares}
