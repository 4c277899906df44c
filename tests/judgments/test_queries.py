"""The judged queries of a collection, and how judgments made under one chunking count under others."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest

from core.chunking.chunker import chunk_document
from core.errors import DataError
from core.evaluation.metrics import ndcg
from core.exchange.copying import copy_collection
from core.indexing.indexer import index
from core.judgments.queries import default_split, judged_queries_for, spans_for, splits_for
from core.judgments.relevance import JudgedQueries, JudgedSpan, counts_as, grade, matches
from core.loading.sources import Upload
from core.records.document import Document
from core.records.judgments import Judgment, query_id_of
from core.records.search import Chunk, ChunkSettings, CollectionOptions
from core.retrieval.search import search
from core.samples import library as samples
from core.workspace import Workspace
from tests.support.fakes import WordTokens

# ---- one rule


def at(start: int, end: int, document: str = "d", given: int = 3) -> JudgedSpan:
    return JudgedSpan(document, document, start, end, given)


@pytest.mark.parametrize(
    ("chunk", "span", "counts"),
    [
        ((0, 100), (0, 100), True),
        ((0, 100), (90, 110), True),  # half of the span
        ((0, 100), (92, 112), False),  # 8 of 20
        ((0, 100), (91, 111), True),  # 9 of 20: half, but for white space where two chunks part
        ((40, 60), (0, 1000), True),  # in a judged page
        ((990, 1010), (0, 1000), True),  # half of the chunk in it
        ((992, 1012), (0, 1000), False),
        ((100, 200), (0, 100), False),  # side by side
        ((0, 200), (80, 280), True),  # 120 of 200
        ((0, 200), (160, 360), False),  # neighbours that share a fifth
    ],
)
def test_a_chunk_counts_as_a_span_if_they_share_half_of_the_shorter(
    chunk: tuple[int, int], span: tuple[int, int], counts: bool
) -> None:
    assert counts_as(at(*chunk), at(*span)) is counts
    assert counts_as(at(*span), at(*chunk)) is counts
    assert not counts_as(at(*chunk), at(*span, document="other"))


def test_the_highest_grade_over_a_chunks_text_counts() -> None:
    judged = [at(0, 10, given=1), at(5, 15, given=3), at(12, 20, given=0), at(50, 60, given=2)]
    assert matches(at(0, 20), judged) == [0, 1, 2]
    assert (grade(at(0, 20), judged), grade(at(16, 20), judged), grade(at(30, 40), judged)) == (3, 0, None)


def test_a_grade_below_0_gains_nothing() -> None:
    # 1 / log2(3)
    assert ndcg([at(0, 10), at(20, 30)], [at(0, 10, given=-2), at(20, 30, given=1)]) == pytest.approx(0.6309, abs=1e-4)


# ---- none lost


WORDS = (
    "One two three four five six. Seven eight nine ten eleven twelve.\n\n"
    "Thirteen fourteen fifteen sixteen. Seventeen eighteen nineteen twenty."
)
CUTS = [
    ChunkSettings(8, 0),
    ChunkSettings(12, 4),
    ChunkSettings(20, 0, "tokens"),
    ChunkSettings(16, 5, "sentences"),
]


def cut(settings: ChunkSettings, text: str = WORDS) -> list[Chunk]:
    return chunk_document(Document("a.txt", text), settings, WordTokens())


def judge(chunk: Chunk, given: int) -> JudgedSpan:
    return JudgedSpan(chunk.document_id, "a.txt", chunk.start, chunk.end, given)


def test_judgments_on_chunks_of_one_size_by_hand_on_others() -> None:
    """Chunks of 20 characters are judged; no chunk of 28 from 6 on, of 50 or of 7 is one of them."""
    document = "d"
    spans = [at(20, 40, document, 3), at(60, 80, document, 1)]

    def grades(chunks: Sequence[tuple[int, int]]) -> list[int | None]:
        return [grade(at(start, end, document), spans) for start, end in chunks]

    assert grades([(0, 50), (50, 100)]) == [3, 1]
    assert grades([(0, 6), (6, 34), (34, 62), (62, 90)]) == [None, 3, None, 1]  # 14 of 20 in the second, 18 in the last
    small = [(start, start + 7) for start in range(0, 98, 7)]
    held = [span for span, given in zip(small, grades(small), strict=True) if given == 3]
    assert held == [(21, 28), (28, 35), (35, 42)]  # (35, 42) has 5 of its 7 characters in the span, (14, 21) has 1
    # (56, 63) and (77, 84) have 3 of 7
    assert [span for span, given in zip(small, grades(small), strict=True) if given == 1] == [(63, 70), (70, 77)]


def test_no_judgment_is_lost_under_another_chunking() -> None:
    for judged_under in CUTS:
        for number, chunk in enumerate(cut(judged_under)):
            span = judge(chunk, number % 4)
            for scored_under in CUTS:
                assert any(counts_as(other, span) for other in cut(scored_under)), (judged_under, scored_under, chunk)


@pytest.mark.parametrize("gap", [" ", "\n", "\n\n", "\n\n\n"])
@pytest.mark.parametrize("length", [40, 41, 200])
def test_a_span_that_is_parted_in_its_middle_counts_for_one_half(gap: str, length: int) -> None:
    """Two chunks meet in the middle of a judged span, with white space between them that is in neither."""
    middle = length // 2
    left, right = at(-500, middle - len(gap) // 2), at(middle - len(gap) // 2 + len(gap), length + 500)
    assert counts_as(left, at(0, length)) or counts_as(right, at(0, length))


def test_the_chunks_of_these_chunkings_cover_all_but_white_space() -> None:
    for settings in CUTS:
        chunks = cut(settings)
        assert all(not WORDS[one.end : other.start].strip() for one, other in pairwise(chunks))
        assert len(chunks) > 1


# ---- queries and splits


@pytest.fixture
def three(workspace: Workspace) -> tuple[Workspace, list[str]]:
    """A document and its ids under two ways to cut, and another document."""
    index(
        workspace,
        workspace.create("coarse", CollectionOptions(size=60, overlap=0)),
        [Upload("a.txt", WORDS.encode()), Upload("b.txt", b"blue sea")],
    )
    copy_collection(workspace, "coarse", "fine", CollectionOptions(size=8, overlap=0))
    return workspace, [document.document_id for document in workspace.documents(workspace.store.collection("coarse"))]


def test_judgments_hold_in_every_collection_with_the_documents(three: tuple[Workspace, list[str]]) -> None:
    workspace, (a, b) = three
    coarse, fine = (workspace.store.collection(name) for name in ("coarse", "fine"))
    for hit in search(workspace, "fine", "red?", 3).hits:
        workspace.judgments.judge("red?", hit.document_id, hit.start, hit.end, 2)
    ours, theirs = judged_queries_for(workspace, fine), judged_queries_for(workspace, coarse)
    assert ours == theirs
    assert ours.split == "judged"
    assert (ours.queries, ours.judgments, ours.per_document) == ({query_id_of("red?"): "red?"}, 3, False)
    assert list(spans_for(workspace, fine, " RED?")) == ours.spans[query_id_of("red?")]
    assert spans_for(workspace, fine, "blue?") == ()
    assert {span.document for span in ours.spans[query_id_of("red?")]} <= {"a.txt", "b.txt"}
    assert all(
        grade(hit, spans_for(workspace, coarse, "red?")) == 2
        for hit in search(workspace, "coarse", "red?", 10).hits
        if hit.document_id == a
    )
    workspace.delete_documents(fine, [a])
    assert all(span.document_id == b for span in spans_for(workspace, fine, "red?"))


def test_splits_and_all_of_them_together(three: tuple[Workspace, list[str]]) -> None:
    workspace, (a, b) = three
    held = workspace.store.collection("coarse")
    whole = len(WORDS)
    assert (splits_for(workspace, held), default_split(workspace, held)) == ([], None)
    with pytest.raises(DataError, match="Nothing is judged in 'coarse' yet"):
        judged_queries_for(workspace, held)
    workspace.judgments.add(
        held.key,
        {"q1": "Red?", "q2": "blue?", "q3": "nobody judged this", "q4": "RED?"},
        [
            Judgment("dev", "q1", a, 0, whole, 1),
            Judgment("dev", "q2", b, 0, 8, 2),
            Judgment("dev", "q4", a, 0, whole, 0),
            Judgment("dev", "q2", "gone", 0, 5, 3),
        ],
    )
    assert (splits_for(workspace, held), default_split(workspace, held)) == (["dev"], "dev")
    assert judged_queries_for(workspace, held) == JudgedQueries(
        {"q1": "Red?", "q2": "blue?", "q4": "RED?"},
        {"q1": {a: 1}, "q2": {b: 2, "gone": 3}, "q4": {a: 0}},
        {
            "q1": [JudgedSpan(a, "a.txt", 0, whole, 1)],
            "q2": [JudgedSpan(b, "b.txt", 0, 8, 2), JudgedSpan("gone", "gone", 0, 5, 3)],
            "q4": [JudgedSpan(a, "a.txt", 0, whole, 0)],
        },
        per_document=True,
        split="dev",
    )
    workspace.judgments.judge("red?", a, 0, 12, 3)
    assert (splits_for(workspace, held), default_split(workspace, held)) == (
        ["dev", "judged", "everything"],
        "everything",
    )
    together = judged_queries_for(workspace, held)
    assert together.queries == {"q1": "Red?", "q2": "blue?"}  # two spellings and two ids of one query
    assert together.spans["q1"] == [JudgedSpan(a, "a.txt", 0, 12, 3), JudgedSpan(a, "a.txt", 0, whole, 1)]
    assert not together.per_document
    workspace.judgments.add(held.key, {"q2": "blue?"}, [Judgment("test", "q2", b, 0, 8, 1)])
    assert default_split(workspace, held) == "test"
    with pytest.raises(DataError, match="no judgments in a split 'train': there are dev, judged, test, everything"):
        judged_queries_for(workspace, held, "train")


def test_two_queries_of_one_id_keep_apart(three: tuple[Workspace, list[str]]) -> None:
    workspace, (a, _) = three
    held = workspace.store.collection("coarse")
    own = query_id_of("red?")
    workspace.judgments.add(held.key, {own: "something else"}, [Judgment("dev", own, a, 0, 12, 1)])
    workspace.judgments.judge("red?", a, 0, 12, 3)
    together = judged_queries_for(workspace, held, "everything")
    assert sorted(map(len, together.spans.values())) == [1, 1]
    assert together.queries.keys() == together.spans.keys()


# ---- the sample library


@pytest.fixture
def sampled(workspace: Workspace) -> Workspace:
    """A few of the sample library's documents, under another name and another way to cut."""
    wanted = {"space/voyager-1.md", "space/voyager-2.md", "space/venus.md"}
    index(
        workspace,
        workspace.create("mine", CollectionOptions(size=40, overlap=0)),
        [source for source in samples.sources() if source.name in wanted],
    )
    return workspace


def test_sample_documents_come_judged_in_any_collection(sampled: Workspace) -> None:
    held = sampled.store.collection("mine")
    assert (splits_for(sampled, held), default_split(sampled, held)) == (["samples"], "samples")
    found = judged_queries_for(sampled, held)
    voyager = next(question for question in samples.questions() if question.id == "space-physics-01")
    assert found.queries["space-physics-01"] == voyager.question
    assert [(one.document, one.start, one.end, one.grade) for one in found.spans["space-physics-01"]] == sorted(
        (one.document, one.start, one.end, one.grade) for one in voyager.judgments
    )
    assert len(found.queries) < len(samples.questions())  # those on other documents are not asked
    assert not found.per_document
    assert list(spans_for(sampled, held, voyager.question.upper())) == found.spans["space-physics-01"]
    assert sampled.judgments.judgments(held.key) == []  # none of it is in the data folder


def test_own_judgments_join_those_of_the_samples(sampled: Workspace) -> None:
    held = sampled.store.collection("mine")
    question = judged_queries_for(sampled, held).queries["space-physics-01"]
    before = list(spans_for(sampled, held, question))
    span = before[0]
    sampled.judgments.judge(question, span.document_id, 0, 40, 2)
    sampled.judgments.judge(question, span.document_id, span.start, span.end, 1)
    after = list(spans_for(sampled, held, question))
    assert len(after) == len(before) + 1
    assert [
        one.grade for one in after if (one.document_id, one.start, one.end) == (span.document_id, span.start, span.end)
    ] == [max(1, span.grade)]
    together = judged_queries_for(sampled, held)
    assert (together.split, len(together.queries)) == (
        "everything",
        len(judged_queries_for(sampled, held, "samples").queries),
    )
    assert list(spans_for(sampled, held, question)) == together.spans[query_id_of(question)]


def test_another_text_of_a_sample_documents_name_is_not_judged(workspace: Workspace) -> None:
    index(workspace, workspace.create("mine"), [Upload("space/voyager-1.md", b"something else")])
    assert splits_for(workspace, workspace.store.collection("mine")) == []
