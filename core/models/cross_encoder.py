"""The cross-encoder: query and text read together, one score for each pair."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from core.errors import ModelError
from core.models._batching import balanced_slice_size, map_length_sorted_slices, tokenize_one_at_a_time
from core.models._finite import check_scores
from core.models.bi_encoder import fast_tokenizer
from core.models.tokenization import PairReading, Reader, TokenCounter, TokenSource
from core.settings import Precision
from core.util.arrays import Float32Array
from core.util.progress import DoneReport

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder as Loaded

BATCH = {"cpu": 8, "mps": 32}  # pairs at once: on a processor small batches stay in its cache
GPU_BATCH = 128


@dataclass(frozen=True)
class PairScores:
    """The scores of pairs, each of shape (pairs,); higher is more relevant.

    ``probabilities`` is None for a model whose own configuration does not end in a sigmoid.
    """

    logits: Float32Array
    probabilities: Float32Array | None


class CrossEncoder(Protocol):
    """What the rest of the engine needs of a cross-encoder; a fake for tests needs no more."""

    model: str
    revision: str
    budget: int  # tokens of query, text and special tokens together that the model reads
    tokens: TokenSource

    def score(self, pairs: Sequence[tuple[str, str]], progress: DoneReport | None = None) -> PairScores:
        """Return the scores of (query, text) pairs, in their order."""
        ...

    def reads(self, query: str, text: str) -> int:
        """Return how many characters of ``text`` are read beside ``query``; what follows changes nothing."""
        ...

    def reads_pair(self, query: str, text: str) -> PairReading:
        """Return how much of both is read together."""
        ...


def finite_scores(
    encoder: CrossEncoder, pairs: Sequence[tuple[str, str]], progress: DoneReport | None = None
) -> PairScores:
    """Return ``encoder.score``. Raises ModelError for a score that is not finite, which would rank first."""
    scores = encoder.score(pairs, progress)
    check_scores(encoder.model, scores.logits, pairs)
    return scores


class SentenceTransformersCrossEncoder:
    """A cross-encoder of sentence-transformers, safe to use from several threads.

    Pairs of like length are computed together, in bfloat16 layers where ``lowered`` is given.
    """

    def __init__(self, loaded: Loaded, model: str, revision: str, lowered: Loaded | None = None) -> None:
        self._loaded = lowered or loaded
        tokenize_one_at_a_time(self._loaded)
        self.model = model
        self.revision = revision
        self.budget = int(self._loaded.max_seq_length or 512)
        tokenizer = fast_tokenizer(loaded, model)
        self.tokens: TokenSource = TokenCounter(tokenizer)
        self._reader = Reader(tokenizer, self.budget)
        self._batch = BATCH.get(loaded.device.type, GPU_BATCH)
        self._on_cpu = loaded.device.type == "cpu"
        self._sigmoid = type(loaded.activation_fn).__name__ == "Sigmoid"

    @classmethod
    def load(cls, model: str, precision: Precision = "auto", device: str = "auto") -> SentenceTransformersCrossEncoder:
        """Load ``model`` (built-in name, folder or hub id).

        Raises ModelUnavailable where it cannot be had, ModelError where it is not a cross-encoder of one score.
        """
        from core.models._acceleration import bfloat16_cross_encoder
        from core.models.devices import choose_device, wants_bfloat16
        from core.models.hub import load_cross_encoder

        place = choose_device(device)
        loaded, revision = load_cross_encoder(model, place)
        _check_head(loaded, model)
        encoder = cls(
            loaded, model, revision, bfloat16_cross_encoder(loaded) if wants_bfloat16(precision, place) else None
        )
        encoder.score([("warm up", "the first call is many times as slow")] * 2 * encoder._batch)
        return encoder

    def score(self, pairs: Sequence[tuple[str, str]], progress: DoneReport | None = None) -> PairScores:
        """Return the scores of (query, text) pairs, in their order; of a pair that is too long the longer text is cut.

        ``progress`` receives how many are done after every batch; what it raises ends the scoring. Raises ModelError
        for a score that is not finite.
        """
        from scipy.special import expit

        logits = np.empty(len(pairs), dtype=np.float32)
        lengths = [len(query) + len(text) for query, text in pairs]
        step = balanced_slice_size(len(pairs), self._batch) if self._on_cpu else self._batch
        for at, found in map_length_sorted_slices(
            lambda at: self._score([pairs[i] for i in at]), lengths, step, self._on_cpu, progress
        ):
            logits[at] = found
        check_scores(self.model, logits, pairs)
        return PairScores(logits, expit(logits) if self._sigmoid else None)

    def reads(self, query: str, text: str) -> int:
        """Return how many characters of ``text`` are read beside ``query``; what follows changes nothing."""
        return self._reader.of_pair(query, text).text

    def reads_pair(self, query: str, text: str) -> PairReading:
        """Return how much of both is read together: of a pair that is too long the longer is cut."""
        return self._reader.of_pair(query, text)

    def _score(self, pairs: list[tuple[str, str]]) -> Float32Array:
        from torch.nn import Identity

        scores = self._loaded.predict(pairs, batch_size=self._batch, show_progress_bar=False, activation_fn=Identity())
        return np.asarray(scores, dtype=np.float32)


def _check_head(loaded: Loaded, model: str) -> None:
    """Raise ModelError unless ``loaded`` has one score, and a head that was trained rather than made up at load."""
    from sentence_transformers.base.modules import Dense

    if loaded.num_labels != 1:
        raise ModelError(
            f"The model {model!r} gives {loaded.num_labels} scores a pair: reranking needs a cross-encoder with one"
        )
    architectures = getattr(loaded.config, "architectures", None) or []
    headed = any(name.endswith(("ForSequenceClassification", "ForCausalLM")) for name in architectures)
    if not headed and not any(isinstance(module, Dense) for module in loaded):
        raise ModelError(
            f"The model {model!r} has no head that scores a pair, so it is no cross-encoder: choose one that is"
        )
