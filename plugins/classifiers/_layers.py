"""Linear layers that a CPU computes faster than torch's own: most of an encoder's time is spent in them."""

from __future__ import annotations

import torch

TINY = 1e-8
ROWS = 16  # for how many rows oneDNN lays weights out; the other sizes lose little by it


def reordered(weight: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """The weight of a linear layer as oneDNN wants it, for `torch.ops.mkldnn._linear_pointwise`."""
    found: torch.Tensor = torch.ops.mkldnn._reorder_linear_weight(weight.detach().to(dtype), ROWS)
    return found


class PackedLinear(torch.nn.Module):
    """A bf16 layer whose weights lie as oneDNN wants them, and are not laid out anew in every pass.

    torch.compile does the same (torch/_inductor/fx_passes/mkldnn_fusion.py), after half a minute of compiling.
    """

    def __init__(self, linear: torch.nn.Linear) -> None:
        super().__init__()
        self._weight = reordered(linear.weight, torch.bfloat16)
        self._bias = None if linear.bias is None else linear.bias.detach().bfloat16()

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = torch.ops.mkldnn._linear_pointwise(inputs, self._weight, self._bias, "none", [], "")
        return found


class Int8Linear(torch.nn.Module):
    """A linear layer with int8 weights, one scale per output, and inputs rounded to int8 as they come, one scale each.

    A token's own scale keeps its result the same in any company (as in LLM.int8(), arXiv 2208.07339, section 2).
    """

    def __init__(self, linear: torch.nn.Linear) -> None:
        super().__init__()
        weight = linear.weight.detach()
        self._scales = weight.abs().amax(1).clamp_min(TINY) / 127
        self._weight = (weight / self._scales[:, None]).round().to(torch.int8).t()
        self._bias = torch.zeros(len(weight)) if linear.bias is None else linear.bias.detach()

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        flat = inputs.reshape(-1, inputs.shape[-1])
        scale = flat.abs().amax(1, keepdim=True).clamp_min(TINY) / 127
        product = torch._int_mm((flat / scale).round().to(torch.int8), self._weight)
        return torch.addcmul(self._bias, product * scale, self._scales).reshape(*inputs.shape[:-1], -1)


def replace_linear(module: torch.nn.Module, kind: type[PackedLinear | Int8Linear]) -> torch.nn.Module:
    """Every linear layer of a model, except the last, which makes the logits."""
    layers = [(name, part) for name, part in module.named_modules() if isinstance(part, torch.nn.Linear)]
    for name, layer in layers[:-1]:
        parent, _, own_name = name.rpartition(".")
        setattr(module.get_submodule(parent), own_name, kind(layer))
    return module
