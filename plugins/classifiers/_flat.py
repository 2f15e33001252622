"""A pass of BERT or ModernBERT over texts that lie behind each other on one axis: token ids in, logits out.

For a GPU. There is no padding: each text has its own attention, and everything else takes tokens one by one. Tokens
behind the last text belong to none; what they turn into is undefined, and nothing reads it. A small batch costs what
its kernels cost to start, so there are few of them: 7 in a layer of BERT. GELU is part of the product before it; on
CUDA that is its tanh approximation (cuBLASLt's epilogue, aten/src/ATen/native/cuda/Blas.cpp), which moves a value by
less than bf16 rounds. All functions can be recorded as a CUDA graph: no shape and no branch depends on a tensor.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import torch
import torch.nn.functional as F  # noqa: N812  # its usual name

Layer: TypeAlias = list[Any]  # tensors; the ADDED ones of ModernBERT may be None

ADDED = (5, 13)  # which of a ModernBERT layer's are biases of products that are added to the state


def bert(
    ids: torch.Tensor,
    places: torch.Tensor,
    bounds: torch.Tensor,
    most: int,
    words: torch.Tensor,
    table: torch.Tensor,
    embedding: list[torch.Tensor],
    layers: list[Layer],
    head: list[torch.Tensor],
    heads: int,
    eps: float,
    tanh: bool,
) -> torch.Tensor:
    """float32 of shape (texts, labels); the last layer asks and answers for the first token of each text only.

    Args:
        ids, places: int32 of shape (tokens,): what stands where in its text.
        bounds: int32 of shape (texts + 1,): where texts begin and end, from 0; a text may be empty.
        most: no text has more tokens.
        words, table: the embeddings of tokens, and of places (with the type of a token).
        layers: as `_flat_weights` makes them; head: the two linear layers, with a tanh or a gelu between them.
    """
    state = F.embedding(ids, words).add_(F.embedding(places, table))
    state = F.layer_norm(state, words.shape[1:], embedding[0], embedding[1], eps)
    for layer in layers[:-1]:
        q, k, v = _split(state, layer[0], layer[1], 3, heads)
        state = _bert_rest(state, attention(q, k, v, bounds, bounds, most, most), layer, eps)
    layer, size = layers[-1], words.size(1)
    first = _firsts(state, bounds)
    (q,) = _split(first, layer[0][:size], layer[1][:size], 1, heads)
    k, v = _split(state, layer[0][size:], layer[1][size:], 2, heads)
    each = torch.arange(len(bounds), dtype=torch.int32, device=bounds.device)
    first = _bert_rest(first, attention(q, k, v, each, bounds, 1, most), layer, eps)
    first = F.linear(first, head[0], head[1])
    return F.linear(torch.tanh(first) if tanh else F.gelu(first), head[2], head[3]).float()


def _split(state: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, parts: int, heads: int) -> list[torch.Tensor]:
    """One product for all; each part of shape (tokens, heads, size of a head)."""
    return [*F.linear(state, weight, bias).view(len(state), parts, heads, -1).unbind(1)]


def _firsts(state: torch.Tensor, bounds: torch.Tensor) -> torch.Tensor:
    """The first token of each text; an empty one at the very end gets the last token, for want of one."""
    return state.index_select(0, bounds[:-1].clamp(max=len(state) - 1))


def _bert_rest(state: torch.Tensor, seen: torch.Tensor, layer: Layer, eps: float) -> torch.Tensor:
    """What follows the attention; products are added to `state` in place, their biases are in it already."""
    own, norm_w, norm_b, wide_w, wide_b, narrow, last_w, last_b = layer[2:]
    size = state.shape[1:]
    state = F.layer_norm(state.addmm_(seen, own.t()), size, norm_w, norm_b, eps)
    wide = torch._addmm_activation(wide_b, state, wide_w.t(), use_gelu=True)
    return F.layer_norm(state.addmm_(wide, narrow.t()), size, last_w, last_b, eps)


def modernbert(
    ids: torch.Tensor,
    places: torch.Tensor,
    bounds: torch.Tensor,
    most: int,
    words: torch.Tensor,
    embedding: list[torch.Tensor],
    layers: list[Layer],
    kinds: list[int],
    turns: list[torch.Tensor],
    window: int,
    head: list[torch.Tensor],
    heads: int,
    eps: float,
    mean: bool,
) -> torch.Tensor:
    """As `bert`; the weights are those of `_passes.modernbert` in plain layout, None for ADDED biases of nothing."""
    size = words.shape[1:]
    around = {kind: [part.index_select(0, places) for part in turns[2 * kind : 2 * kind + 2]] for kind in {*kinds}}
    state = F.layer_norm(F.embedding(ids, words), size, embedding[0], embedding[1], eps)
    for number, (kind, layer) in enumerate(zip(kinds, layers, strict=True)):
        normed = state if number == 0 else F.layer_norm(state, size, layer[0], layer[1], eps)
        q, k, v = _turned(F.linear(normed, layer[2], layer[3]), around[kind], heads)
        seen = attention(q, k, v, bounds, bounds, most, most, window if kind else -1)
        state = _plus(state, seen, layer[4], layer[5])
        normed = F.layer_norm(state, size, layer[6], layer[7], eps)
        wide = torch._addmm_activation(layer[9], normed, layer[8].t(), use_gelu=True)
        wide.mul_(F.linear(normed, layer[10], layer[11]))
        state = _plus(state, wide, layer[12], layer[13])
    state = F.layer_norm(state, size, head[0], head[1], eps)
    pooled = _means(state, bounds) if mean else _firsts(state, bounds)
    pooled = F.layer_norm(F.gelu(F.linear(pooled, head[2], head[3])), size, head[4], head[5], eps)
    return F.linear(pooled, head[6], head[7]).float()


def _plus(state: torch.Tensor, inputs: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
    state = state.addmm_(inputs, weight.t())
    return state if bias is None else state.add_(bias)


def _turned(qkv: torch.Tensor, around: list[torch.Tensor], heads: int) -> tuple[torch.Tensor, ...]:
    """Rotary places: halves of queries and keys are turned against each other (arXiv 2104.09864)."""
    cos, sin = around
    qkv = qkv.view(len(qkv), 3 * heads, -1)
    qk, v = qkv[:, : 2 * heads], qkv[:, 2 * heads :]
    half = qk.size(-1) // 2
    swapped = torch.cat((qk[..., half:], qk[..., :half]), -1)
    qk = (qk * cos).addcmul_(swapped, sin)
    return qk[:, :heads], qk[:, heads:], v


def _means(state: torch.Tensor, bounds: torch.Tensor) -> torch.Tensor:
    """The mean of each text's tokens, summed up in float32; `unsafe` leaves out checks that wait for the device."""
    found = torch.segment_reduce(state.float(), "mean", lengths=bounds.diff(), unsafe=True)
    return found.to(state.dtype)


def attention(
    q: torch.Tensor,
    k: torch.Tensor,
    v: torch.Tensor,
    asking: torch.Tensor,
    seen: torch.Tensor,
    most_asking: int,
    most_seen: int,
    window: int = -1,
) -> torch.Tensor:
    """Each text's tokens see each other, up to `window` tokens to each side (-1: all); shape (tokens, hidden).

    `asking` and `seen` are the texts' bounds in the queries, and in the keys and values. On CUDA it is the kernel below
    torch.nn.attention.varlen, which itself fills one more tensor with zeros at each call. For an empty text it writes
    zeros where it asks (flash_fwd_kernel.h: "actual_seqlen_k == 0").
    """
    if not q.is_cuda:
        return _one_by_one(q, k, v, asking.tolist(), seen.tolist(), window)
    found: torch.Tensor = torch.ops.aten._flash_attention_forward(
        q,
        k,
        v,
        asking,
        seen,
        most_asking,
        most_seen,
        0.0,
        False,
        False,
        window_size_left=window,
        window_size_right=window,
    )[0]
    return found.flatten(1)


def _one_by_one(
    q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, asking: list[int], seen: list[int], window: int
) -> torch.Tensor:
    """The same where there is no such kernel."""
    found = torch.zeros(q.shape, dtype=q.dtype, device=q.device)
    for text in range(len(seen) - 1):
        own, those = slice(*asking[text : text + 2]), slice(*seen[text : text + 2])
        if those.start == those.stop:
            continue
        places = torch.arange(those.stop - those.start)
        near = (places[:, None] - places).abs() <= window if window >= 0 else None
        asked, keys, values = (part.transpose(0, 1) for part in (q[own], k[those], v[those]))
        found[own] = F.scaled_dot_product_attention(asked, keys, values, attn_mask=near).transpose(0, 1)
    return found.flatten(1)
