"""Token ids of many texts in one flat array, and length-sorted batches of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from tokenizers import Tokenizer

from training.tokenizer import PAD

Ids: TypeAlias = npt.NDArray[np.int32]
Targets: TypeAlias = npt.NDArray[np.float32]

SORTED_TOGETHER = 40  # batches; enough to make lengths alike, few enough to keep the order random


@dataclass(frozen=True, slots=True)
class Packed:
    """N texts. `ids` is flat; text i is ids[starts[i]:starts[i + 1]]. `targets` has shape (N, width), or (N, 0)."""

    ids: Ids
    starts: npt.NDArray[np.int64]
    targets: Targets

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        return np.diff(self.starts)


def pack(tokenizer: Tokenizer, texts: Iterable[str], targets: Targets | None = None, max_tokens: int = 64) -> Packed:
    """Tokenise texts once; each is cut to `max_tokens`, its two frame tokens included."""
    pieces: list[Ids] = []
    for chunk in _chunks(texts, 20_000):
        for encoding in tokenizer.encode_batch_fast(chunk):
            ids = np.asarray(encoding.ids, dtype=np.int32)
            pieces.append(ids if len(ids) <= max_tokens else np.append(ids[: max_tokens - 1], ids[-1]))
    starts = np.zeros(len(pieces) + 1, dtype=np.int64)
    np.cumsum([len(piece) for piece in pieces], out=starts[1:])
    flat = np.concatenate(pieces) if pieces else np.zeros(0, dtype=np.int32)
    return Packed(flat, starts, np.zeros((len(pieces), 0), np.float32) if targets is None else targets)


def epoch(packed: Packed, tokens: int, random: np.random.Generator) -> Iterator[npt.NDArray[np.int64]]:
    """Indices of one pass, in batches of at most `tokens` padded tokens, alike in length and in random order."""
    order = random.permutation(len(packed))
    mean = max(1.0, float(packed.lengths.mean()))
    window = max(1, int(SORTED_TOGETHER * tokens / mean))
    for at in range(0, len(order), window):
        part = order[at : at + window]
        batches = list(_cut(part[np.argsort(packed.lengths[part], kind="stable")], packed.lengths, tokens))
        for index in random.permutation(len(batches)):
            yield batches[index]


def forever(packed: Packed, tokens: int, random: np.random.Generator) -> Iterator[npt.NDArray[np.int64]]:
    """Epoch after epoch."""
    while True:
        yield from epoch(packed, tokens, random)


def pad(rows: Sequence[Ids]) -> tuple[torch.Tensor, torch.Tensor]:
    """Input ids and attention mask, both of shape (rows, longest)."""
    lengths = np.array([len(row) for row in rows])
    return _padded(np.concatenate([*rows, np.zeros(0, np.int32)]), np.cumsum(lengths) - lengths, lengths)


def take(packed: Packed, indices: npt.NDArray[np.int64]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """One padded batch: ids, mask, targets."""
    starts = packed.starts[indices]
    ids, mask = _padded(packed.ids, starts, packed.starts[indices + 1] - starts)
    return ids, mask, torch.from_numpy(packed.targets[indices])


def _padded(
    ids: Ids, starts: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64]
) -> tuple[torch.Tensor, torch.Tensor]:
    places = np.arange(lengths.max())
    mask = places < lengths[:, None]
    found = np.full(mask.shape, PAD, dtype=np.int64)
    found[mask] = ids[(starts[:, None] + places)[mask]]
    return torch.from_numpy(found), torch.from_numpy(mask.astype(np.int64))


def multi_hot(labels: Iterable[tuple[int, ...]], width: int) -> Targets:
    """One row per text with ones at its labels, shape (N, width)."""
    rows = list(labels)
    targets = np.zeros((len(rows), width), dtype=np.float32)
    for at, indices in enumerate(rows):
        targets[at, list(indices)] = 1.0
    return targets


def _cut(order: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64], tokens: int) -> Iterator[npt.NDArray[np.int64]]:
    """Cut rows sorted by length (ascending) so that rows × longest stays within `tokens`."""
    start = 0
    for at in range(len(order)):
        if at > start and (at - start + 1) * lengths[order[at]] > tokens:
            yield order[start:at]
            start = at
    if start < len(order):
        yield order[start:]


def _chunks(texts: Iterable[str], size: int) -> Iterator[list[str]]:
    iterator = iter(texts)
    while chunk := list(islice(iterator, size)):
        yield chunk
