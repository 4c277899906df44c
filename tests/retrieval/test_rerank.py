"""Reranking by hand: the logit of the fake is the share of the words of a text that the query has, times 10, less 5."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import FrozenInstanceError, replace

import pytest

from core.errors import QueryError
from core.indexing.indexer import index
from core.loading.sources import Upload
from core.models.cross_encoder import PairScores
from core.records.search import Hit, SearchResult, Timings
from core.retrieval.search import MOST_HITS, check_pool, rerank, search
from core.util.formatting import rank_change
from core.util.progress import DoneReport
from core.workspace import Workspace
from tests.support.fakes import FakeCrossEncoder

# chunk id and text, in the bi-encoder's order; logits for "red": 0, 5, -5, 5
CANDIDATES = [("c", "red sun"), ("b", "red red"), ("d", "sun sun"), ("a", "red")]


class WithoutSigmoid(FakeCrossEncoder):
    def score(self, pairs: Sequence[tuple[str, str]], progress: DoneReport | None = None) -> PairScores:
        return replace(super().score(pairs, progress), probabilities=None)


def hit(rank: int, chunk_id: str, text: str) -> Hit:
    return Hit(rank, chunk_id, f"{chunk_id}.txt", chunk_id * 32, None, None, 0, len(text), text, 1, 1 / rank, rank)


def result(candidates: Sequence[tuple[str, str]] = CANDIDATES) -> SearchResult:
    hits = tuple(hit(rank, chunk_id, text) for rank, (chunk_id, text) in enumerate(candidates, 1))
    return SearchResult("red", "collection", "fake", "cosine", hits, Timings(1.0, 2.0, 3.0))


def ids(found: SearchResult) -> str:
    return "".join(hit.chunk_id for hit in found.hits)


def test_the_cross_encoders_order_with_ties_by_chunk_id() -> None:
    found = rerank(result(), FakeCrossEncoder())
    assert ids(found) == "abcd"  # a and b share the logit 5; b came first from the bi-encoder
    assert [hit.cross_score for hit in found.hits] == [5, 5, 0, -5]
    assert [hit.cross_probability for hit in found.hits] == pytest.approx([0.993307, 0.993307, 0.5, 0.006693], abs=1e-6)


def test_a_hit_keeps_both_ranks_both_scores_and_knows_how_far_it_moved() -> None:
    found = rerank(result(), FakeCrossEncoder())
    assert [(hit.rank, hit.cross_rank, hit.bi_rank, hit.moved) for hit in found.hits] == [
        (1, 1, 4, 3),
        (2, 2, 2, 0),
        (3, 3, 1, -2),
        (4, 4, 3, -1),
    ]
    assert [hit.bi_score for hit in found.hits] == [1 / 4, 1 / 2, 1, 1 / 3]
    assert [hit.moved for hit in result().hits] == [None] * 4


def test_the_cross_encoder_reads_the_query_with_each_candidate_of_the_pool() -> None:
    reranker = FakeCrossEncoder()
    rerank(result(), reranker, 3)
    assert reranker.read == [("red", "red sun"), ("red", "red red"), ("red", "sun sun")]


@pytest.mark.parametrize(
    ("pool", "order"), [(1, "cbda"), (2, "bcda"), (3, "bcda"), (4, "abcd"), (5, "abcd"), (1000, "abcd")]
)
def test_hits_behind_the_pool_stay_where_they_were(pool: int, order: str) -> None:
    given = result()
    found = rerank(given, FakeCrossEncoder(), pool)
    assert ids(found) == order
    assert [hit.rank for hit in found.hits] == [1, 2, 3, 4]
    assert found.hits[pool:] == given.hits[pool:]
    assert all(hit.cross_rank == hit.rank for hit in found.hits[:pool])
    for behind in found.hits[pool:]:
        assert (behind.cross_score, behind.cross_probability, behind.cross_rank, behind.moved) == (
            None,
            None,
            None,
            None,
        )


@pytest.mark.parametrize(("pool", "read"), [(1, 1), (3, 3), (4, 4), (50, 4)])
def test_the_result_says_which_model_read_how_many(pool: int, read: int) -> None:
    found = rerank(result(), FakeCrossEncoder(), pool)
    assert (found.reranker, found.pool) == ("fake-cross", read)
    assert (result().reranker, result().pool) == ("", 0)


def test_nothing_found_is_nothing_reranked() -> None:
    found = rerank(result([]), FakeCrossEncoder())
    assert (found.hits, found.reranker, found.pool) == ((), "fake-cross", 0)


@pytest.mark.parametrize("pool", [0, -1, 1001])
def test_an_impossible_pool_is_named_before_anything_is_read(pool: int) -> None:
    reranker = FakeCrossEncoder()
    with pytest.raises(QueryError, match=rf"pool of {pool} .*1 to 1,000"):
        rerank(result(), reranker, pool)
    with pytest.raises(QueryError, match=rf"pool of {pool} "):
        check_pool(pool)
    assert reranker.read == []


def test_the_smallest_and_the_largest_pool_are_allowed() -> None:
    check_pool(1)
    check_pool(MOST_HITS)


def test_the_time_of_reranking_is_added_to_the_whole() -> None:
    times = rerank(result(), FakeCrossEncoder()).timings
    assert times.rerank is not None
    assert times.rerank >= 0
    assert (times.encode, times.retrieve) == (1.0, 2.0)
    assert times.total == pytest.approx(3.0 + times.rerank)


def test_a_model_without_a_sigmoid_gives_no_probabilities() -> None:
    found = rerank(result(), WithoutSigmoid())
    assert ids(found) == "abcd"
    assert [hit.cross_score for hit in found.hits] == [5, 5, 0, -5]
    assert [hit.cross_probability for hit in found.hits] == [None] * 4


def test_progress_hears_every_pair() -> None:
    heard: list[int] = []
    rerank(result(), FakeCrossEncoder(), 3, heard.append)
    assert heard == [1, 2, 3]


def test_what_progress_raises_ends_the_work() -> None:
    reranker = FakeCrossEncoder()

    def cancel_after_two(done: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rerank(result(), reranker, 4, cancel_after_two)
    assert len(reranker.read) == 2


def test_the_result_given_is_left_as_it_was() -> None:
    given = result()
    before = deepcopy(given)
    rerank(given, FakeCrossEncoder())
    assert given == before
    with pytest.raises(FrozenInstanceError):
        given.hits[0].rank = 2  # type: ignore[misc]  # frozen: that it raises is tested


def test_the_same_input_gives_the_same_list() -> None:
    alike = [(chunk_id, "red") for chunk_id in "dbeac"]
    assert ids(rerank(result(alike), FakeCrossEncoder())) == "abcde"
    assert ids(rerank(result(alike[::-1]), FakeCrossEncoder())) == "abcde"


def test_json_speaks_of_the_cross_encoder_only_where_one_was_used() -> None:
    plain = result().as_json()
    assert {"reranker", "pool"}.isdisjoint(plain)
    assert set(plain["timings_ms"]) == {"encode", "retrieve", "total"}
    assert all(not key.startswith("cross_") for hit in plain["hits"] for key in hit)

    printed = rerank(result(), FakeCrossEncoder(), 3).as_json()
    assert (printed["reranker"], printed["pool"]) == ("fake-cross", 3)
    assert set(printed["timings_ms"]) == {"encode", "retrieve", "total", "rerank"}
    read, behind = printed["hits"][0], printed["hits"][3]
    assert (read["cross_score"], read["cross_probability"], read["cross_rank"]) == (5, pytest.approx(0.993307), 1)
    assert (behind["cross_score"], behind["cross_probability"], behind["cross_rank"]) == (None, None, None)
    assert set(read) - set(plain["hits"][0]) == {"cross_score", "cross_probability", "cross_rank"}


def test_the_first_hits_of_a_reranked_result_keep_what_is_known_of_it() -> None:
    whole = rerank(result(), FakeCrossEncoder())
    first = whole.top(2)
    assert first == replace(whole, hits=whole.hits[:2])
    assert (ids(first), first.pool, first.reranker) == ("ab", 4, "fake-cross")
    assert whole.top(100) == whole


def test_a_search_is_reranked_by_the_workspaces_own_model(workspace: Workspace) -> None:
    """Cosines with "red green": 1, 1/sqrt(2), 0.5. The fillers are no axis: only the cross-encoder sees them."""
    files = {"exact.txt": b"red green or so they say", "half.txt": b"green", "long.txt": b"red red sun red moon sea"}
    index(workspace, workspace.open_or_create("c"), [Upload(name, data) for name, data in files.items()])
    found = search(workspace, "c", "red green")
    assert [hit.document for hit in found.hits] == ["exact.txt", "half.txt", "long.txt"]

    assert not workspace.models.has_reranker()
    found = rerank(found, workspace.models.reranker())
    assert workspace.models.has_reranker()
    assert [hit.document for hit in found.hits] == ["half.txt", "long.txt", "exact.txt"]
    assert [hit.cross_score for hit in found.hits] == pytest.approx([5, 0, 10 / 3 - 5], abs=1e-6)
    assert [hit.moved for hit in found.hits] == [1, 1, -2]


@pytest.mark.parametrize(
    ("places", "words"), [(None, ""), (0, "same"), (1, "up 1"), (12, "up 12"), (-1, "down 1"), (-30, "down 30")]
)
def test_a_move_in_words(places: int | None, words: str) -> None:
    assert rank_change(places) == words
