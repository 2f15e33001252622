"""A pass of BERT or ModernBERT over texts laid end to end (see `_packed`), on a CPU: token ids in, logits out.

The numbers are those of transformers' own modules, in a third of the operations: activations and sums are fused into
the linear layers, whose weights lie as oneDNN wants them. `_encoders` turns the functions below into TorchScript, so
that a whole pass is one call without the interpreter's lock: passes side by side, the event loop and the tokenizer do
not wait for each other. TorchScript reads the annotations, hence no `from __future__ import annotations` here.
"""

import torch
import torch.nn.functional as F  # noqa: N812  # its usual name


def laid_out(
    ids: torch.Tensor, lengths: torch.Tensor, starts: torch.Tensor, rows: int, width: int
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Tokens, their places in their texts, and which text each belongs to (-1: a gap); shape (rows, width)."""
    text = torch.repeat_interleave(lengths)
    positions = torch.arange(ids.size(0)) - (lengths.cumsum(0) - lengths)[text]
    grid = torch.tensor([[0], [0], [-1]]).repeat(1, rows * width)
    grid[:, starts[text] + positions] = torch.stack((ids, positions, text))
    tokens, places, texts = grid.view(3, rows, width).unbind()
    return tokens, places, texts


def _mask(text: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """What is added to the attention's scores, shape (rows, 1, width, width): a token sees its own text only."""
    other = (text[:, :, None] != text[:, None, :])[:, None]
    return torch.zeros_like(other, dtype=like.dtype).masked_fill_(other, -float("inf"))


def bert(
    ids: torch.Tensor,
    lengths: torch.Tensor,
    starts: torch.Tensor,
    rows: int,
    width: int,
    words: torch.Tensor,
    places: torch.Tensor,
    embedding: list[torch.Tensor],
    layers: list[list[torch.Tensor]],
    head: list[torch.Tensor],
    heads: int,
    eps: float,
    tanh: bool,
) -> torch.Tensor:
    """Logits of all texts; ids, lengths, starts, rows and width are those of `Encoder.logits`.

    words and places are the embeddings' tables (the type of a token is in the places); the head has a tanh or a gelu.
    """
    size = [words.size(1)]
    tokens, positions, text = laid_out(ids, lengths, starts, rows, width)
    mask = _mask(text, words)
    state = F.embedding(tokens, words) + F.embedding(positions, places)
    state = F.layer_norm(state, size, embedding[0], embedding[1], eps)
    for layer in layers:
        state = _bert_layer(state, mask, layer, heads, eps)
    first = F.linear(state.flatten(0, 1)[starts], head[0], head[1])
    first = torch.tanh(first) if tanh else F.gelu(first)
    return F.linear(first, head[2], head[3]).float()


def _bert_layer(
    state: torch.Tensor, mask: torch.Tensor, layer: list[torch.Tensor], heads: int, eps: float
) -> torch.Tensor:
    qkv_w, qkv_b, own_w, own_b, norm_w, norm_b, wide_w, wide_b, narrow_w, narrow_b, last_w, last_b = layer
    size = [state.size(-1)]
    qkv = torch.ops.mkldnn._linear_pointwise(state, qkv_w, qkv_b, "none", [], "")
    q, k, v = qkv.unflatten(-1, [3, heads, -1]).permute(2, 0, 3, 1, 4).unbind(0)
    seen = F.scaled_dot_product_attention(q, k, v, attn_mask=mask).transpose(1, 2).flatten(2)
    seen = torch.ops.mkldnn._linear_pointwise(seen, state, own_w, own_b, "add")
    state = F.layer_norm(seen, size, norm_w, norm_b, eps)
    wide = torch.ops.mkldnn._linear_pointwise(state, wide_w, wide_b, "gelu", [], "none")
    wide = torch.ops.mkldnn._linear_pointwise(wide, state, narrow_w, narrow_b, "add")
    return F.layer_norm(wide, size, last_w, last_b, eps)


def modernbert(
    ids: torch.Tensor,
    lengths: torch.Tensor,
    starts: torch.Tensor,
    rows: int,
    width: int,
    words: torch.Tensor,
    embedding: list[torch.Tensor],
    layers: list[list[torch.Tensor]],
    kinds: list[int],
    turns: list[torch.Tensor],
    window: int,
    head: list[torch.Tensor],
    heads: int,
    eps: float,
    mean: bool,
) -> torch.Tensor:
    """As `bert`; layers of kind 0 see the whole text, those of kind 1 `window` tokens to each side.

    A layer's tensors are weight and bias of: norm, queries with keys and values, attention's output, norm, the two wide
    layers, the narrow one. turns are cos and sin of all places for both kinds; the head reads the mean of a text's
    tokens, or its first.
    """
    size = [words.size(1)]
    tokens, positions, text = laid_out(ids, lengths, starts, rows, width)
    everywhere = _mask(text, words)
    far = (positions[:, :, None] - positions[:, None, :]).abs() > window
    masks = [everywhere, everywhere.masked_fill(far[:, None], -float("inf"))]
    cos = [turns[0][positions], turns[2][positions]]
    sin = [turns[1][positions], turns[3][positions]]
    state = F.layer_norm(F.embedding(tokens, words), size, embedding[0], embedding[1], eps)
    for number, layer in enumerate(layers):
        kind = kinds[number]
        normed = state if number == 0 else F.layer_norm(state, size, layer[0], layer[1], eps)
        seen = _turned_attention(normed, masks[kind], cos[kind], sin[kind], layer, heads)
        state = torch.ops.mkldnn._linear_pointwise(seen, state, layer[4], layer[5], "add")
        state = _gated(F.layer_norm(state, size, layer[6], layer[7], eps), state, layer)
    state = F.layer_norm(state, size, head[0], head[1], eps).flatten(0, 1)
    if mean:
        own = text.flatten() == torch.arange(starts.size(0))[:, None]
        pooled = own.to(state.dtype) @ state / lengths[:, None].to(state.dtype)
    else:
        pooled = state[starts]
    pooled = F.layer_norm(F.gelu(F.linear(pooled, head[2], head[3])), size, head[4], head[5], eps)
    return F.linear(pooled, head[6], head[7]).float()


def _turned_attention(
    normed: torch.Tensor,
    mask: torch.Tensor,
    cos: torch.Tensor,
    sin: torch.Tensor,
    layer: list[torch.Tensor],
    heads: int,
) -> torch.Tensor:
    """Attention with rotary places: halves of queries and keys are turned against each other (arXiv 2104.09864)."""
    qkv = torch.ops.mkldnn._linear_pointwise(normed, layer[2], layer[3], "none", [], "").unflatten(-1, [3 * heads, -1])
    qk = qkv[:, :, : 2 * heads]
    half = qk.size(-1) // 2
    swapped = torch.cat((qk[..., half:], qk[..., :half]), -1)
    qk = torch.addcmul(qk * cos, swapped, sin).transpose(1, 2)
    v = qkv[:, :, 2 * heads :].transpose(1, 2)
    seen = F.scaled_dot_product_attention(qk[:, :heads], qk[:, heads:], v, attn_mask=mask)
    return seen.transpose(1, 2).flatten(2)


def _gated(normed: torch.Tensor, state: torch.Tensor, layer: list[torch.Tensor]) -> torch.Tensor:
    """`state` and what the two wide layers add to it, one of them through a gelu."""
    wide = torch.ops.mkldnn._linear_pointwise(normed, layer[8], layer[9], "gelu", [], "none")
    wide = torch.ops.mkldnn._linear_pointwise(normed, wide, layer[10], layer[11], "mul")
    found: torch.Tensor = torch.ops.mkldnn._linear_pointwise(wide, state, layer[12], layer[13], "add")
    return found
