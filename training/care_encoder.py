"""Fits the crisis detector's second line, an encoder, in a quarter of an hour on one free core.

From models/maum-small's encoder, on the items of training/care_data.py, as written and noisily typed; kept with 8-bit
weights for bot.care_encoder. training/care.py is the command.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from transformers import AutoModel

from bot.care import TURNS, WINDOW
from bot.care_encoder import Encoder
from training import care_data, noise
from training.care_data import Item

BASE = Path("models/maum-small")
SOURCES = "bot/care_pieces.py"  # what, beside the items, decides what it reads
EPOCHS, BATCH = 4, 32
RATE, HEAD_RATE = 5e-4, 2e-3
MASKED = 0.1  # of the pieces, so that no single one is relied on
PAD, MASK = 0, 4
NOISY = 0.3  # of the items
EVERYDAY = 3_000  # rows of everyday talk an epoch
BEGUN = 0.1  # of the single turns, which get a turn of everyday talk before them
KINDS = ("none", "veiled", "explicit")


class Network(nn.Module):
    """maum-small's encoder, mean-pooled, with four outputs: none, veiled, explicit, and about somebody else."""

    def __init__(self, base: Path = BASE) -> None:
        super().__init__()
        wanted: dict[str, Any] = {"attn_implementation": "eager", "hidden_activation": "gelu_pytorch_tanh"}
        self.encoder = AutoModel.from_pretrained(base, dtype=torch.float32, **wanted)
        self.head = nn.Sequential(nn.Dropout(0.2), nn.Linear(self.encoder.config.hidden_size, 4))

    def forward(self, numbers: Tensor) -> Tensor:
        """(batch, pieces) → (batch, 4)."""
        there = (numbers != PAD).float()
        states = self.encoder(input_ids=numbers, attention_mask=there).last_hidden_state
        pooled = (states * there[..., None]).sum(1) / there.sum(1, keepdim=True)
        outputs: Tensor = self.head(pooled)
        return outputs


def fit(items: Sequence[Item], seed: int = 0) -> Network:
    """A network fitted on labelled items and as many rows of everyday talk in each epoch as `EVERYDAY` says."""
    torch.manual_seed(seed)
    dice = random.Random(seed)
    network = Network()
    cut = encoder_of(network)  # for the pieces alone
    everyday, _ = care_data.held_out(care_data.everyday())
    groups = [{"params": network.encoder.parameters()}, {"params": network.head.parameters()}]
    optimizer = torch.optim.AdamW(groups, lr=RATE, weight_decay=0.05, fused=True)
    steps = EPOCHS * -(-(len(items) + EVERYDAY) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, [RATE, HEAD_RATE], total_steps=steps + 1, pct_start=0.1)
    for epoch in range(EPOCHS):
        quiet = dice.sample(everyday, EVERYDAY)
        rows = [*(_begun(item, dice.choice(quiet), dice) for item in items), *quiet]
        losses = []
        for batch in _batches(rows, cut, dice):
            losses.append(_step(network, batch))
            optimizer.step()
            optimizer.zero_grad()
            schedule.step()
        print(f"epoch {epoch + 1}: loss {np.mean(losses):.3f}", flush=True)
    return network.eval()


def _begun(item: Item, quiet: Item, dice: random.Random) -> Item:
    """Now and then the talk begins with something harmless: that must not hide what comes after it."""
    alone = len(item["turns"]) == 1 and item["lang"] == quiet["lang"]
    return {**item, "turns": [quiet["turns"][-1], *item["turns"]]} if alone and dice.random() < BEGUN else item


def _step(network: Network, batch: tuple[Tensor, Tensor, Tensor]) -> float:
    numbers, kinds, other = batch
    with torch.autocast("cpu", torch.bfloat16):
        outputs = network(numbers).float()
    loss = nn.functional.cross_entropy(outputs[:, :3], kinds, label_smoothing=0.05)
    about = nn.functional.binary_cross_entropy_with_logits(outputs[:, 3], other, reduction="none")
    loss = loss + 0.3 * (about * (kinds > 0)).mean()
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(network.parameters(), 1.0)
    return float(loss.detach())


def _batches(rows: list[Item], cut: Encoder, dice: random.Random) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Shuffled batches of talks of about the same length."""
    typist = np.random.default_rng(dice.randrange(1 << 30))
    talks = [(_typed(row, typist) if dice.random() < NOISY else row["turns"], row) for row in rows]
    numbered = [(cut.numbers([turn[-WINDOW:] for turn in turns[-TURNS:]]), row) for turns, row in talks]
    dice.shuffle(numbered)
    near = BATCH * 16
    batches: list[list[tuple[list[int], Item]]] = []
    for start in range(0, len(numbered), near):
        alike = sorted(numbered[start : start + near], key=lambda one: len(one[0]))
        batches += [alike[at : at + BATCH] for at in range(0, len(alike), BATCH)]
    dice.shuffle(batches)
    for batch in batches:
        numbers = torch.full((len(batch), max(len(one) for one, _ in batch)), PAD)
        for row, (one, _) in enumerate(batch):
            numbers[row, : len(one)] = torch.tensor(one)
        hidden = (torch.rand(numbers.shape) < MASKED) & (numbers > MASK)
        kinds = torch.tensor([KINDS.index(item["level"]) for _, item in batch])
        yield numbers.masked_fill(hidden, MASK), kinds, torch.tensor([float(i["about"] == "other") for _, i in batch])


def _typed(row: Item, typist: np.random.Generator) -> list[str]:
    return [noise.typed(turn, typist, 1.0) for turn in row["turns"]]


def encoder_of(network: Network, base: Path = BASE) -> Encoder:
    """The network as the bot runs it."""
    return Encoder({**_tokenizer(base), **arrays(network)})


def _tokenizer(base: Path) -> dict[str, npt.NDArray[Any]]:
    model = json.loads((base / "tokenizer.json").read_text(encoding="utf-8"))["model"]
    vocabulary, merges = model["vocab"], [tuple(pair) for pair in model["merges"]]
    return {
        "bytes": np.array([vocabulary[char] for char in _byte_letters()], np.uint16),
        "pairs": np.array([[vocabulary[one], vocabulary[two]] for one, two in merges], np.uint16),
        "merged": np.array([vocabulary[one + two] for one, two in merges], np.uint16),
    }


def _byte_letters() -> list[str]:
    """The letter for each byte in a byte-level vocabulary (GPT-2's table): printable ones stand for themselves."""
    printable = {*range(33, 127), *range(161, 173), *range(174, 256)}
    others = iter(range(256, 512))
    return [chr(byte if byte in printable else next(others)) for byte in range(256)]


def arrays(network: Network) -> dict[str, npt.NDArray[Any]]:
    """The network as bot.care_encoder reads it: 8-bit matrices with a scale a row, and vectors as they are."""
    packed: dict[str, npt.NDArray[Any]] = {}
    for name, parameter in parameters(network).items():
        values = parameter.detach().numpy()
        if values.ndim == 1:
            packed[name] = values
            continue
        scale = np.abs(values).max(1, keepdims=True) / 127 + 1e-12
        packed |= {name: np.round(values / scale).astype(np.int8), f"{name}.scale": scale[:, 0].astype(np.float32)}
    return packed


def parameters(network: Network) -> dict[str, nn.Parameter]:
    """What is kept of the network, by its name in the file."""
    encoder, last = network.encoder, network.head[1]
    kept = {"table": encoder.embeddings.tok_embeddings.weight, "head": last.weight, "head.bias": last.bias}
    kept |= {"first.norm": encoder.embeddings.norm.weight, "last.norm": encoder.final_norm.weight}
    for at, layer in enumerate(encoder.layers):
        kept |= {f"{at}.qkv": layer.attn.Wqkv.weight, f"{at}.out": layer.attn.Wo.weight}
        kept |= {f"{at}.wide": layer.mlp.Wi.weight, f"{at}.narrow": layer.mlp.Wo.weight}
        kept[f"{at}.mlp.norm"] = layer.mlp_norm.weight
        if at:  # the first layer has none
            kept[f"{at}.attention.norm"] = layer.attn_norm.weight
    return kept


def save(network: Network, path: Path) -> None:
    """The tokenizer and the weights in one file; `annotate` adds how it is to be used."""
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, allow_pickle=False, **_tokenizer(BASE), **arrays(network))


def annotate(path: Path, note: Mapping[str, Any]) -> None:
    """Write a note of plain data beside the weights (bot.care_encoder.note)."""
    with np.load(path) as kept:
        rest = {name: kept[name] for name in kept if name != "note"}
    np.savez(path, allow_pickle=False, note=np.array(json.dumps(note)), **rest)
