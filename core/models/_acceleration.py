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
import numpy.typing as npt
import torch
from torch import Tensor, nn

from core.models import _part_models_fast_layers as fast_layers
from core.models._part_models_first_token import last_for_first_token

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder, SentenceTransformer
    from sentence_transformers.base.model import BaseModel

    Loaded = TypeVar("Loaded", bound=BaseModel)

PROBE = "The moon pulls the sea towards it, and so the tide comes in twice a day; 24 hours and 50 minutes later it is back."
PROBE_PAIRS = [
    ("What makes the tide?", PROBE),
    ("How long is it from tide to tide?", PROBE),
    ("Who wrote the letter?", PROBE),
    ("What makes the tide?", "Bread rises because yeast turns sugar into gas."),
]
LEAST_COSINE = 0.999
MOST_ERROR = 0.02  # of the range of the probe pairs' logits
Answer = npt.NDArray[np.float32]
Way = Callable[[nn.Module, bool], None]


def lowered(loaded: SentenceTransformer) -> SentenceTransformer:
    """Return a copy of a bi-encoder whose transformer layers compute in bfloat16, in float32 where no way works."""
    return _lowered(loaded, _unit_vector, lambda wanted, found: float(wanted @ found) >= LEAST_COSINE, (_products_only, _whole))


def lowered_cross_encoder(loaded: CrossEncoder) -> CrossEncoder:
    """Return a copy of a cross-encoder whose transformer layers compute in bfloat16, in float32 where no way works."""

    def agree(wanted: Answer, found: Answer) -> bool:
        return float(np.abs(wanted - found).max()) <= MOST_ERROR * float(np.ptp(wanted))

    ways: tuple[Way, ...] = (_products_only, _whole)
    return _lowered(loaded, _logits, agree, (_first_token, *ways) if _reads_first_token(loaded) else ways)


def _reads_first_token(loaded: CrossEncoder) -> bool:
    """Whether the head takes the first token alone: no pooling but that one; what a transformer's own head takes, the probe shows."""
    from sentence_transformers.sentence_transformer.modules import Pooling

    return all(module.pooling_mode == "cls" for module in loaded.modules() if isinstance(module, Pooling))


def _lowered(loaded: Loaded, probe: Callable[[Loaded], Answer], agree: Callable[[Answer, Answer], bool], ways: Sequence[Way]) -> Loaded:
    from sentence_transformers.base.modules import Transformer

    copy = deepcopy(loaded)
    on_cpu = loaded.device.type == "cpu"
    wanted = probe(loaded)
    for module in [module for module in copy.modules() if isinstance(module, Transformer)]:
        module.register_forward_hook(_to_float32)
        _first_that_works(module, on_cpu, lambda: agree(wanted, probe(copy)), ways)
    return copy


def _to_float32(_module: nn.Module, _inputs: Any, features: dict[str, Any]) -> dict[str, Any]:
    return {name: value.float() if isinstance(value, Tensor) and value.is_floating_point() else value for name, value in features.items()}


def _first_that_works(module: Any, on_cpu: bool, works: Callable[[], bool], ways: Sequence[Way]) -> None:
    original = module.model
    for way in ways:
        module.model = deepcopy(original)
        try:
            way(module.model, on_cpu)
            if works():
                return
        except (RuntimeError, TypeError, ValueError, AttributeError, IndexError):  # this build of model does not go that way
            continue
    module.model = original


def _unit_vector(loaded: SentenceTransformer) -> Answer:
    vector = np.asarray(loaded.encode_document(PROBE, show_progress_bar=False), dtype=np.float32)
    return vector / np.linalg.norm(vector)


def _logits(loaded: CrossEncoder) -> Answer:
    return np.asarray(loaded.predict(PROBE_PAIRS, show_progress_bar=False, activation_fn=nn.Identity()), dtype=np.float32)


def _products_only(model: nn.Module, on_cpu: bool) -> None:
    fast_layers.lower_products(model, packed=on_cpu and fast_layers.available())


def _first_token(model: nn.Module, on_cpu: bool) -> None:
    last_for_first_token(model)
    _products_only(model, on_cpu)


def _whole(model: nn.Module, _on_cpu: bool) -> None:
    model.to(torch.bfloat16)
