"""Systems, units and run files, by hand: the query "red green" on the axes of the fake encoder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import ir_measures
import pytest

from core.errors import DataError, SettingsError
from core.evaluation.corpora import InMemoryCorpus
from core.evaluation.metrics import MEASURES
from core.evaluation.results import Results
from core.evaluation.runner import Runner, depth_for, run_dataset, runs_of
from core.evaluation.systems import Candidates, StageRanking, System, check_systems, parse_system
from core.formats.trec import qrels_text, run_file_name, run_text, trec_id, write_runs
from core.judgments.relevance import JudgedQueries, JudgedSpan, NamedSpan, unit_ranking
from core.records.search import ChunkSettings
from tests.evaluation.test_runner import TEXTS, bench, judged_collection
from tests.support.fakes import FakeCrossEncoder, FakeEncoder

TREC: Any = ir_measures  # its readers have no types


@pytest.mark.parametrize(
    ("name", "pool", "wanted"),
    [
        ("bm25", 5, System("bm25", "bm25")),
        ("hybrid+cross", 7, System("hybrid+cross", "hybrid", "cross", 7)),
        ("bi+cross@20", 50, System("bi+cross@20", "bi", "cross", 20)),
        ("bi-exact+cross", 5, System("bi-exact+cross", "bi-exact", "cross", 5)),
        ("bi+cross-sum@3", 5, System("bi+cross-sum@3", "bi", "cross-sum", 3)),
    ],
)
def test_names_of_systems(name: str, pool: int, wanted: System) -> None:
    assert parse_system(name, pool) == wanted


def test_a_system_may_name_its_collection() -> None:
    assert parse_system("a:b:bi+cross", 9, ["x", "a:b"]) == System("a:b:bi+cross", "bi", "cross", 9, "a:b")
    assert parse_system("bi", 9, ["x", "a:b"]) == System("bi", "bi", corpus="x")
    with pytest.raises(SettingsError, match="'other', which is not part of this run: it has x"):
        parse_system("other:bi", 9, ["x"])
    check_systems(["other:bi"])


@pytest.mark.parametrize(
    "name",
    [
        "bi@10",
        "bi+cross@0",
        "bi+cross@",
        "bi+cross@01",
        "bi+cross@1001",
        "bi+cross@-1",
        "hybrid+cross-sum",
        "bm25+cross-sum",
        "bi+bm25",
        "other:",
        "other:bogus",
    ],
)
def test_a_wrong_name_is_refused(name: str) -> None:
    with pytest.raises(SettingsError):
        check_systems([name])


@pytest.mark.parametrize(
    ("system", "ranking"),
    [
        ("hybrid", "abcde"),
        ("hybrid+cross@2", "bacde"),
        ("hybrid+cross@3", "bcade"),
        ("bi+cross@1", "abcde"),
        ("bi+cross-sum@3", "bacde"),
        ("bm25+cross@1", "bacd"),
    ],
)
def test_more_rankings_by_hand(system: str, ranking: str) -> None:
    assert bench([system], 5)[system].ranking == {"q": list(ranking)}


def test_fusion_by_hand() -> None:
    """Ranks 1 2 3 and 3 1 -: a 1/61 + 1/63, b 1/62 + 1/61, c 1/63. What one stage alone found is there too."""
    answer = Candidates(
        "q",
        "",
        ("a", "b", "c", "d"),
        (("a",), ("b",), ("c",), ("d",)),
        {"bi": StageRanking((0, 1, 2), (0.9, 0.8, 0.7), 2.0), "bm25": StageRanking((1, 3, 0), (3.0, 2.0, 1.0), 1.0)},
    )
    fused = answer.stage("hybrid")
    assert fused.order == (1, 0, 3)  # as long as the longer of both
    assert fused.scores == pytest.approx((1 / 62 + 1 / 61, 1 / 61 + 1 / 63, 1 / 62))
    assert fused.ms == 3.0


def test_pairs_are_read_once_for_all_systems_and_their_time_is_shared_out() -> None:
    reranker = FakeCrossEncoder()
    runs = run_dataset(
        judged_collection(), FakeEncoder(), reranker, 3, ["bi", "bi+cross", "bm25+cross@2", "hybrid+cross"]
    )
    assert sorted(text for _, text in reranker.read) == sorted(TEXTS[name] for name in "abc")
    took = {name: run.milliseconds["q"] for name, run in runs.items()}
    assert took["bi"] < took["bi+cross"]
    assert runs["bi"].ms_per_query == pytest.approx(took["bi"])


def test_time_of_a_system_by_hand() -> None:
    answer = Candidates(
        "q",
        "",
        ("a", "b", "c", "d"),
        (("a",), ("b",), ("c",), ("d",)),
        {"bi": StageRanking((0, 1, 2), (3.0, 2.0, 1.0), 2.0)},
        {0: 1.0, 1: 2.0, 2: 3.0, 3: 0.0},
        40.0,
    )
    assert [parse_system(name, 2).ms(answer) for name in ("bi", "bi+cross", "bi+cross@3", "bi+cross@100")] == [
        2,
        22,
        32,
        32,
    ]  # 10 ms a pair, three candidates


def test_candidates_survive_the_disk() -> None:
    answer = Candidates(
        "q 1",
        "böx",
        ("a", "b"),
        (("u", "v"), ("v",)),
        {"bi": StageRanking((1, 0), (0.1 + 0.2, 1e-9), 1.25)},
        {1: 0.1, 0: -3.5},
        7.5,
    )
    assert Candidates.from_json(answer.to_json()) == answer
    assert "\n" not in answer.to_json()
    for line in ("", "{}", "[]", answer.to_json()[:-3], '{"query": 1'):
        with pytest.raises(DataError, match="damaged"):
            Candidates.from_json(line)


# ---- units: judged spans of document x, 0 to 100


SPANS = [
    JudgedSpan("x", "x.txt", 0, 20, 1),
    JudgedSpan("x", "x.txt", 30, 50, 3),
    JudgedSpan("x", "x.txt", 60, 80, 0),
    JudgedSpan("y", "y.txt", 0, 20, 2),
]
SPAN_QUESTIONS = JudgedQueries(
    {"q": "?"}, {"q": {"x:0-20": 1, "x:30-50": 3, "x:60-80": 0, "y:0-20": 2}}, {"q": SPANS}, per_document=False
)


@pytest.mark.parametrize(
    ("start", "end", "units"),
    [
        (0, 25, ("x:0-20",)),
        (0, 55, ("x:30-50", "x:0-20")),  # both, the better first
        (40, 60, ("x:30-50",)),  # half of it
        (55, 85, ("x:60-80",)),  # judged as not relevant
        (30, 100, ("x:30-50",)),  # grade 0 does not count beside better
        (85, 100, ("chunk",)),
        (0, 100, ("x:30-50", "x:0-20")),
    ],
)
def test_what_a_chunk_counts_as(start: int, end: int, units: tuple[str, ...]) -> None:
    assert SPAN_QUESTIONS.units("q", "chunk", NamedSpan("x", "x.txt", start, end)) == units


def test_a_span_counts_once_at_its_best_rank() -> None:
    chunks = [("p",), ("x:30-50", "x:0-20"), ("x:30-50",), ("x:0-20",), ("r",)]
    assert unit_ranking(chunks) == ["p", "x:30-50", "x:0-20", "r"]
    assert unit_ranking(chunks, 2) == ["p", "x:30-50"]
    assert unit_ranking([]) == []


def test_documents_count_at_their_best_chunks_rank() -> None:
    questions = JudgedQueries({"q": "?"}, {"q": {"x": 1}})
    assert questions.per_document
    assert questions.units("q", "chunk", NamedSpan("x", "x.txt", 5, 9)) == ("x",)


def test_the_ideal_counts_all_judged_spans() -> None:
    """Found is the span of grade 3 at rank 1; ideal are 3, 2 and 1."""
    answer = Candidates("q", "", ("c",), (("x:30-50",),), {"bi": StageRanking((0,), (1.0,), 1.0)})
    results = Results.of(SPAN_QUESTIONS, [parse_system("bi", 5)], [answer], ["nDCG@10", "R@5"])
    assert results.mean("bi", "nDCG@10").mean == pytest.approx(3 / (3 + 2 / 1.5849625 + 1 / 2))
    assert results.mean("bi", "R@5").mean == pytest.approx(1 / 3)


def test_a_beir_document_may_be_cut_into_chunks() -> None:
    """The word that is asked for stands at the end of a long text: as one vector it drowns, as a chunk it wins."""
    judged = judged_collection({"long": "sun " * 40 + "red green", "short": "red sun", "none": "sea"})
    whole = InMemoryCorpus.of_documents(judged, FakeEncoder())
    cut = InMemoryCorpus.of_chunks(judged, FakeEncoder(), ChunkSettings(8, 0))
    rankings = {}
    for name, corpus in (("whole", whole), ("cut", cut)):
        runner = Runner(JudgedQueries.of_dataset(judged, "test"), {"": corpus}, [parse_system("bi", 5)], None)
        rankings[name] = runs_of(runner.systems, runner.run())["bi"].ranking["q"]
    assert rankings["whole"] == ["short", "long", "none"]
    assert rankings["cut"] == ["long", "short", "none"]
    assert len(cut.texts) > 3
    assert all(cut.span(id_).document_id in judged.document_ids for id_ in cut.texts)
    assert cut.facts()["chunking"] == ["structure", 8, 0]


def test_exact_search_is_for_collections() -> None:
    judged = judged_collection()
    with pytest.raises(SettingsError, match="'bi' is exact already"):
        Runner(
            JudgedQueries.of_dataset(judged, "test"),
            {"": InMemoryCorpus.of_documents(judged, FakeEncoder())},
            [parse_system("bi-exact", 5)],
            None,
        )


def test_a_collections_stages_return_what_cutoffs_and_pools_need() -> None:
    assert depth_for([parse_system("bi", 50)], ["nDCG@10", "AP"]) == 200
    assert depth_for([parse_system("bi+cross", 300)], ["nDCG@10"]) == 300
    assert depth_for([parse_system("bi", 50)], ["R@400"]) == 800
    assert depth_for([parse_system("bi", 50)], ["R@1000"]) == 1000


# ---- TREC


def test_run_and_qrels_as_trec_has_them() -> None:
    assert run_text({"q1": ["b", "a c"], "q2": []}, "bi+cross") == "q1 Q0 b 1 2 bi+cross\nq1 Q0 a%20c 2 1 bi+cross\n"
    assert qrels_text({"q1": {"b": 2, "a": -1}}) == "q1 0 b 2\nq1 0 a -1\n"
    assert trec_id("a\u2028b\tc%d é") == "a%E2%80%A8b%09c%25d%20é"
    assert trec_id("") == "%"
    assert run_file_name("a/b:bi+cross@20") == "a_b_bi+cross@20.run"


def test_files_do_not_overwrite_one_another(tmp_path: Path) -> None:
    paths = write_runs(tmp_path / "new" / "runs", {"a/b:bi": {"q": ["x"]}, "a_b:bi": {"q": ["y"]}}, {"q": {"x": 1}})
    assert [path.name for path in paths] == ["1-a_b_bi.run", "2-a_b_bi.run", "qrels.txt"]
    assert all(path.read_text() for path in paths)
    assert len(list(paths[0].parent.iterdir())) == 3
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot be written into"):
        write_runs(tmp_path / "file", {}, {})


def test_every_figure_is_that_of_ir_measures_on_the_exported_files(tmp_path: Path) -> None:
    judged = judged_collection(queries={"q1": "sea", "q2": "red green", "q3": "green", "q4": "zzz"})
    qrels = {"q1": {"e": 2, "d": 1}, "q2": {"a": 3, "c": 1, "b": 0}, "q3": {"b": 1, "a": 1}, "q4": {"a": 1}}
    judged = replace(judged, qrels={"test": qrels})
    names = ["bm25", "bi", "hybrid", "bi+cross@2", "bm25+cross", "hybrid+cross", "bi+cross-sum"]
    runs = run_dataset(judged, FakeEncoder(), FakeCrossEncoder(), 3, names)
    measures = [*MEASURES, "Success@1", "Rprec", "AP(rel=2)@3", "Bpref"]
    results = Results.of_runs(JudgedQueries.of_dataset(judged, "test"), runs, measures)
    assert results.notes == ()
    write_runs(tmp_path, {name: run.ranking for name, run in runs.items()}, qrels)
    trec_qrels = list(TREC.read_trec_qrels(str(tmp_path / "qrels.txt")))
    assert runs["bm25"].ranking["q4"] == []  # found nothing: no line in its run file, and 0 in the mean
    for name in names:
        run = list(TREC.read_trec_run(str(tmp_path / run_file_name(name))))
        by_hand = ir_measures.calc_aggregate(
            [ir_measures.parse_measure(measure) for measure in measures], trec_qrels, run
        )
        for measure in measures:
            assert results.mean(name, measure).mean == pytest.approx(
                by_hand[ir_measures.parse_measure(measure)], abs=1e-9
            ), (name, measure)
            assert results.mean(name, measure).n == 4


def test_results_compare_systems_and_warn() -> None:
    questions = JudgedQueries({q: q for q in "abc"}, {q: {"x": 1} for q in "abc"})
    answers = [
        Candidates(
            q,
            "",
            ("x", "y"),
            (("x",), ("y",)),
            {"bi": StageRanking((1, 0), (2.0, 1.0), 1.0), "bm25": StageRanking((0,), (1.0,), 1.0)},
        )
        for q in "abc"
    ]
    results = Results.of(
        questions, [parse_system("bi", 5), parse_system("bm25", 5)], answers, ["RR@10", "BPM@10", "RR@10"]
    )
    assert results.measures == ("RR@10",)
    assert "BPM@10" in results.notes[0]
    found = results.against("bi", "RR@10")
    assert found["bm25"].difference == pytest.approx(0.5)
    assert (found["bm25"].better, found["bm25"].p) == (3, 0.25)
    assert [change.query for change in results.changes("bi", "bm25", "RR@10")] == ["a", "b", "c"]
    assert results.judged == {"bi": 0.5, "bm25": 1.0}
    assert len(results.warnings) == 2
