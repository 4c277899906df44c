"""A model's layers into bfloat16, with what must not be rounded kept in float32.

Ways, tried in turn and each checked against the model's own float32 answer to a probe, so that a model
of an unforeseen build is slower, never wrong:

1. Only the matrix products compute in bfloat16; what runs from layer to layer stays float32. It halves
   the error of the scores (benchmarks/README.md), and suits encoders of BERT's kind. For a cross-encoder first
   with the last layer computed for the first token alone, which is all that most heads read.
2. All layers of the transformer, as ``model.to(bfloat16)`` has it.

What follows the transformer (pooling, normalisation, a cross-encoder's head) is float32 either way: in
bfloat16 pooling alone lets a bi-encoder's cosine to float32 fall from .9999 to .998.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from core.util.arrays import Float32Array
from core.vectors.similarity import unit_vectors

ATTENTION = "rankscope_batched"
_EXACT_GELU = ("GELUActivation", "GELU")


def available() -> bool:
    """Whether this build of PyTorch has the oneDNN products that we use."""
    compiled_in = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]  # PyTorch has no types for it
    return bool(compiled_in) and hasattr(torch.ops.mkldnn, "_linear_pointwise")


def lower_products(model: nn.Module, packed: bool, dtype: torch.dtype = torch.bfloat16) -> None:
    """Let every linear layer of a transformers model compute in ``dtype``, in place, for inference only.

    ``packed`` also reorders weights and fuses GELU and attention, on a processor where ``available()``.
    """
    if packed:
        _fuse_gelu(model, dtype)
        _batch_attention(model)
    kind = PackedLinear if packed else LowPrecisionLinear
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


class LowPrecisionLinear(nn.Module):
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


def limit_last_layer_to_first_token(model: nn.Module) -> None:
    """Change the last layer of a model of BERT's kind, in place. Raises ValueError where there is no such layer."""
    layers = [
        module
        for module in model.modules()
        if isinstance(getattr(getattr(module, "attention", None), "self", None), nn.Module)
    ]
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

    def forward(
        self, hidden_states: Tensor, attention_mask: Tensor | None = None, **_options: Any
    ) -> tuple[Tensor, None]:
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


if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder, SentenceTransformer
    from sentence_transformers.base.model import BaseModel

    Loaded = TypeVar("Loaded", bound=BaseModel)


PROBE = (
    "The moon pulls the sea towards it, and so the tide comes in twice a day; 24 hours and 50 minutes later it is back."
)
PROBE_PAIRS = [
    ("What makes the tide?", PROBE),
    ("How long is it from tide to tide?", PROBE),
    ("Who wrote the letter?", PROBE),
    ("What makes the tide?", "Bread rises because yeast turns sugar into gas."),
]
LEAST_COSINE = 0.999
MOST_ERROR = 0.02  # of the range of the probe pairs' logits
Way = Callable[[nn.Module, bool], None]


def bfloat16_bi_encoder(loaded: SentenceTransformer) -> SentenceTransformer:
    """Return a copy of a bi-encoder whose transformer layers compute in bfloat16, in float32 where no way works."""
    return _lowered(
        loaded, _unit_vector, lambda wanted, found: float(wanted @ found) >= LEAST_COSINE, (_products_only, _whole)
    )


def bfloat16_cross_encoder(loaded: CrossEncoder) -> CrossEncoder:
    """Return a copy of a cross-encoder whose transformer layers compute in bfloat16, in float32 where no way works."""

    def agree(wanted: Float32Array, found: Float32Array) -> bool:
        return float(np.abs(wanted - found).max()) <= MOST_ERROR * float(np.ptp(wanted))

    ways: tuple[Way, ...] = (_products_only, _whole)
    return _lowered(loaded, _logits, agree, (_first_token, *ways) if _reads_first_token(loaded) else ways)


def _reads_first_token(loaded: CrossEncoder) -> bool:
    """Return whether no pooling layer takes more than the first token; the probe tests a transformer's own head."""
    from sentence_transformers.sentence_transformer.modules import Pooling

    return all(module.pooling_mode == "cls" for module in loaded.modules() if isinstance(module, Pooling))


def _lowered(
    loaded: Loaded,
    probe: Callable[[Loaded], Float32Array],
    agree: Callable[[Float32Array, Float32Array], bool],
    ways: Sequence[Way],
) -> Loaded:
    from sentence_transformers.base.modules import Transformer

    copy = deepcopy(loaded)
    on_cpu = loaded.device.type == "cpu"
    wanted = probe(loaded)
    for module in [module for module in copy.modules() if isinstance(module, Transformer)]:
        module.register_forward_hook(_to_float32)
        _first_that_works(module, on_cpu, lambda: agree(wanted, probe(copy)), ways)
    return copy


def _to_float32(_module: nn.Module, _inputs: Any, features: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value.float() if isinstance(value, Tensor) and value.is_floating_point() else value
        for name, value in features.items()
    }


def _first_that_works(module: Any, on_cpu: bool, works: Callable[[], bool], ways: Sequence[Way]) -> None:
    original = module.model
    for way in ways:
        module.model = deepcopy(original)
        try:
            way(module.model, on_cpu)
            if works():
                return
        # what a module of an unforeseen build raises when it is called with other parts
        except (RuntimeError, TypeError, ValueError, AttributeError, IndexError):
            continue
    module.model = original


def _unit_vector(loaded: SentenceTransformer) -> Float32Array:
    vector = np.asarray(loaded.encode_document(PROBE, show_progress_bar=False), dtype=np.float32)
    return np.asarray(unit_vectors(vector[None])[0])


def _logits(loaded: CrossEncoder) -> Float32Array:
    return np.asarray(
        loaded.predict(PROBE_PAIRS, show_progress_bar=False, activation_fn=nn.Identity()), dtype=np.float32
    )


def _products_only(model: nn.Module, on_cpu: bool) -> None:
    lower_products(model, packed=on_cpu and available())


def _first_token(model: nn.Module, on_cpu: bool) -> None:
    limit_last_layer_to_first_token(model)
    _products_only(model, on_cpu)


def _whole(model: nn.Module, _on_cpu: bool) -> None:
    model.to(torch.bfloat16)
