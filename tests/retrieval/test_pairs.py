"""Both models' scores of pairs of sentences, by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import exp, sqrt

import pytest

from core.models.cross_encoder import PairScores
from core.retrieval.comparison import PairScore, score_pairs
from core.util.progress import DoneReport
from tests.support.fakes import FakeCrossEncoder, FakeEncoder


class WithoutSigmoid(FakeCrossEncoder):
    def score(self, pairs: Sequence[tuple[str, str]], progress: DoneReport | None = None) -> PairScores:
        return replace(super().score(pairs, progress), probabilities=None)


TRIPLES = [
    ("red", "red red", "red green"),  # cosines 1 (length does not count) and 1/sqrt(2); logits 5 and 0
    ("red sun", "sea", "red sun stone stone"),  # cosines 0 and 2 / (sqrt(2) sqrt(6)); logits -5 and 0
    ("red", "red green blue sun", "sea red red"),  # cosines 1/2 and 2/sqrt(5); logits -2.5 and 1.667
]


def test_both_models_score_a_pair() -> None:
    encoder, reranker = FakeEncoder(), FakeCrossEncoder()
    found = score_pairs(encoder, reranker, TRIPLES)
    assert [score.cosine for score in found] == [
        pytest.approx(pair) for pair in [(1, 1 / sqrt(2)), (0, 1 / sqrt(3)), (1 / 2, 2 / sqrt(5))]
    ]
    assert [score.logit for score in found] == [
        pytest.approx(pair, abs=1e-5) for pair in [(5, 0), (-5, 0), (-2.5, 5 / 3)]
    ]
    assert [score.probability for score in found] == [
        pytest.approx((1 / (1 + exp(-one)), 1 / (1 + exp(-two)))) for one, two in [(5, 0), (-5, 0), (-2.5, 5 / 3)]
    ]
    assert [(score.bi_prefers_first, score.cross_prefers_first) for score in found] == [
        (True, True),
        (False, False),
        (False, False),
    ]
    assert reranker.read == [(query, text) for query, *texts in TRIPLES for text in texts]
    assert encoder.encoded == [text for _, *texts in TRIPLES for text in texts]


def test_the_models_may_prefer_different_texts() -> None:
    (score,) = score_pairs(FakeEncoder(), FakeCrossEncoder(), [("red sun moon", "red sun moon sea", "red")])
    assert score.cosine == pytest.approx((3 / sqrt(12), 1 / sqrt(3)))
    assert score.logit == pytest.approx((2.5, 5))
    assert (score.bi_prefers_first, score.cross_prefers_first) == (True, False)


def test_a_model_without_a_sigmoid_gives_pairs_no_probability() -> None:
    (score,) = score_pairs(FakeEncoder(), WithoutSigmoid(), TRIPLES[:1])
    assert score == PairScore(pytest.approx((1, 1 / sqrt(2))), (5, 0), None)  # type: ignore[arg-type]  # approx compares as a tuple


def test_no_pairs_are_not_scored() -> None:
    encoder, reranker = FakeEncoder(), FakeCrossEncoder()
    assert score_pairs(encoder, reranker, []) == []
    assert (encoder.encoded, reranker.read) == ([], [])
