"""Models whose passes are run without transformers: their weights, in the order in which `_passes` wants them."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeAlias

import torch

from plugins.classifiers import _passes
from plugins.classifiers._layers import reordered

Pass: TypeAlias = Callable[..., torch.Tensor]


@dataclass(frozen=True, slots=True)
class Encoder:
    """A pass and the weights it runs with."""

    run: Pass
    weights: tuple[Any, ...]

    def logits(
        self, ids: torch.Tensor, lengths: torch.Tensor, starts: torch.Tensor, rows: int, width: int
    ) -> torch.Tensor:
        """float32 of shape (texts, labels).

        Args:
            ids: the tokens of all texts, one after the other.
            lengths: how many tokens each text has.
            starts: where each text begins in the flattened rows.
            rows, width: how many rows there are, and how many tokens each has room for.
        """
        return self.run(ids, lengths, starts, rows, width, *self.weights)


def encoder_of(module: Any, dtype: torch.dtype) -> Encoder | None:
    """The encoder of a transformers model for sequence classification; None where this file does not know its kind."""
    config = module.config
    build = _KINDS.get(config.model_type)
    plain = not getattr(config, "is_decoder", False) and not getattr(config, "add_cross_attention", False)
    activation = getattr(config, "hidden_act", None) or getattr(config, "hidden_activation", None)
    onednn: bool = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    if build is None or not plain or activation != "gelu" or not onednn:
        return None
    return build(module, config, dtype)


def _of_bert(module: Any, config: Any, dtype: torch.dtype) -> Encoder | None:
    """BERT, RoBERTa and ELECTRA: the same layers, other heads; RoBERTa counts places from after its padding id."""
    body, kind = getattr(module, module.base_model_prefix), config.model_type
    if hasattr(body, "embeddings_project"):
        return None
    table = body.embeddings
    offset = config.pad_token_id + 1 if "roberta" in kind else 0
    places = (table.position_embeddings.weight + table.token_type_embeddings.weight[0])[offset:]
    dense, out = (
        (body.pooler.dense, module.classifier)
        if kind == "bert"
        else (module.classifier.dense, module.classifier.out_proj)
    )
    weights = (
        _as(table.word_embeddings.weight, dtype),
        _as(places, dtype),
        _norm(table.LayerNorm, dtype),
        [_bert_layer(layer, dtype) for layer in body.encoder.layer],
        [_as(part, dtype) for linear in (dense, out) for part in (linear.weight, linear.bias)],
        config.num_attention_heads,
        config.layer_norm_eps,
        kind != "electra",
    )
    return Encoder(_scripted(_passes.bert), weights)


def _bert_layer(layer: Any, dtype: torch.dtype) -> list[torch.Tensor]:
    own, after = layer.attention.self, layer.attention.output
    return [
        *_linear(dtype, own.query, own.key, own.value),
        *_linear(dtype, after.dense),
        *_norm(after.LayerNorm, dtype),
        *_linear(dtype, layer.intermediate.dense),
        *_linear(dtype, layer.output.dense),
        *_norm(layer.output.LayerNorm, dtype),
    ]


def _of_modernbert(module: Any, config: Any, dtype: torch.dtype) -> Encoder | None:
    body, head = module.model, module.head
    if config.classifier_activation != "gelu":
        return None
    kinds = ("full_attention", "sliding_attention")
    weights = (
        _as(body.embeddings.tok_embeddings.weight, dtype),
        _norm(body.embeddings.norm, dtype),
        [_modernbert_layer(layer, dtype) for layer in body.layers],
        [kinds.index(kind) for kind in config.layer_types],
        [part for kind in kinds for part in _turns(body.rotary_emb, config, kind, dtype)],
        config.sliding_window,
        [
            *_norm(body.final_norm, dtype),
            *_plain(head.dense, dtype),
            *_norm(head.norm, dtype),
            *_plain(module.classifier, dtype),
        ],
        config.num_attention_heads,
        config.norm_eps,
        config.classifier_pooling == "mean",
    )
    return Encoder(_scripted(_passes.modernbert), weights)


def _modernbert_layer(layer: Any, dtype: torch.dtype) -> list[torch.Tensor]:
    wide, bias = layer.mlp.Wi.weight.chunk(2), _bias(layer.mlp.Wi).chunk(2)
    before = layer.mlp_norm if isinstance(layer.attn_norm, torch.nn.Identity) else layer.attn_norm  # the first has none
    return [
        *_norm(before, dtype),
        *_linear(dtype, layer.attn.Wqkv),
        *_linear(dtype, layer.attn.Wo),
        *_norm(layer.mlp_norm, dtype),
        reordered(wide[0], dtype),
        _as(bias[0], dtype),
        reordered(wide[1], dtype),
        _as(bias[1], dtype),
        *_linear(dtype, layer.mlp.Wo),
    ]


def _turns(rotary: Any, config: Any, kind: str, dtype: torch.dtype) -> tuple[torch.Tensor, torch.Tensor]:
    """cos and sin of every place, shape (places, 1, size of a head); the first half of sin has its sign turned."""
    places = torch.arange(config.max_position_embeddings)[None]
    cos, sin = rotary(torch.zeros(1), places, kind if kind in config.layer_types else config.layer_types[0])
    low, high = sin[0].chunk(2, -1)
    return _as(cos[0][:, None], dtype), _as(torch.cat((-low, high), -1)[:, None], dtype)


def _linear(dtype: torch.dtype, *linears: torch.nn.Linear) -> list[torch.Tensor]:
    """Weight and bias of a linear layer, or of several that read the same, as one."""
    weight = torch.cat([linear.weight for linear in linears])
    return [reordered(weight, dtype), _as(torch.cat([_bias(linear) for linear in linears]), dtype)]


def _plain(linear: torch.nn.Linear, dtype: torch.dtype) -> list[torch.Tensor]:
    return [_as(linear.weight, dtype), _as(_bias(linear), dtype)]


def _norm(norm: torch.nn.LayerNorm, dtype: torch.dtype) -> list[torch.Tensor]:
    return [_as(norm.weight, dtype), _as(_bias(norm), dtype)]


def _bias(part: torch.nn.Linear | torch.nn.LayerNorm) -> torch.Tensor:
    return torch.zeros(len(part.weight)) if part.bias is None else part.bias


def _as(tensor: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    return tensor.detach().to(dtype)


@cache
def _scripted(function: Pass) -> Pass:
    """The same function without the interpreter. torch's newer ways to that want a C++ compiler beside the bot."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        scripted: Pass = torch.jit.script(function)
    return scripted


_KINDS: dict[str, Callable[[Any, Any, torch.dtype], Encoder | None]] = {
    "bert": _of_bert,
    "roberta": _of_bert,
    "xlm-roberta": _of_bert,
    "electra": _of_bert,
    "modernbert": _of_modernbert,
}
