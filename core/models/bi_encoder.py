"""The bi-encoder: queries and documents into vectors, apart from one another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from core.errors import ModelError
from core.models._batching import map_length_sorted_slices, tokenize_one_at_a_time
from core.models._finite import check_vectors
from core.models.tokenization import Reader, TokenCounter, TokenSource
from core.settings import Precision
from core.util.arrays import Float32Array
from core.util.progress import DoneReport

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.base.model import BaseModel

BATCH = {"cpu": 8, "mps": 32}  # texts at once: on a processor small batches stay in its cache
GPU_BATCH = 128
SLICE = 4  # batches between two looks at progress, Cancel and waiting queries
UNLIMITED = 8192  # tokens, for models that state no limit


class BiEncoder(Protocol):
    """What the rest of the engine needs of a bi-encoder; a fake for tests needs no more."""

    model: str
    revision: str
    dimension: int
    budget: int  # tokens of a document that the model reads, special and prompt tokens taken off
    query_budget: int  # the same of a query
    query_prompt: str
    document_prompt: str
    tokens: TokenSource

    def encode_query(self, query: str) -> Float32Array:
        """Return the query's vector, shape (dimension,)."""
        ...

    def encode_documents(self, texts: Sequence[str], progress: DoneReport | None = None) -> Float32Array:
        """Return one vector for each text, shape (texts, dimension)."""
        ...

    def reads(self, text: str) -> int:
        """Return how many characters of a document's text are read; what follows changes nothing."""
        ...

    def reads_query(self, query: str) -> int:
        """Return how many characters of a query are read; what follows changes nothing."""
        ...


class SentenceTransformerEncoder:
    """A sentence-transformers model as a BiEncoder, safe to use from several threads.

    ``lowered`` is a faster copy in lower precision, for documents. Queries stay in float32 on a processor:
    one short text costs little there, and half of the error of every score goes.
    """

    def __init__(
        self, loaded: SentenceTransformer, model: str, revision: str, lowered: SentenceTransformer | None = None
    ) -> None:
        self._loaded = lowered or loaded
        self._queries = loaded if loaded.device.type == "cpu" else self._loaded
        for used in {self._loaded, self._queries}:
            tokenize_one_at_a_time(used)
        self.model = model
        self.revision = revision
        self.dimension = _dimension(loaded, model)
        tokenizer = fast_tokenizer(loaded, model)
        counter = TokenCounter(tokenizer)
        self.tokens: TokenSource = counter
        self.query_prompt = _prompt(loaded, "query")
        self.document_prompt = _prompt(loaded, "document", "passage", "corpus")
        limit = int(loaded.get_max_seq_length() or UNLIMITED)
        document_tokens, query_tokens = counter.count([self.document_prompt, self.query_prompt]).tolist()
        self.budget = limit - counter.special - document_tokens
        self.query_budget = limit - counter.special - query_tokens
        self._reader = Reader(tokenizer, limit)
        self._batch = BATCH.get(loaded.device.type, GPU_BATCH)

    @classmethod
    def load(cls, model: str, precision: Precision = "auto", device: str = "auto") -> SentenceTransformerEncoder:
        """Load ``model`` (built-in name, folder or hub id).

        Raises ModelUnavailable where it cannot be had, ModelError where it cannot be used.
        """
        from core.models._acceleration import bfloat16_bi_encoder
        from core.models.devices import choose_device, wants_bfloat16
        from core.models.hub import load_sentence_transformer

        place = choose_device(device)
        loaded, revision = load_sentence_transformer(model, place)
        encoder = cls(
            loaded, model, revision, bfloat16_bi_encoder(loaded) if wants_bfloat16(precision, place) else None
        )
        encoder.encode_query("warm up")  # the first call is many times as slow, and would be shown as a query's time
        return encoder

    def encode_query(self, query: str) -> Float32Array:
        """Return the query's vector, float32, shape (dimension,). Raises ModelError where it is not finite."""
        vector = np.asarray(self._queries.encode_query(query, show_progress_bar=False), dtype=np.float32)
        check_vectors(self.model, vector[None], [query])
        return vector

    def encode_documents(self, texts: Sequence[str], progress: DoneReport | None = None) -> Float32Array:
        """Return float32 vectors, shape (texts, dimension), in the order of ``texts``.

        Texts of like length are encoded together. ``progress`` receives how many are done after every
        few batches; what it raises ends the encoding. Raises ModelError for a vector that is not finite.
        """
        vectors = np.empty((len(texts), self.dimension), dtype=np.float32)
        lengths, on_cpu = [len(text) for text in texts], self._loaded.device.type == "cpu"
        for at, found in map_length_sorted_slices(
            lambda at: self._encode([texts[i] for i in at]), lengths, self._batch * SLICE, on_cpu, progress
        ):
            vectors[at] = found
        check_vectors(self.model, vectors, texts)
        return vectors

    def reads(self, text: str) -> int:
        """Return how many characters of a document's text are read; what follows changes nothing."""
        return self._reader.of_text(text, self.document_prompt)

    def reads_query(self, query: str) -> int:
        """Return how many characters of a query are read; what follows changes nothing."""
        return self._reader.of_text(query, self.query_prompt)

    def _encode(self, texts: list[str]) -> Float32Array:
        encoded = self._loaded.encode_document(texts, batch_size=self._batch, show_progress_bar=False)
        return np.asarray(encoded, dtype=np.float32)


def _dimension(loaded: SentenceTransformer, model: str) -> int:
    dimension = loaded.get_embedding_dimension()
    if not dimension:
        raise ModelError(
            f"The model {model!r} does not say how long its vectors are: it cannot be used as a bi-encoder"
        )
    return int(dimension)


def fast_tokenizer(loaded: BaseModel, model: str) -> Any:
    """Return a model's tokenizer. Raises ModelError for one that does not say where its tokens stand."""
    from tokenizers import Tokenizer

    tokenizer: Any = loaded.tokenizer
    fast = tokenizer if isinstance(tokenizer, Tokenizer) else getattr(tokenizer, "backend_tokenizer", None)
    if not isinstance(fast, Tokenizer):
        raise ModelError(
            f"The model {model!r} has no fast tokenizer, without which chunks cannot be cut exactly: choose another"
        )
    return fast


def _prompt(loaded: SentenceTransformer, *names: str) -> str:
    """The prompt that encode_query or encode_document puts before a text."""
    return next((loaded.prompts[name] for name in names if name in loaded.prompts), "") or ""
