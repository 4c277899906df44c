"""Which models are loaded: each once in a process, whoever asks."""

from __future__ import annotations

import threading
from collections.abc import Callable

from core.models.bi_encoder import BiEncoder, SentenceTransformerEncoder
from core.settings import BUILT_IN_MODEL, Settings

Loader = Callable[[str], BiEncoder]


class Catalog:
    """Loads bi-encoders by name and keeps them. ``loader`` is the seam through which tests put fakes."""

    def __init__(self, settings: Settings, loader: Loader | None = None) -> None:
        self._loader = loader or (lambda model: SentenceTransformerEncoder.load(model, settings.precision, settings.device))
        self._loaded: dict[str, BiEncoder] = {}
        self._lock = threading.Lock()

    def get(self, model: str = BUILT_IN_MODEL) -> BiEncoder:
        """Return the bi-encoder ``model``, loading it the first time.

        Raises ModelUnavailable or ModelError where it cannot be loaded.
        """
        from core.models.built_in import is_built_in

        name = BUILT_IN_MODEL if is_built_in(model) else model
        with self._lock:
            if name not in self._loaded:
                self._loaded[name] = self._loader(name)
            return self._loaded[name]
