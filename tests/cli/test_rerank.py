"""``search --rerank`` and ``evaluate`` in the shell, with the real models."""

from __future__ import annotations

import json
from math import exp
from pathlib import Path
from typing import Any

import pytest

from core.cli.main import main
from core.samples.library import SAMPLE_COLLECTION
from core.settings import BUILT_IN_RERANKER
from tests.support.cli import run

QUESTION = "Why does the sea rise and fall twice a day?"
DOCUMENTS = {
    "tide": ("Tides", "The moon pulls the sea towards it, and so the tide comes in twice a day."),
    "bread": ("Bread", "Yeast turns sugar into gas, and the dough rises."),
    "kettle": ("Kettle", "Use vinegar to remove the lime from a kettle."),
    "bike": ("Bicycle", "Pump the tyres of the bicycle to four bar."),
}
QUERIES = {"q1": "What makes the tide?", "q2": "How do I get rid of limescale?"}
QRELS = "query-id\tcorpus-id\tscore\nq1\ttide\t2\nq2\tkettle\t1\nq2\tbread\t0\n"


@pytest.fixture
def samples(sample_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANKSCOPE_DATA", str(sample_data))


@pytest.fixture
def beir(tmp_path: Path) -> Path:
    folder = tmp_path / "tiny"
    (folder / "qrels").mkdir(parents=True)
    rows = [{"_id": name, "title": title, "text": text} for name, (title, text) in DOCUMENTS.items()]
    (folder / "corpus.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (folder / "queries.jsonl").write_text(
        "\n".join(json.dumps({"_id": name, "text": text}) for name, text in QUERIES.items())
    )
    (folder / "qrels" / "test.tsv").write_text(QRELS)
    return folder


def hits(capsys: pytest.CaptureFixture[str], *options: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    status, out, err = run(capsys, "search", SAMPLE_COLLECTION, QUESTION, *options, "--json")
    assert (status, err) == (0, "")
    found = json.loads(out)
    return found, found["hits"]


@pytest.mark.usefixtures("samples")
def test_the_pool_is_reranked_and_the_first_of_it_shown(capsys: pytest.CaptureFixture[str]) -> None:
    plain, before = hits(capsys, "--top-k", "12")
    found, after = hits(capsys, "--rerank", "--pool", "12", "--top-k", "5")
    assert {"reranker", "pool"}.isdisjoint(plain)
    assert (found["reranker"], found["pool"]) == (BUILT_IN_RERANKER, 12)
    assert set(found["timings_ms"]) == {"encode", "retrieve", "total", "rerank"}

    assert [(hit["rank"], hit["cross_rank"]) for hit in after] == [(rank, rank) for rank in range(1, 6)]
    scores = [hit["cross_score"] for hit in after]
    assert scores == sorted(scores, reverse=True)
    assert [hit["cross_probability"] for hit in after] == pytest.approx(
        [1 / (1 + exp(-score)) for score in scores], abs=1e-6
    )
    candidates = {hit["chunk_id"]: (hit["bi_rank"], hit["bi_score"]) for hit in before}
    for hit in after:
        bi_rank, bi_score = candidates[hit["chunk_id"]]
        assert (hit["bi_rank"], hit["bi_score"]) == (bi_rank, pytest.approx(bi_score, abs=1e-6))


@pytest.mark.usefixtures("samples")
def test_a_pool_alone_means_reranking_and_hits_behind_it_are_shown_as_they_were(
    capsys: pytest.CaptureFixture[str],
) -> None:
    found, shown = hits(capsys, "--top-k", "4", "--pool", "2")
    assert found["pool"] == 2
    assert sorted(hit["bi_rank"] for hit in shown[:2]) == [1, 2]
    assert [hit["cross_rank"] for hit in shown] == [1, 2, None, None]
    assert [(hit["rank"], hit["bi_rank"], hit["cross_score"], hit["cross_probability"]) for hit in shown[2:]] == [
        (3, 3, None, None),
        (4, 4, None, None),
    ]


@pytest.mark.usefixtures("samples")
def test_people_read_both_scores_and_the_move(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(capsys, "search", SAMPLE_COLLECTION, QUESTION, "--rerank", "--pool", "3", "--top-k", "4")
    assert (status, err) == (0, "")
    heads = [line for line in out.splitlines() if line[:3].strip().isdigit()]
    assert [line.split()[0] for line in heads] == ["1", "2", "3", "4"]
    assert all(
        "cross " in line and " bi 0." in line and any(word in line for word in ("up ", "down ", "same"))
        for line in heads[:3]
    )
    assert "cross " not in heads[3]
    last = out.splitlines()[-1]
    assert last.startswith(
        f"4 hits by {BUILT_IN_RERANKER}, which read the first 3 by cosine similarity (higher is better)"
    )
    assert "rerank " in last


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--pool", "0"], "A pool of 0 candidates cannot be reranked: use 1 to 1,000"),
        (["--pool", "1001"], "A pool of 1001 candidates"),
        (["--rerank", "--pool", "-1"], "A pool of -1 candidates"),
        (["--rerank", "--top-k", "1001"], "1001 hits cannot be shown"),
        (["--rerank", "--top-k", "0"], "0 hits cannot be shown"),
        pytest.param(["--pool", "5", "--top-k", "-3"], "-3 hits cannot be shown"),
    ],
)
def test_an_impossible_number_exits_with_2_before_anything_is_opened(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], words: str
) -> None:
    monkeypatch.setenv("RANKSCOPE_DATA", str(tmp_path))
    status, out, err = run(capsys, "search", "nothing", QUESTION, *options)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("error: ")
    assert words in err


@pytest.mark.usefixtures("samples")
def test_a_reranker_alone_means_reranking_and_one_that_cannot_be_had_is_named(
    capsys: pytest.CaptureFixture[str],
) -> None:
    status, out, err = run(capsys, "search", SAMPLE_COLLECTION, QUESTION, "--reranker", "./none")
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert "no model folder './none'" in err


def test_evaluate_prints_means_and_milliseconds_of_each_system(capsys: pytest.CaptureFixture[str], beir: Path) -> None:
    status, out, _ = run(
        capsys, "evaluate", str(beir), "--systems", "bi,bi+cross", "--metrics", "nDCG@10,R@10", "--pool", "3", "--json"
    )
    found = json.loads(out)
    assert status == 0
    about = {key: found[key] for key in found if key not in ("systems", "against", "notes")}
    assert about == {"collection": "tiny", "split": "test", "documents": 4, "queries": 2, "pool": 3}
    assert list(found["systems"]) == ["bi", "bi+cross"]
    for system in found["systems"].values():
        assert set(system) == {"nDCG@10", "R@10", "ms_per_query"}
        assert set(system["nDCG@10"]) == {"mean", "n"}
        assert system["nDCG@10"]["n"] == 2
        assert 0 < system["nDCG@10"]["mean"] <= 1  # four documents: the answer is always somewhere
        assert system["R@10"] == {"mean": 1, "n": 2}
        assert system["ms_per_query"] > 0
    assert found["systems"]["bi"]["nDCG@10"]["mean"] == 1
    assert found["against"]["system"] == "bi"
    assert list(found["against"]["systems"]) == ["bi+cross"]
    assert "Only 2 queries are judged" in found["notes"][0]


def test_evaluate_prints_a_line_for_each_system(capsys: pytest.CaptureFixture[str], beir: Path) -> None:
    options = ["--systems", "bm25,bi", "--metrics", "RR@10,P@1", "--queries", "1"]
    status, out, _ = run(capsys, "evaluate", str(beir), *options)
    title, heads, bm25, bi, against, test, *notes, legend = out.splitlines()
    assert status == 0
    assert title.startswith("tiny (test): 4 documents, 1 judged query, pool")
    assert heads.split() == ["system", "RR@10", "P@1", "n", "ms/query"]
    assert bm25.split()[:4] == ["bm25", "1.0000", "1.0000", "1"]
    assert bi.split()[:4] == ["bi", "1.0000", "1.0000", "1"]
    assert against.startswith("Against bm25, by RR@10")
    assert "the same on the one question" in test
    assert all(note.startswith("note: ") for note in notes)
    assert "higher is better" in legend


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            ["--systems", "bi,bogus"],
            "no system 'bogus': use bm25, bi, hybrid, bm25+cross, bi+cross, bi+cross-sum, hybrid+cross",
        ),
        (["--systems", ""], "no system ''"),
        (["--metrics", "bogus"], "no metric 'bogus': use names such as nDCG@10"),
        pytest.param(
            ["--metrics", "nDCG@10,bogus"],
            "no metric 'bogus'",
        ),
        (["--pool", "0"], "A pool of 0 candidates"),
        (["--pool", "1001"], "A pool of 1001 candidates"),
        (["--queries", "0"], "--queries is 0: use at least 1"),
    ],
)
def test_a_wrong_evaluation_exits_with_2_at_once(
    capsys: pytest.CaptureFixture[str], beir: Path, options: list[str], words: str
) -> None:
    status, out, err = run(capsys, "evaluate", str(beir), *options)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("error: ")
    assert words in err


@pytest.mark.parametrize("options", [["--pool", "many"], ["--queries", "1.5"]])
def test_a_number_that_is_none_is_a_wrong_call(
    capsys: pytest.CaptureFixture[str], beir: Path, options: list[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["evaluate", str(beir), *options])
    assert stop.value.code == 2
    assert options[0] in capsys.readouterr().err


def test_a_missing_or_damaged_folder_exits_with_1(capsys: pytest.CaptureFixture[str], beir: Path) -> None:
    status, out, err = run(capsys, "evaluate", str(beir / "nowhere"))
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert "nowhere" in err
    with (beir / "corpus.jsonl").open("a") as file:
        file.write("\nnot json\n")
    status, out, err = run(capsys, "evaluate", str(beir))
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert "corpus.jsonl, line 5," in err


@pytest.mark.parametrize("option", ["--model", "--reranker"])
def test_a_model_that_cannot_be_had_exits_with_1(capsys: pytest.CaptureFixture[str], beir: Path, option: str) -> None:
    status, out, err = run(capsys, "evaluate", str(beir), option, "./none")
    assert (status, out) == (1, "")
    assert "no model folder './none'" in err
