"""The last layer for the first token alone, where a cross-encoder's head reads nothing else.

Its keys and values still come from every token, so that the answer stays the same to the last digits; query,
output and feed-forward products shrink from the pair's length to one row.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from torch.nn import functional


def last_for_first_token(model: nn.Module) -> None:
    """Change the last layer of a model of BERT's kind, in place. Raises ValueError where there is no such layer."""
    layers = [module for module in model.modules() if isinstance(getattr(getattr(module, "attention", None), "self", None), nn.Module)]
    if not layers:
        raise ValueError("no layer of BERT's kind")
    attention: Any = layers[-1].attention
    attention.self = FirstTokenAttention(attention.self)
    attention.output.register_forward_pre_hook(_first_row)


def _first_row(_module: nn.Module, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    mixed, residual = inputs
    return mixed, residual[:, :1]


class FirstTokenAttention(nn.Module):
    """BERT's attention of which only the first token's row is computed."""

    def __init__(self, whole: Any) -> None:
        super().__init__()
        self._query, self._key, self._value = whole.query, whole.key, whole.value
        self._heads, self._scale = int(whole.num_attention_heads), float(whole.scaling)

    def forward(self, hidden_states: Tensor, attention_mask: Tensor | None = None, **_options: Any) -> tuple[Tensor, None]:
        """Return softmax(q K' scale + mask) V for the first token, shape (batch, 1, width)."""
        query, key, value = (
            product.view(*product.shape[:2], self._heads, -1).transpose(1, 2)
            for product in (self._query(hidden_states[:, :1]), self._key(hidden_states), self._value(hidden_states))
        )
        row = None if attention_mask is None else attention_mask[:, :, :1]
        if row is not None and row.is_floating_point():
            row = row.to(query.dtype)
        mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=row, scale=self._scale)
        return mixed.transpose(1, 2).flatten(2), None
