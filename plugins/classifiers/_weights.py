"""The weights of transformers' models for sequence classification, in the order in which our own passes want them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch

Parts: TypeAlias = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Layout:
    """In what numbers a pass wants its weights, and how those of a linear layer lie: `turn` gets them in any type."""

    dtype: torch.dtype
    turn: Callable[[torch.Tensor, torch.dtype], torch.Tensor]

    def linear(self, weight: torch.Tensor) -> torch.Tensor:
        return self.turn(weight, self.dtype)

    def plain(self, tensor: torch.Tensor) -> torch.Tensor:
        return plain(tensor, self.dtype)


def plain(tensor: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """As a linear layer of torch has its weight: one row per output."""
    return tensor.detach().to(dtype)


@dataclass(frozen=True, slots=True)
class Weights:
    """`parts` are what the pass of this `family` (bert or modernbert) takes after the tokens."""

    family: str
    parts: Parts


def weights_of(module: Any, layout: Layout) -> Weights | None:
    """The weights of a transformers model for sequence classification; None where this file does not know its kind."""
    config = module.config
    family = _FAMILIES.get(config.model_type)
    lone = not getattr(config, "is_decoder", False) and not getattr(config, "add_cross_attention", False)
    activation = getattr(config, "hidden_act", None) or getattr(config, "hidden_activation", None)
    if family is None or not lone or activation != "gelu":
        return None
    parts = (_of_bert if family == "bert" else _of_modernbert)(module, config, layout)
    return None if parts is None else Weights(family, parts)


def _of_bert(module: Any, config: Any, layout: Layout) -> Parts | None:
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
    return (
        layout.plain(table.word_embeddings.weight),
        layout.plain(places),
        _norm(layout, table.LayerNorm),
        [_bert_layer(layout, layer) for layer in body.encoder.layer],
        [layout.plain(part) for linear in (dense, out) for part in (linear.weight, linear.bias)],
        config.num_attention_heads,
        config.layer_norm_eps,
        kind != "electra",
    )


def _bert_layer(layout: Layout, layer: Any) -> list[torch.Tensor]:
    own, after = layer.attention.self, layer.attention.output
    return [
        *_linear(layout, own.query, own.key, own.value),
        *_linear(layout, after.dense),
        *_norm(layout, after.LayerNorm),
        *_linear(layout, layer.intermediate.dense),
        *_linear(layout, layer.output.dense),
        *_norm(layout, layer.output.LayerNorm),
    ]


def _of_modernbert(module: Any, config: Any, layout: Layout) -> Parts | None:
    body, head = module.model, module.head
    if config.classifier_activation != "gelu":
        return None
    kinds = ("full_attention", "sliding_attention")
    return (
        layout.plain(body.embeddings.tok_embeddings.weight),
        _norm(layout, body.embeddings.norm),
        [_modernbert_layer(layout, layer) for layer in body.layers],
        [kinds.index(kind) for kind in config.layer_types],
        [part for kind in kinds for part in _turns(layout, body.rotary_emb, config, kind)],
        config.sliding_window,
        [
            *_norm(layout, body.final_norm),
            *_head(layout, head.dense),
            *_norm(layout, head.norm),
            *_head(layout, module.classifier),
        ],
        config.num_attention_heads,
        config.norm_eps,
        config.classifier_pooling == "mean",
    )


def _modernbert_layer(layout: Layout, layer: Any) -> list[torch.Tensor]:
    wide, bias = layer.mlp.Wi.weight.chunk(2), _bias(layer.mlp.Wi).chunk(2)
    before = layer.mlp_norm if isinstance(layer.attn_norm, torch.nn.Identity) else layer.attn_norm  # the first has none
    return [
        *_norm(layout, before),
        *_linear(layout, layer.attn.Wqkv),
        *_linear(layout, layer.attn.Wo),
        *_norm(layout, layer.mlp_norm),
        layout.linear(wide[0]),
        layout.plain(bias[0]),
        layout.linear(wide[1]),
        layout.plain(bias[1]),
        *_linear(layout, layer.mlp.Wo),
    ]


def _turns(layout: Layout, rotary: Any, config: Any, kind: str) -> tuple[torch.Tensor, torch.Tensor]:
    """cos and sin of every place, shape (places, 1, size of a head); the first half of sin has its sign turned."""
    places = torch.arange(config.max_position_embeddings)[None]
    cos, sin = rotary(torch.zeros(1), places, kind if kind in config.layer_types else config.layer_types[0])
    low, high = sin[0].chunk(2, -1)
    return layout.plain(cos[0][:, None]), layout.plain(torch.cat((-low, high), -1)[:, None])


def _linear(layout: Layout, *linears: torch.nn.Linear) -> list[torch.Tensor]:
    """Weight and bias of a linear layer, or of several that read the same, as one."""
    weight = torch.cat([linear.weight for linear in linears])
    return [layout.linear(weight), layout.plain(torch.cat([_bias(linear) for linear in linears]))]


def _head(layout: Layout, linear: torch.nn.Linear) -> list[torch.Tensor]:
    return [layout.plain(linear.weight), layout.plain(_bias(linear))]


def _norm(layout: Layout, norm: torch.nn.LayerNorm) -> list[torch.Tensor]:
    return [layout.plain(norm.weight), layout.plain(_bias(norm))]


def _bias(part: torch.nn.Linear | torch.nn.LayerNorm) -> torch.Tensor:
    return torch.zeros(len(part.weight)) if part.bias is None else part.bias


_FAMILIES = {
    "bert": "bert",
    "roberta": "bert",
    "xlm-roberta": "bert",
    "electra": "bert",
    "modernbert": "modernbert",
}
