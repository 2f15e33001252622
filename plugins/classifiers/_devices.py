"""On which devices a model may run, the best first, and in what precision on each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch

from bot.errors import OperatorError
from plugins.classifiers._graphs import GraphNetwork
from plugins.classifiers._network import Head, Item, Network
from plugins.classifiers._precision import available, choose_threads, converted, quickest


@dataclass(frozen=True, slots=True)
class Devices:
    """What every device needs to run a model.

    `read` reads its weights again, `trial` are a few texts' tokens, `threads` are for a CPU (0: tried at start).
    """

    read: Callable[[], torch.nn.Module]
    pad: int
    head: Head
    trial: list[Item]
    threads: int = 0

    def rungs(self, device: str, precision: str, module: torch.nn.Module) -> list[Callable[[], Network]]:
        """Builders of networks: `module` on the wished device, and the same model on the CPU where that is another.

        Raises:
            OperatorError: torch finds no such device, or the device has no such precision.
        """
        target = torch.device(_choose(device))
        if precision not in ("auto", *available(target)):
            known = ", ".join(("auto", *available(target)))
            raise OperatorError(f"classifier option precision = {precision!r}: {target} computes in {known}")
        first = partial(self._network, target, precision, module)
        return [first] if target.type == "cpu" else [first, partial(self._network, torch.device("cpu"), "auto")]

    def _network(self, device: torch.device, precision: str, module: torch.nn.Module | None = None) -> Network:
        plain = module or self.read()
        kind = GraphNetwork if device.type == "cuda" else Network

        def build(name: str) -> Network:
            return kind(converted(plain, name, device), device, self.pad, self.head, name)

        precisions = available(device)
        if device.type != "cpu":
            return build(precisions[-1] if precision == "auto" else precision)
        network = build("fp32" if precision == "auto" else precision)
        choose_threads(network, self.trial, self.threads)
        return quickest(network, precisions[1:], build, self.trial) if precision == "auto" else network


def _choose(device: str) -> str:
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if device == "auto":
        return next(name for name in there if there[name])
    if not there[device]:
        raise OperatorError(f"classifier option device = {device!r}: torch finds no such device here, use auto or cpu")
    return device
