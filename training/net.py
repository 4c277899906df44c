"""BERT's layers as plain functions of a dictionary of tensors, named as transformers names them.

The same numbers as ``transformers.BertModel`` followed by the first token and a linear head (a test holds
them together), with what training on two cores gains by: no dropout, the last layer only where it is read,
and lower layers that are frozen outside of the graph.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

HEADS = 12
EPSILON = 1e-12
Parameters = dict[str, Tensor]


def embed(p: Parameters, ids: Tensor, types: Tensor) -> Tensor:
    """Return the embedding layer's output, shape (batch, length, width)."""
    places = torch.arange(ids.shape[1], device=ids.device)
    summed = (
        functional.embedding(ids, p["embeddings.word_embeddings.weight"])
        + functional.embedding(types, p["embeddings.token_type_embeddings.weight"])
        + functional.embedding(places, p["embeddings.position_embeddings.weight"])
    )
    return norm(p, "embeddings.LayerNorm", summed)


def norm(p: Parameters, name: str, x: Tensor) -> Tensor:
    """Layer normalisation."""
    return functional.layer_norm(x, x.shape[-1:], p[f"{name}.weight"], p[f"{name}.bias"], EPSILON)


def linear(p: Parameters, name: str, x: Tensor) -> Tensor:
    """A linear layer."""
    return functional.linear(x, p[f"{name}.weight"], p[f"{name}.bias"])


def attention(p: Parameters, name: str, x: Tensor, mask: Tensor, readers: Tensor) -> Tensor:
    """Return what ``readers`` (some rows of ``x``) gather from ``x``; ``mask`` is (batch, 1, 1, length), true where seen."""
    query, key, value = (
        _heads(linear(p, f"{name}.attention.self.{kind}", rows))
        for kind, rows in (("query", readers), ("key", x), ("value", x))
    )
    mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
    return linear(p, f"{name}.attention.output.dense", mixed.transpose(1, 2).flatten(2))


def _heads(x: Tensor) -> Tensor:
    return x.view(*x.shape[:2], HEADS, -1).transpose(1, 2)


def layer(p: Parameters, at: int, x: Tensor, mask: Tensor, first_only: bool = False) -> Tensor:
    """Return the output of layer ``at`` (from 0), of the first token alone if ``first_only``."""
    name = f"encoder.layer.{at}"
    readers = x[:, :1] if first_only else x
    seen = norm(p, f"{name}.attention.output.LayerNorm", readers + attention(p, name, x, mask, readers))
    wide = functional.gelu(linear(p, f"{name}.intermediate.dense", seen))
    return norm(p, f"{name}.output.LayerNorm", seen + linear(p, f"{name}.output.dense", wide))


def layers_of(p: Parameters) -> int:
    """The number of layers."""
    return 1 + max(int(name.split(".")[2]) for name in p if name.startswith("encoder.layer."))


def states(p: Parameters, ids: Tensor, types: Tensor, mask: Tensor, frozen: int = 0) -> Tensor:
    """Return what the last layer reads, shape (batch, length, width). The embeddings and ``frozen`` layers stay out of the graph."""
    seen = mask[:, None, None, :].bool()
    with torch.no_grad():
        x = embed(p, ids, types)
        for at in range(frozen):
            x = layer(p, at, x, seen)
    for at in range(frozen, layers_of(p) - 1):
        x = layer(p, at, x, seen)
    return x


def answer(p: Parameters, x: Tensor, mask: Tensor) -> Tensor:
    """Return one logit for each pair, shape (batch,), from what the last layer reads."""
    read = layer(p, layers_of(p) - 1, x, mask[:, None, None, :].bool(), first_only=True)
    return linear(p, "head", read[:, 0]).squeeze(-1)


def score(p: Parameters, ids: Tensor, types: Tensor, mask: Tensor, frozen: int = 0) -> Tensor:
    """Return one logit for each pair, shape (batch,)."""
    return answer(p, states(p, ids, types, mask, frozen), mask)
