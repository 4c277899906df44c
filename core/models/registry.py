"""Which models are loaded: each once in a process, whoever asks."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from core.models.bi_encoder import BiEncoder, SentenceTransformerEncoder
from core.models.cross_encoder import CrossEncoder, SentenceTransformersCrossEncoder
from core.settings import BUILT_IN_MODEL, Settings

Model = TypeVar("Model")
Loader = Callable[[str], BiEncoder]
RerankerLoader = Callable[[str], CrossEncoder]


class _Loaded(Generic[Model]):
    """Models of one kind, by name."""

    def __init__(self, loader: Callable[[str], Model]) -> None:
        self._loader = loader
        self._models: dict[str, Model] = {}
        self._lock = threading.Lock()

    def __contains__(self, name: str) -> bool:
        return name in self._models

    def get(self, name: str) -> Model:
        with self._lock:
            if name not in self._models:
                self._models[name] = self._loader(name)
            return self._models[name]


class ModelRegistry:
    """Loads models by name and keeps them. The loaders are the seam through which tests put fakes."""

    def __init__(
        self, settings: Settings, loader: Loader | None = None, reranker_loader: RerankerLoader | None = None
    ) -> None:
        precision, device = settings.precision, settings.device
        self._encoders = _Loaded(loader or (lambda model: SentenceTransformerEncoder.load(model, precision, device)))
        self._rerankers = _Loaded(
            reranker_loader or (lambda model: SentenceTransformersCrossEncoder.load(model, precision, device))
        )
        self._reranker = settings.reranker

    def get(self, model: str = BUILT_IN_MODEL) -> BiEncoder:
        """Return the bi-encoder ``model``, loading it the first time.

        Raises ModelUnavailable or ModelError where it cannot be loaded.
        """
        from core.models.hub import is_built_in

        return self._encoders.get(BUILT_IN_MODEL if is_built_in(model) else model)

    def reranker(self, model: str = "") -> CrossEncoder:
        """Return the cross-encoder ``model``, the settings' own if empty, loading it the first time.

        Raises ModelUnavailable or ModelError where it cannot be loaded.
        """
        return self._rerankers.get(model or self._reranker)

    def has_reranker(self, model: str = "") -> bool:
        """Whether that cross-encoder is loaded already, so that a page need not speak of loading."""
        return (model or self._reranker) in self._rerankers
