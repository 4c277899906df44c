"""What a model computes is finite, or an error names the model and a text."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from core.errors import ModelError
from core.models._finite import check_scores, check_vectors
from core.models.bi_encoder import SentenceTransformerEncoder
from core.models.cross_encoder import PairScores, SentenceTransformersCrossEncoder, finite_scores
from core.settings import BUILT_IN_MODEL, BUILT_IN_RERANKER
from tests.support.fakes import FakeCrossEncoder

PAIRS = [("red", "sun"), ("red", "sea"), ("red", "moon")]


class Spoilt(FakeCrossEncoder):
    """Gives one pair a score that is no number."""

    def __init__(self, value: float) -> None:
        super().__init__()
        self.value = value

    def score(self, pairs: Sequence[tuple[str, str]], progress: Any = None) -> PairScores:
        scores = super().score(pairs, progress)
        scores.logits[1] = self.value
        return scores


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_score_that_is_no_number_is_an_error_that_names_the_model(value: float) -> None:
    with pytest.raises(
        ModelError, match=r"^The cross-encoder 'fake.*' gave no finite score for 1 of 3 pairs, .*'red' .*'sea': choose"
    ):
        finite_scores(Spoilt(value), PAIRS)


def test_vectors_that_are_no_numbers_name_their_text() -> None:
    vectors = np.zeros((3, 4), dtype=np.float32)
    check_vectors("m", vectors, ["a", "b", "c"])  # a vector of zeros is similar to nothing
    check_vectors("m", vectors + np.finfo(np.float32).max, ["a", "b", "c"])
    vectors[1, 2], vectors[2, 3] = np.nan, np.inf
    with pytest.raises(ModelError, match=r"^The bi-encoder 'm' gave no finite vector for 2 of 3 texts, such as 'b': "):
        check_vectors("m", vectors, ["a", "b", "c"])
    check_scores("m", np.zeros(0, dtype=np.float32), [])


def test_models_with_spoilt_weights_are_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = SentenceTransformerEncoder.load(BUILT_IN_MODEL, "float32", "cpu")
    spoilt = SimpleNamespace(
        device=encoder._loaded.device,
        encode_document=lambda texts, **_: np.full((len(texts), encoder.dimension), np.nan),
        encode_query=lambda _, **__: np.full(encoder.dimension, np.inf),
    )
    monkeypatch.setattr(encoder, "_loaded", spoilt)
    monkeypatch.setattr(encoder, "_queries", spoilt)
    with pytest.raises(ModelError, match=r"2 of 2 texts, such as 'one'"):
        encoder.encode_documents(["one", "two"])
    with pytest.raises(ModelError, match=r"such as 'why'"):
        encoder.encode_query("why")
    reranker = SentenceTransformersCrossEncoder.load(BUILT_IN_RERANKER, "float32", "cpu")
    monkeypatch.setattr(reranker, "_score", lambda pairs: np.full(len(pairs), np.nan, dtype=np.float32))
    with pytest.raises(ModelError, match="3 of 3 pairs"):
        reranker.score(PAIRS)
