"""The second line of the crisis detector: a small encoder, four layers wide 256, run by numpy alone.

It starts from models/maum-small's encoder (ModernBERT: Warner et al. 2024) and is fitted by training/care_encoder.py on
the same items as the first line; 8-bit weights, one scale a row. It reads what n-grams cannot: who does what to whom.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from math import pi, sqrt
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bot.care_pieces import Merges, pieces

MODEL = Path(__file__).with_name("care_encoder.npz")
CLS, SEP = 1, 2
BEFORE, LAST = 24, 96  # pieces kept of each earlier turn (its end) and of the last (its start)
HEADS = 4
THETA = 160_000.0  # of the rotary position embedding

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Together:
    """How the two lines decide: the first's log-odds plus `weight` × the second's, a risk above `risk_at`.

    Up to `asked_from` of the first line the second could hardly change anything, and is not asked.
    """

    weight: float
    asked_from: float
    risk_at: float


class Encoder:
    """`scores` takes a few milliseconds. Safe to call from several threads: it changes nothing after loading."""

    def __init__(self, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        self._bytes: list[int] = arrays["bytes"].tolist()
        merged = zip(arrays["pairs"].tolist(), arrays["merged"].tolist(), strict=True)
        self._merges: Merges = {(one, two): (rank, new) for rank, ((one, two), new) in enumerate(merged)}
        self._table, self._table_scale = arrays["table"], arrays["table.scale"].astype(np.float32)
        names = [name for name in arrays if f"{name}.scale" in arrays and name != "table"]
        self._weights: dict[str, Floats] = {name: _inward(arrays[name], arrays[f"{name}.scale"]) for name in names}
        self._weights |= {name: arrays[name].astype(np.float32) for name in arrays if name.endswith((".norm", ".bias"))}
        self._layers = sum(name.endswith(".qkv") for name in names)

    def scores(self, turns: Sequence[str]) -> dict[str, float]:
        """Log-odds that there is a risk, that it is said outright if there is one, and that it is about another."""
        pooled = self._states(self.numbers(turns)).mean(0)
        none, veiled, explicit, other = (pooled @ self._weights["head"] + self._weights["head.bias"]).tolist()
        return {"risk": float(np.logaddexp(veiled, explicit)) - none, "explicit": explicit - veiled, "other": other}

    def numbers(self, turns: Sequence[str]) -> list[int]:
        """The pieces of a talk: earlier turns by their ends, then the last turn."""
        *before, last = (pieces(turn, self._bytes, self._merges) for turn in turns)
        return [CLS, *(number for turn in before for number in (*turn[-BEFORE:], SEP)), *last[:LAST], SEP]

    def _states(self, numbers: Sequence[int]) -> Floats:
        """The last layer's states, one row a piece."""
        weights = self._weights
        states = self._table[numbers] * self._table_scale[numbers][:, None]
        states = _normed(states, weights["first.norm"])
        turn = _rotation(len(numbers), states.shape[1] // HEADS)
        for layer in range(self._layers):
            before = weights.get(f"{layer}.attention.norm")  # the first layer has none
            states = states + self._attended(layer, states if before is None else _normed(states, before), turn)
            wide = _normed(states, weights[f"{layer}.mlp.norm"]) @ weights[f"{layer}.wide"]
            inner, gate = np.split(wide, 2, axis=1)
            states = states + (_gelu(inner) * gate) @ weights[f"{layer}.narrow"]
        return _normed(states, weights["last.norm"])

    def _attended(self, layer: int, states: Floats, turn: tuple[Floats, Floats]) -> Floats:
        count, width = states.shape
        mixed = (states @ self._weights[f"{layer}.qkv"]).reshape(count, 3, HEADS, width // HEADS)
        query, key, value = mixed.transpose(1, 2, 0, 3)
        close = _turned(query, turn) @ _turned(key, turn).transpose(0, 2, 1) / sqrt(width // HEADS)
        shares = np.exp(close - close.max(-1, keepdims=True))
        shares /= shares.sum(-1, keepdims=True)
        attended: Floats = (shares @ value).transpose(1, 0, 2).reshape(count, width) @ self._weights[f"{layer}.out"]
        return attended


def _inward(rows: npt.NDArray[np.int8], scale: Floats) -> Floats:
    """A matrix as floats, turned so that states are multiplied from the left, and contiguous."""
    return np.ascontiguousarray((rows * scale.astype(np.float32)[:, None]).T, dtype=np.float32)


def _normed(states: Floats, weight: Floats) -> Floats:
    centred: Floats = states - states.mean(-1, keepdims=True)
    normed: Floats = centred / np.sqrt((centred * centred).mean(-1, keepdims=True) + 1e-5) * weight
    return normed


def _gelu(values: Floats) -> Floats:
    """The tanh form, which the encoder is fitted with. Powers are slow, so the cube is multiplied out."""
    cubed = values * values * values
    bent: Floats = 0.5 * values * (1 + np.tanh(sqrt(2 / pi) * (values + 0.044715 * cubed)))
    return bent


@cache
def _rotation(count: int, width: int) -> tuple[Floats, Floats]:
    """Cosine and sine for each place and each half of the width."""
    speeds = THETA ** -(np.arange(0, width, 2, dtype=np.float32) / width)
    angles: Floats = np.arange(count, dtype=np.float32)[:, None] * np.concatenate([speeds, speeds])
    return np.cos(angles, dtype=np.float32), np.sin(angles, dtype=np.float32)


def _turned(values: Floats, turn: tuple[Floats, Floats]) -> Floats:
    half = values.shape[-1] // 2
    crossed: Floats = np.concatenate([-values[..., half:], values[..., :half]], axis=-1)
    turned: Floats = values * turn[0] + crossed * turn[1]
    return turned


def note(path: Path = MODEL) -> dict[str, Any]:
    """What training/care.py wrote beside the weights: how the lines decide together, figures on left-out authors."""
    with path.open("rb") as file, np.load(file) as arrays:
        written: dict[str, Any] = json.loads(str(arrays["note"]))
    return written


@cache
def load(path: Path = MODEL) -> tuple[Encoder, Together]:
    """The fitted encoder, tried once on a word.

    Raises:
        Exception: the file is not there (OSError), or is no such file.
    """
    with path.open("rb") as file, np.load(file) as arrays:
        encoder = Encoder(dict(arrays))
    encoder.scores(["마음"])
    return encoder, Together(**note(path)["together"])
