"""The loop that fine-tunings share: warm-up and decay, averaged weights, an end by steps or minutes, a checkpoint."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import Tensor, nn
from transformers import ModernBertForSequenceClassification

from training.pretrain import parameter_groups, schedule
from training.runs import Run, progress

Part: TypeAlias = tuple[Tensor, Tensor, Tensor, Tensor]  # ids and mask (B, L), targets (B, labels), weights (B)
Loss: TypeAlias = Callable[[Tensor, Tensor], Tensor]  # logits and targets (B, labels) → (B,)
State: TypeAlias = dict[str, float]


@dataclass(frozen=True, slots=True)
class Settings:
    """What every fine-tuning may vary."""

    epochs: float = 12.0
    rate: float = 3e-4
    head_rate: float = 2e-3
    warmup: float = 0.1
    weight_decay: float = 0.05
    average: float = 0.995
    minutes: float = 0.0  # the most it may take; the rate falls by whichever is further on, steps or minutes; 0: no end
    save_s: float = 120.0
    head_only: bool = False  # the encoder stays as it is
    quick: bool = False  # fused optimiser and plain attention: a third quicker on a CPU (training/LOG.md)
    seed: int = 1


def learn(
    network: ModernBertForSequenceClassification,
    stream: Callable[[np.random.Generator], Iterator[Sequence[Part]]],
    loss: Loss,
    steps: int,
    settings: Settings,
    run: Run | None = None,
    device: str = "cpu",
    keep: Path | None = None,
) -> ModernBertForSequenceClassification:
    """Returns the running average of the weights, which is steadier than their last value.

    `keep` is a checkpoint to go on from and to write (plain tensors and numbers; read back with weights_only).
    """
    network = network.to(device).train()  # type: ignore[arg-type]
    if settings.quick and device == "cpu":
        network.set_attn_implementation("eager")
    getattr(network, "model").requires_grad_(not settings.head_only)  # noqa: B009
    average = deepcopy(network)
    optimizer = torch.optim.AdamW(_groups(network, settings), betas=(0.9, 0.98), eps=1e-6, fused=settings.quick or None)
    rates = [group["lr"] for group in optimizer.param_groups]
    parts = {"network": network, "average": average, "optimizer": optimizer}
    state = _resume(keep, parts)
    batches = stream(np.random.default_rng(settings.seed + int(state["step"])))
    began, saved = time.monotonic() - state["seconds"], time.monotonic()
    with progress() as bar:
        task = bar.add_task("fine-tuning (steps)", total=steps, completed=int(state["step"]))
        while (done := _done(state, steps, settings)) < 1.0:
            for group, rate in zip(optimizer.param_groups, rates, strict=True):
                group["lr"] = rate * schedule(done, settings.warmup)
            found = _step(network, next(batches), loss, device)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            _follow(average, network, min(settings.average, state["step"] / (state["step"] + 10)))
            state = {"step": state["step"] + 1, "seconds": time.monotonic() - began, "loss": found}
            bar.update(task, completed=int(state["step"]))
            if keep and time.monotonic() - saved > settings.save_s:
                saved = time.monotonic()
                _save(keep, parts, state)
    if run:
        run.log(stage="finetune", steps=state["step"], seconds=round(state["seconds"]), loss=round(state["loss"], 4))
    average.eval()  # type: ignore[no-untyped-call]
    return average


def _step(network: nn.Module, parts: Sequence[Part], loss: Loss, device: str) -> float:
    """Forward and backward of one batch; gradients are left in the network, clipped to norm 1. Returns the loss."""
    total = 0.0
    for part in parts:
        ids, mask, targets, weights = (tensor.to(device) for tensor in part)
        with torch.autocast(torch.device(device).type, dtype=torch.bfloat16):
            logits = network(input_ids=ids, attention_mask=mask).logits.float()
        share = (weights * loss(logits, targets)).sum()
        share.backward()  # type: ignore[no-untyped-call]
        total += float(share.detach())
    nn.utils.clip_grad_norm_(network.parameters(), 1.0)
    return total


def _groups(network: nn.Module, settings: Settings) -> list[dict[str, Any]]:
    """The fresh head learns faster than the encoder."""
    head = [p for name, p in network.named_parameters() if not name.startswith("model.")]
    body = [] if settings.head_only else parameter_groups(getattr(network, "model"), settings.weight_decay)  # noqa: B009
    for group in body:
        group["lr"] = settings.rate * group["speed"]
    return [*body, {"params": head, "lr": settings.head_rate, "weight_decay": settings.weight_decay}]


def _follow(average: nn.Module, network: nn.Module, keep: float) -> None:
    with torch.no_grad():
        for mean, now in zip(average.parameters(), network.parameters(), strict=True):
            mean.lerp_(now, 1 - keep)


def _done(state: State, steps: int, settings: Settings) -> float:
    by_time = state["seconds"] / 60 / settings.minutes if settings.minutes else 0.0
    return max(state["step"] / steps, by_time)


def _save(path: Path, parts: dict[str, Any], state: State) -> None:
    part = path.with_suffix(".part")
    torch.save({"state": state, **{name: thing.state_dict() for name, thing in parts.items()}}, part)
    part.replace(path)


def _resume(path: Path | None, parts: dict[str, Any]) -> State:
    if path is None or not path.exists():
        return {"step": 0, "seconds": 0.0, "loss": 0.0}
    saved = torch.load(path, map_location="cpu", weights_only=True)
    for name, thing in parts.items():
        thing.load_state_dict(saved[name])
    state: State = saved["state"]
    return state
