"""On which devices a model may run, the best first, and in what precision on each."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch

from bot.errors import OperatorError
from plugins.classifiers._encoders import encoder_of
from plugins.classifiers._flat_weights import flat_encoder_of
from plugins.classifiers._folder import first_line
from plugins.classifiers._graphs import FlatNetwork
from plugins.classifiers._network import Head, Item, Network
from plugins.classifiers._packed import PackedNetwork
from plugins.classifiers._precision import NEAR, available, converted, quickest

log = logging.getLogger(__name__)

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}


@dataclass(frozen=True, slots=True)
class Devices:
    """What every device needs to run a model.

    `read` reads its weights again, `trial` are a few texts' tokens.
    """

    read: Callable[[], torch.nn.Module]
    pad: int
    head: Head
    trial: list[Item]

    def rungs(self, device: str, precision: str, module: torch.nn.Module) -> list[Callable[[], Network]]:
        """Builders of networks: `module` on the wished device, and the same model on the CPU where that is another.

        Raises:
            OperatorError: torch finds no such device, or the device has no such precision.
        """
        target = torch.device(chosen(device))
        if precision not in ("auto", *available(target)):
            known = ", ".join(("auto", *available(target)))
            raise OperatorError(f"classifier option precision = {precision!r}: {target} computes in {known}")
        if target.type == "cuda":  # cuDNN's attention prepares for every new shape, for more than a second (measured)
            torch.backends.cuda.enable_cudnn_sdp(False)
        first = partial(self._network, target, precision, module)
        return [first] if target.type == "cpu" else [first, partial(self._network, torch.device("cpu"), "auto")]

    def _network(self, device: torch.device, precision: str, module: torch.nn.Module | None = None) -> Network:
        plain = module or self.read()

        def build(name: str) -> Network:
            return self._packed(plain, name, device) or Network(
                converted(plain, name, device), device, self.pad, self.head, name
            )

        precisions = available(device)
        if device.type != "cpu":
            network = build(precisions[-1] if precision == "auto" else precision)
        else:
            network = build("fp32" if precision == "auto" else precision)
            if precision == "auto":
                network = quickest(network, precisions[1:], build, self.trial)
        if not network.packs:
            log.info("texts are padded: passes without padding are known for %s models of BERT's kinds", _known(device))
        return network

    def _packed(self, module: torch.nn.Module, precision: str, device: torch.device) -> Network | None:
        """The model in passes without padding; None where its kind is not known, or its probabilities would change.

        Raises:
            torch.OutOfMemoryError: it does not fit on the device.
        """
        try:
            network = self._without_padding(module, precision, device)
            if network is None:
                return None
            plain = Network(module, torch.device("cpu"), self.pad, self.head).forward(self.trial)
            moved = float((torch.tensor(network.forward(self.trial)) - torch.tensor(plain)).abs().max())
        except torch.OutOfMemoryError:
            raise
        except (RuntimeError, AttributeError, TypeError, FloatingPointError) as error:
            log.warning("%s passes without padding are not used: %s", precision, first_line(error))
            return None
        if moved > NEAR:
            log.warning("%s passes without padding are not used: a probability moved by %.2f", precision, moved)
            return None
        return network

    def _without_padding(self, module: torch.nn.Module, precision: str, device: torch.device) -> Network | None:
        if device.type == "cuda" and precision == "bf16":  # attention's kernel takes no fp32
            flat = flat_encoder_of(module, torch.bfloat16, device)
            return FlatNetwork(flat, device, self.pad, self.head, precision) if flat else None
        if device.type == "cpu" and precision in DTYPES:
            encoder = encoder_of(module, DTYPES[precision])
            return PackedNetwork(encoder, self.pad, self.head, precision) if encoder else None
        return None


def _known(device: torch.device) -> str:
    """The precisions of `Devices._without_padding`, in words."""
    return {"cpu": "bf16 and fp32", "cuda": "bf16"}.get(device.type, "no")


def chosen(device: str) -> str:
    """The device's name; of `auto` the best that is there.

    Raises:
        OperatorError: torch finds no such device.
    """
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if device == "auto":
        return next(name for name in there if there[name])
    if not there[device]:
        raise OperatorError(f"classifier option device = {device!r}: torch finds no such device here, use auto or cpu")
    return device
