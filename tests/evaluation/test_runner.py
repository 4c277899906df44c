"""Data sets, metrics, and the rankings of systems over a data set, by hand."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from math import log2
from pathlib import Path

import pytest

from core.errors import DataError, SettingsError
from core.evaluation.metrics import Aggregate, aggregate, per_query, split_names
from core.evaluation.runner import SystemRun, run_dataset
from core.evaluation.systems import SYSTEMS, check_systems
from core.formats.beir import BeirDataset, read_beir
from core.judgments.relevance import JudgedQueries
from core.records.document import Document
from core.util.progress import LineReport, silent
from tests.support.fakes import FakeCrossEncoder, FakeEncoder

CORPUS = '{"_id": "d1", "title": "Red", "text": "and green"}\n{"_id": "d2", "text": "blue"}\n'
QUERIES = '{"_id": "q1", "text": "red?"}\n{"_id": "q2", "text": "blue?"}\n{"_id": "q3", "text": "never judged"}\n'
HEADER = "query-id\tcorpus-id\tscore\n"
QRELS = HEADER + "q2\td2\t2\nq1\td1\t1\nq1\td2\t0\n"


def beir(folder: Path, corpus: str = CORPUS, queries: str = QUERIES, qrels: str = QRELS) -> Path:
    (folder / "qrels").mkdir()
    for name, text in {"corpus.jsonl": corpus, "queries.jsonl": queries, "qrels/test.tsv": qrels}.items():
        (folder / name).write_text(text, encoding="utf-8", newline="")
    return folder


def test_a_good_folder_is_read(tmp_path: Path) -> None:
    judged = read_beir(beir(tmp_path))
    assert judged.name == tmp_path.name
    assert (judged.document_ids, judged.texts) == (["d1", "d2"], ["Red and green", "blue"])
    assert judged.judged_queries("test") == {"q2": "blue?", "q1": "red?"}  # in the judgments' order
    assert judged.qrels == {"test": {"q2": {"d2": 2}, "q1": {"d1": 1, "d2": 0}}}


@pytest.mark.parametrize(
    "files",
    [
        {"qrels": QRELS.removeprefix(HEADER)},
        {"qrels": QRELS.replace("\n", "\r\n")},
        {"qrels": "\n" + QRELS + "\n \n"},
        {"corpus": "\ufeff" + CORPUS},
        {"corpus": CORPUS.replace("\n", "\r\n")},
        {"corpus": CORPUS.rstrip()},
    ],
    ids=["no header", "qrels of Windows", "blank lines", "byte order mark", "corpus of Windows", "no last newline"],
)
def test_harmless_differences_are_read_the_same(tmp_path: Path, files: dict[str, str]) -> None:
    judged = read_beir(beir(tmp_path, **files))
    assert judged.texts == ["Red and green", "blue"]
    assert judged.qrels == {"test": {"q2": {"d2": 2}, "q1": {"d1": 1, "d2": 0}}}


def test_ids_may_be_numbers_and_texts_may_hold_any_line_separator(tmp_path: Path) -> None:
    rows = [{"_id": 1, "text": "a\u2028b\x85c"}, {"_id": "2", "title": None}]
    corpus = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    judged = read_beir(beir(tmp_path, corpus, qrels=HEADER + "q1\t1\t1\n"))
    assert (judged.document_ids, judged.texts) == (["1", "2"], ["a\u2028b\x85c", ""])


def test_another_split_may_be_asked_for(tmp_path: Path) -> None:
    (beir(tmp_path) / "qrels" / "dev.tsv").write_text("q3\td1\t1\n")
    assert read_beir(tmp_path, "dev").judged_queries("dev") == {"q3": "never judged"}
    with pytest.raises(DataError, match=r"qrels.train\.tsv is missing: a BEIR folder holds"):
        read_beir(tmp_path, "train")


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"corpus": CORPUS + "not json\n"}, r"corpus\.jsonl, line 3,.*_id"),
        ({"corpus": '{"_id": "d1"\n' + CORPUS}, r"corpus\.jsonl, line 1,"),
        ({"corpus": CORPUS + '{"id": "d3"}\n'}, r"corpus\.jsonl, line 3,"),
        ({"corpus": CORPUS + "[1]\n"}, r"corpus\.jsonl, line 3,"),
        ({"corpus": CORPUS + '"_id"\n'}, r"corpus\.jsonl, line 3,"),
        ({"corpus": CORPUS + "null\n"}, r"corpus\.jsonl, line 3,"),
        ({"queries": QUERIES + "{}\n"}, r"queries\.jsonl, line 4,"),
        ({"qrels": QRELS + "q1 d1 1\n"}, r"test\.tsv, line 5,.*tabs"),
        ({"qrels": QRELS + "q1\td1\n"}, r"test\.tsv, line 5,"),
        ({"qrels": QRELS + "q1\t0\td1\t1\n"}, r"test\.tsv, line 5,"),
        ({"qrels": QRELS + "q1\td1\tmuch\n"}, r"test\.tsv, line 5,"),
        ({"qrels": QRELS + "q1\td1\t0.5\n"}, r"test\.tsv, line 5,"),
        ({"qrels": QRELS + "q9\td1\t1\n"}, r"test\.tsv, line 5: the query 'q9' is not in queries\.jsonl"),
        ({"qrels": QRELS + "q1\td9\t1\n"}, r"test\.tsv, line 5: the document 'd9' is not in corpus\.jsonl"),
        ({"qrels": HEADER}, r"test\.tsv holds no judgments"),
        ({"qrels": ""}, r"test\.tsv holds no judgments"),
        pytest.param(
            {"corpus": "\n\n" + CORPUS + "not json\n"},
            r"corpus\.jsonl, line 5,",
        ),
        pytest.param(
            {"corpus": CORPUS + "[" * 100_000},
            r"corpus\.jsonl, line 3,",
        ),
    ],
)
def test_damage_is_named_with_file_and_line(tmp_path: Path, files: dict[str, str], message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_beir(beir(tmp_path, **files))


@pytest.mark.parametrize("name", ["corpus.jsonl", "queries.jsonl", "qrels/test.tsv"])
def test_a_missing_or_unreadable_file_is_named(tmp_path: Path, name: str) -> None:
    path = beir(tmp_path) / name
    path.write_bytes('{"_id": "é"}'.encode("latin-1"))
    with pytest.raises(DataError, match=rf"{path.name} is not in UTF-8: convert it"):
        read_beir(tmp_path, "test")
    path.unlink()
    with pytest.raises(DataError, match=rf"{path.name} is missing: a BEIR folder holds"):
        read_beir(tmp_path, "test")
    path.mkdir()
    with pytest.raises(DataError, match=rf"{path.name} cannot be read \(Is a directory\)"):
        read_beir(tmp_path, "test")


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no folder '.*nowhere'.*corpus\.jsonl"):
        read_beir(tmp_path / "nowhere")


def test_the_first_queries_only(tmp_path: Path) -> None:
    judged = JudgedQueries.of_dataset(read_beir(beir(tmp_path)), "test")
    first = judged.first(1)
    assert (first.queries, first.qrels) == ({"q2": "blue?"}, {"q2": {"d2": 2}})
    assert judged.first(100) == judged


GRADED = {"q": {"a": 2, "b": 1, "c": 0, "d": 1}}
IDEAL = 2 + 1 / log2(3) + 1 / log2(4)  # grades 2, 1, 1 at ranks 1, 2, 3, each divided by log2(rank + 1)


@pytest.mark.parametrize(
    ("ranking", "ndcg", "recall"),
    [
        ("abd", 1, 1),
        ("adb", 1, 1),
        ("cbxa", (1 / log2(3) + 2 / log2(5)) / IDEAL, 2 / 3),
        ("bxxxxxxxxa", (1 + 2 / log2(11)) / IDEAL, 2 / 3),
        ("bxxxxxxxxxa", 1 / IDEAL, 1 / 3),  # rank 11 does not count
        ("c", 0, 0),
        ("x", 0, 0),
        ("", 0, 0),
    ],
)
def test_graded_judgments_by_hand(ranking: str, ndcg: float, recall: float) -> None:
    run = {"q": [name if name != "x" else f"x{rank}" for rank, name in enumerate(ranking)]}
    found = per_query(GRADED, run)
    assert found == {"nDCG@10": {"q": pytest.approx(ndcg)}, "R@10": {"q": pytest.approx(recall)}}


def test_other_metrics_are_called_by_ir_measures_names() -> None:
    found = per_query(GRADED, {"q": ["c", "b", "a"]}, ["RR@10", "P@1", "AP", "R(rel=2)@10"])
    wanted = {"RR@10": 1 / 2, "P@1": 0, "AP": (1 / 2 + 2 / 3) / 3, "R(rel=2)@10": 1}
    assert found == {name: {"q": pytest.approx(value)} for name, value in wanted.items()}


def test_a_judged_query_without_results_scores_0_and_stays_in_the_mean() -> None:
    qrels = {"found": {"a": 1}, "empty": {"a": 1}, "absent": {"a": 1}, "nothing relevant": {"a": 0}}
    found = per_query(qrels, {"found": ["a"], "empty": [], "nothing relevant": ["a"], "not judged": ["a"]})
    assert found["nDCG@10"] == {"found": 1, "empty": 0, "absent": 0, "nothing relevant": 0}
    assert aggregate(found["nDCG@10"]) == Aggregate(mean=0.25, n=4)
    assert aggregate({}) == Aggregate(mean=0, n=0)


def test_many_ranks_keep_their_order() -> None:
    run = {"q": [f"{number:04}" for number in range(1000)]}
    assert per_query({"q": {"0999": 1}}, run, ["RR"])["RR"]["q"] == pytest.approx(1 / 1000)


@pytest.mark.parametrize("name", ["bogus", "", " nDCG@10", "nDCG@", "nDCG@ten", "nDCG@-1", "__import__('os')", "("])
def test_an_unknown_metric_is_named(name: str) -> None:
    with pytest.raises(SettingsError, match="no metric"):
        per_query(GRADED, {"q": ["a"]}, [name])


@pytest.mark.parametrize(
    "name",
    [
        "R",
        "P@1.5",
        "P(rel='x')@1",
        "P(foo=1)@5",
        "BPM@10",
        "RBP(p=0.8)",
        "ERR_IA@10",
        "nDCG@0",
        "P@0",
        "AP@0",
        "Success@0",
        "nDCG@1001",
        "nDCG@True",
        "NumRet",
        "AP(rel=0)",
        "nDCG(gains={1:'a'})@5",
    ],
)
def test_a_metric_that_cannot_be_computed_is_named(name: str) -> None:
    with pytest.raises(SettingsError, match="metric"):
        per_query(GRADED, {"q": ["a"]}, [name])


# Query "red green", the fakes' answers (tests/fakes.py):      cosine            logit
TEXTS = {
    "a": "red green xx xx",  #                                 1                 10 * 2/4 - 5 = 0
    "b": "green",  #                                           1/sqrt(2) = .707  10 * 1/1 - 5 = 5
    "c": "red red red sun",  #                                 3/sqrt(20) = .671 10 * 3/4 - 5 = 2.5
    "d": "red sun",  #                                         1/2               10 * 1/2 - 5 = 0
    "e": "sea",  #                                             0                 -5
}


def judged_collection(texts: Mapping[str, str] = TEXTS, queries: Mapping[str, str] | None = None) -> BeirDataset:
    queries = dict(queries or {"q": "red green"})
    documents = {id_: Document(id_, text) for id_, text in texts.items()}
    return BeirDataset("tiny", documents, queries, {"test": {query: {"a": 1} for query in queries}})


def bench(
    systems: Sequence[str], pool: int = 3, texts: Mapping[str, str] = TEXTS, report: LineReport = silent
) -> dict[str, SystemRun]:
    return run_dataset(judged_collection(texts), FakeEncoder(), FakeCrossEncoder(), pool, systems, report)


@pytest.mark.parametrize(
    ("system", "pool", "ranking"),
    [
        ("bi", 3, "abcde"),
        ("bi", 1, "abcde"),
        ("bi+cross", 3, "bcade"),  # d and e stay behind, though d's logit is a's
        ("bi+cross", 2, "bacde"),
        ("bi+cross", 1, "abcde"),
        ("bi+cross", 5, "bcade"),  # a and d share a logit
        ("bi+cross", 1000, "bcade"),
        # cosines 1.407 -.580 -.827 and logits -1.225 1.225 0 standardised: .182 .644 -.827
        ("bi+cross-sum", 3, "bacde"),
        # Lucene's BM25, 2.4 terms on average, red in 3 of 5 and green in 2: .435 .475 .308 .233 0
        ("bm25", 3, "bacd"),
        ("bm25+cross", 3, "bcad"),
        ("bm25+cross", 2, "bacd"),
        ("bm25+cross", 1000, "bcad"),
    ],
)
def test_rankings_by_hand(system: str, pool: int, ranking: str) -> None:
    assert bench([system], pool)[system].ranking == {"q": list(ranking)}


def test_more_metrics_of_ir_measures_by_hand() -> None:
    """d, b and a ranked, of a 2, b 1, d 1 relevant; c judged as not."""
    found = per_query(
        GRADED,
        {"q": ["d", "x", "c", "a"]},
        ["Judged@10", "Judged@2", "Rprec", "Success@1", "P@5", "R@5", "nDCG(gains={1:1,2:3})@10", "SetR"],
    )
    gained, ideal = 1 + 3 / log2(5), 3 + 1 / log2(3) + 1 / log2(4)
    wanted = {
        "Judged@10": 3 / 4,
        "Judged@2": 1 / 2,
        "Rprec": 1 / 3,
        "Success@1": 1,
        "P@5": 2 / 5,
        "R@5": 2 / 3,
        "nDCG(gains={1:1,2:3})@10": gained / ideal,
        "SetR": 2 / 3,
    }
    assert found == {name: {"q": pytest.approx(value)} for name, value in wanted.items()}


def test_names_are_parted_at_commas_outside_of_brackets() -> None:
    assert split_names("nDCG@10, AP") == ["nDCG@10", "AP"]
    assert split_names("nDCG(gains={1:1,2:3})@10,P(rel=1,judged_only=True)@5") == [
        "nDCG(gains={1:1,2:3})@10",
        "P(rel=1,judged_only=True)@5",
    ]
    assert split_names("") == [""]


def test_systems_run_together_rank_as_they_do_alone() -> None:
    runs = bench(SYSTEMS)
    assert list(runs) == list(SYSTEMS)
    found = {name: "".join(run.ranking["q"]) for name, run in runs.items()}
    assert found == {
        "bi": "abcde",
        "bi+cross": "bcade",
        "bi+cross-sum": "bacde",
        "bm25": "bacd",
        "bm25+cross": "bcad",
        # 1/61 + 1/62 for a and b alike, then c 2/63, d 2/64, and e, which BM25 does not find, 1/65
        "hybrid": "abcde",
        "hybrid+cross": "bcade",
    }


def test_ties_break_by_document_id_whatever_the_order_of_the_corpus() -> None:
    alike = dict.fromkeys(["c", "a", "b"], "red")
    for name, run in bench(SYSTEMS, 2, alike).items():
        assert run.ranking["q"] == ["a", "b", "c"], name


def test_every_query_is_ranked() -> None:
    judged = judged_collection(queries={"q1": "sea", "q2": "red green", "q3": "green"})
    runs = run_dataset(judged, FakeEncoder(), FakeCrossEncoder(), 2, ["bi", "bm25+cross"])
    assert {query: ranking[0] for query, ranking in runs["bi"].ranking.items()} == {"q1": "e", "q2": "a", "q3": "b"}
    assert {query: ranking[0] for query, ranking in runs["bm25+cross"].ranking.items()} == {
        "q1": "e",
        "q2": "b",
        "q3": "b",
    }


def test_what_systems_share_is_computed_once_and_only_if_needed() -> None:
    encoder, reranker = FakeEncoder(), FakeCrossEncoder()
    run_dataset(judged_collection(), encoder, reranker, 3, ["bi", "bi+cross", "bi+cross-sum"])
    assert encoder.encoded == list(TEXTS.values())
    assert reranker.read == [("red green", TEXTS[name]) for name in "abc"]
    encoder, reranker = FakeEncoder(), FakeCrossEncoder()
    run_dataset(judged_collection(), encoder, reranker, 3, ["bm25"])
    assert (encoder.encoded, reranker.read) == ([], [])


def test_progress_is_reported_in_words() -> None:
    lines: list[str] = []
    bench(["bi", "bi+cross"], report=lines.append)
    assert lines == [*(f"{done} of 5 documents" for done in range(1, 6)), "1 of 1 queries"]


@pytest.mark.parametrize("name", ["bogus", "", "cross", "bi+", " bi", "BI", "bm25+cross-sum"])
def test_an_unknown_system_is_named(name: str) -> None:
    with pytest.raises(SettingsError, match=rf"no system {name!r}".replace("+", r"\+")):
        check_systems(["bi", name])
    with pytest.raises(SettingsError, match="no system"):
        bench([name])


def test_every_known_system_is_one() -> None:
    check_systems(SYSTEMS)


def test_without_a_cross_encoder_the_other_systems_still_run() -> None:
    assert set(run_dataset(judged_collection(), FakeEncoder(), None, 3, ["bi", "bm25"])) == {"bi", "bm25"}
    with pytest.raises(SettingsError, match="needs a cross-encoder"):
        run_dataset(judged_collection(), FakeEncoder(), None, 3, ["bi+cross"])


def test_a_systems_time_is_shared_out_over_its_queries() -> None:
    assert SystemRun({"q1": ["a"], "q2": []}, 0.5).ms_per_query == 250
    assert SystemRun().ms_per_query == 0
    runs = bench(["bi", "bi+cross"])
    assert 0 < runs["bi"].ms_per_query <= runs["bi+cross"].ms_per_query
