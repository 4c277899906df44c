"""The same layers, faster where bfloat16 is native.

On a processor three things are left on the table for encoders of BERT's kind (benchmarks/README.md has
the figures): weights reordered once for oneDNN instead of at every call, GELU computed inside the matrix
product that feeds it, and attention as two plain batched products, which beats the fused kernel at the
short lengths and small heads of sentence encoders.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

ATTENTION = "rankscope_batched"
_EXACT_GELU = ("GELUActivation", "GELU")


def available() -> bool:
    """Whether this build of PyTorch has the oneDNN products that we use."""
    return torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_linear_pointwise")  # type: ignore[no-untyped-call]


def lower_products(model: nn.Module, packed: bool, dtype: torch.dtype = torch.bfloat16) -> None:
    """Let every linear layer of a transformers model compute in ``dtype``, in place, for inference only.

    ``packed`` also reorders weights and fuses GELU and attention, on a processor where ``available()``.
    """
    if packed:
        _fuse_gelu(model, dtype)
        _batch_attention(model)
    kind = PackedLinear if packed else LowLinear
    for module in list(model.modules()):
        for name, child in list(module.named_children()):
            if type(child) is nn.Linear:
                setattr(module, name, kind(child, dtype))


def _fuse_gelu(model: nn.Module, dtype: torch.dtype) -> None:
    for module in list(model.modules()):
        dense, activation = getattr(module, "dense", None), getattr(module, "intermediate_act_fn", None)
        exact = type(activation).__name__ in _EXACT_GELU and getattr(activation, "approximate", "none") == "none"
        if isinstance(dense, nn.Linear) and exact:
            module.dense = PackedLinear(dense, dtype, gelu=True)
            module.intermediate_act_fn = nn.Identity()


class LowLinear(nn.Module):
    """``x W' + b`` computed in another type, whatever type ``x`` has."""

    def __init__(self, linear: nn.Linear, dtype: torch.dtype) -> None:
        super().__init__()
        self._low = nn.Linear(linear.in_features, linear.out_features, linear.bias is not None, "meta")
        self._low.load_state_dict(linear.state_dict(), assign=True)
        self._low.to(dtype)
        self._dtype = dtype

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the product, shape (..., out_features)."""
        product: Tensor = self._low(inputs.to(self._dtype))
        return product


class PackedLinear(nn.Module):
    """The same with W in oneDNN's own order, followed by the exact GELU if asked for."""

    def __init__(self, linear: nn.Linear, dtype: torch.dtype, gelu: bool = False) -> None:
        super().__init__()
        self._weight = torch.ops.mkldnn._reorder_linear_weight(linear.weight.detach().to(dtype).contiguous(), None)
        self._bias = None if linear.bias is None else linear.bias.detach().to(dtype)
        self._post: tuple[str, list[float], str] = ("gelu", [], "none") if gelu else ("none", [], "")
        self._dtype = dtype

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the product, shape (..., out_features)."""
        low = inputs.to(self._dtype)
        product: Tensor = torch.ops.mkldnn._linear_pointwise(low, self._weight, self._bias, *self._post)
        return product


def _batch_attention(model: nn.Module) -> None:
    """Let a model that chooses its attention by name use ours."""
    from transformers import AttentionInterface, PreTrainedModel
    from transformers.masking_utils import AttentionMaskInterface, eager_mask

    if isinstance(model, PreTrainedModel) and model.config._attn_implementation == "sdpa":
        AttentionInterface.register(ATTENTION, batched_attention)
        AttentionMaskInterface.register(ATTENTION, eager_mask)
        model.set_attn_implementation(ATTENTION)


def batched_attention(
    _module: nn.Module, query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor | None, **options: Any
) -> tuple[Tensor, None]:
    """Return softmax(Q K' scale + mask) V, shape (batch, length, heads, head size).

    Vaswani et al., Attention Is All You Need, 2017, equation 1. Q, K and V have the shape (batch, heads,
    length, head size); the mask is added, 0 where a position is seen.
    """
    batch, heads, length, size = query.shape
    scale = options.get("scaling") or size**-0.5
    rows = batch * heads
    scores = torch.bmm((query * scale).reshape(rows, length, size), key.reshape(rows, -1, size).transpose(1, 2))
    if attention_mask is not None:
        scores.view(batch, heads, length, -1).add_(attention_mask)
    mixed = torch.bmm(scores.softmax(-1), value.reshape(rows, -1, size))
    return mixed.view(batch, heads, length, size).transpose(1, 2), None
