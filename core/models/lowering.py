"""A model's layers into bfloat16, with what must not be rounded kept in float32.

Two ways, tried in turn and each checked against the model's own float32 vector of a probe text, so
that a model of an unforeseen build is slower, never wrong:

1. Only the matrix products compute in bfloat16; what runs from layer to layer stays float32. It halves
   the error of the scores (benchmarks/README.md), and suits encoders of BERT's kind.
2. All layers of the transformer, as ``model.to(bfloat16)`` has it.

Pooling and normalisation are float32 either way: in bfloat16 they alone let the cosine to float32 fall
from .9999 to .998.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from core.models import fast_layers

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

PROBE = "The moon pulls the sea towards it, and so the tide comes in twice a day; 24 hours and 50 minutes later it is back."
LEAST_COSINE = 0.999
Way = Callable[[nn.Module, bool], None]


def lowered(loaded: SentenceTransformer) -> SentenceTransformer:
    """Return a copy of ``loaded`` whose transformer layers compute in bfloat16, in float32 where no way works."""
    from sentence_transformers.sentence_transformer.modules import Transformer

    copy = deepcopy(loaded)
    on_cpu = loaded.device.type == "cpu"
    for module in [module for module in copy.modules() if isinstance(module, Transformer)]:
        module.register_forward_hook(_to_float32)
        _first_that_works(copy, module, on_cpu)
    return copy


def _to_float32(_module: nn.Module, _inputs: Any, features: dict[str, Tensor]) -> dict[str, Tensor]:
    return {**features, "token_embeddings": features["token_embeddings"].float()}


def _first_that_works(loaded: SentenceTransformer, module: Any, on_cpu: bool) -> None:
    original = module.model
    wanted = _probe(loaded)
    for way in (_products_only, _whole):
        module.model = deepcopy(original)
        try:
            way(module.model, on_cpu)
            if float(wanted @ _probe(loaded)) >= LEAST_COSINE:
                return
        except (RuntimeError, TypeError, ValueError, AttributeError):  # this build of model does not go that way
            continue
    module.model = original


def _probe(loaded: SentenceTransformer) -> Any:
    vector = np.asarray(loaded.encode_document(PROBE, show_progress_bar=False), dtype=np.float32)
    return vector / np.linalg.norm(vector)


def _products_only(model: nn.Module, on_cpu: bool) -> None:
    fast_layers.lower_products(model, packed=on_cpu and fast_layers.available())


def _whole(model: nn.Module, _on_cpu: bool) -> None:
    model.to(torch.bfloat16)
