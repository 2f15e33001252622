"""In what numbers a model computes: fp32, bf16 where the CPU or GPU has it, or int8 weights on a CPU.

`auto` tries what this machine can do for a moment at start and keeps the quickest whose probabilities stay the same.
"""

from __future__ import annotations

import copy
import logging
import time
from collections.abc import Callable, Sequence
from typing import TypeAlias

import torch

from plugins.classifiers._folder import first_line
from plugins.classifiers._layers import Int8Linear, PackedLinear, replace_linear
from plugins.classifiers._network import Item, Network

log = logging.getLogger(__name__)

Clock: TypeAlias = Callable[[], float]

CROWD = 3  # times the trial's texts: speed matters most when many ask at once
TRIES, TRIAL_S = 5, 0.2  # measurements of one thing: so many, or for so long
WORTH = 1.1  # so much quicker than fp32 it must be
NEAR = 0.05  # no probability may move further than this on the trial texts
MOST_COST = 4096.0  # tokens: where a crowd takes no longer than one text


def available(device: torch.device) -> tuple[str, ...]:
    """Precisions that this device computes in hardware, fp32 first."""
    if device.type == "cuda":
        return ("fp32", "bf16") if torch.cuda.is_bf16_supported(including_emulation=False) else ("fp32",)
    if device.type != "cpu":
        return ("fp32",)
    bf16 = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return ("fp32", *(("bf16",) if bf16 else ()), "int8")


def converted(module: torch.nn.Module, precision: str, device: torch.device) -> torch.nn.Module:
    """A model in another precision; an fp32 one is taken as it is, others are copies."""
    if precision == "fp32":
        return module
    other = copy.deepcopy(module)
    if precision == "int8":
        return replace_linear(other, Int8Linear)
    half = other.bfloat16()
    return replace_linear(half, PackedLinear) if device.type == "cpu" else half


def quickest(plain: Network, others: Sequence[str], build: Callable[[str], Network], trial: list[Item]) -> Network:
    """The network in that precision in which the trial went fastest; `plain` where none is clearly better.

    Args:
        plain: the network in fp32.
        others: the precisions to try, for which `build` gives the network.
        trial: a few texts, of which the first is run alone, and all together.
    """
    best = plain
    expected, slow = torch.tensor(plain.forward(trial)), _seconds(plain, trial)
    least, times = slow / WORTH, [f"fp32 {1000 * slow:.1f} ms"]
    for precision in others:
        try:
            other = build(precision)
            moved = float((torch.tensor(other.forward(trial)) - expected).abs().max())
            seconds = _seconds(other, trial)
        except (
            RuntimeError,
            AttributeError,
            TypeError,
            ArithmeticError,
        ) as error:  # this architecture asks too much of a layer
            log.info("%s is not used: %s", precision, first_line(error))
            continue
        times.append(f"{precision} {1000 * seconds:.1f} ms")
        if moved > NEAR:
            log.info("%s is not used: a probability moved by %.2f", precision, moved)
        elif seconds < least:
            best, least = other, seconds
    log.info("precision %s; a trial took: %s", best.precision, "; ".join(times))
    return best


def pass_cost(network: Network, trial: list[Item]) -> float:
    """What a forward pass costs besides its texts, in tokens: batches are planned with it."""
    lone, crowd = best_of(network, trial[:1]), best_of(network, CROWD * trial)
    few, many = len(trial[0]), CROWD * len(trial) * max(map(len, trial))
    per_token = (crowd - lone) / (many - few)
    return min(MOST_COST, max(0.0, lone / per_token - few)) if per_token > 0 else MOST_COST


def _seconds(network: Network, trial: list[Item]) -> float:
    return best_of(network, trial[:1]) + best_of(network, CROWD * trial)


def best_of(network: Network, items: Sequence[Item], clock: Clock | None = None) -> float:
    """The least of a few times: others who use the machine only ever make it slower.

    The default clock is this thread's own CPU time, where a CPU does the work: it stands while others run.
    """
    clock = clock or (time.thread_time if network.device.type == "cpu" else time.perf_counter)
    network.forward(items)
    times: list[float] = []
    began = time.perf_counter()
    while not times or (len(times) < TRIES and time.perf_counter() - began < TRIAL_S):
        start = clock()
        network.forward(items)
        times.append(clock() - start)
    return min(times)
