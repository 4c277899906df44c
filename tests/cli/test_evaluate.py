"""``evaluate`` in the shell: folders, collections, run files. BM25 alone where no model is needed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import ir_measures
import pytest

from core.cli.evaluate import METRICS, SYSTEMS
from core.cli.main import main
from core.evaluation.metrics import MEASURES
from core.evaluation.systems import DEFAULT_SYSTEMS
from core.formats.trec import run_file_name
from core.samples.library import SAMPLE_COLLECTION, questions
from tests.evaluation.test_runner import CORPUS, QRELS, QUERIES, beir

TREC: Any = ir_measures  # its readers have no types


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    status = main(["evaluate", *arguments])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def found(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    status, out, err = run(capsys, *arguments, "--json")
    assert status == 0, err
    held: dict[str, Any] = json.loads(out)
    return held


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "tiny"
    made.mkdir()
    return beir(made)


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RANKSCOPE_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


def test_the_usual_systems_and_measures_are_those_of_the_engine() -> None:
    assert tuple(SYSTEMS.split(",")) == DEFAULT_SYSTEMS
    assert tuple(METRICS.split(",")) == MEASURES


def test_every_measure_of_every_query(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    """The query "red?" finds d1 alone, "blue?" finds d2 alone, and both are right."""
    held = found(capsys, str(folder), "--systems", "bm25", "--per-query")
    assert set(held["systems"]["bm25"]) == {*MEASURES, "ms_per_query"}
    assert held["systems"]["bm25"]["nDCG@10"] == {"mean": 1, "n": 2}
    assert held["per_query"]["bm25"]["q1"] == {
        "nDCG@10": 1,
        "RR@10": 1,
        "R@5": 1,
        "R@100": 1,
        "P@5": 0.2,
        "AP": 1,
        "Judged@10": 1,
    }
    assert list(held["per_query"]["bm25"]) == ["q2", "q1"]
    assert held["against"] == {}
    status, out, _ = run(capsys, str(folder), "--systems", "bm25", "--metrics", "P@1", "--per-query")
    assert status == 0
    assert "bm25\tP@1\tq1\t1.0000" in out.splitlines()


def test_run_files_give_the_same_figures(capsys: pytest.CaptureFixture[str], folder: Path, tmp_path: Path) -> None:
    runs = tmp_path / "deep" / "runs"
    held = found(capsys, str(folder), "--systems", "bm25", "--runs", str(runs), "--metrics", "nDCG@10,AP,R@1")
    assert sorted(path.name for path in runs.iterdir()) == [run_file_name("bm25"), "qrels.txt"]
    measures = [ir_measures.nDCG @ 10, ir_measures.AP, ir_measures.R @ 1]
    by_hand = ir_measures.calc_aggregate(
        measures, TREC.read_trec_qrels(str(runs / "qrels.txt")), TREC.read_trec_run(str(runs / "bm25.run"))
    )
    assert {str(measure): held["systems"]["bm25"][str(measure)]["mean"] for measure in measures} == {
        str(measure): pytest.approx(value) for measure, value in by_hand.items()
    }


def test_a_measure_with_commas_in_brackets(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    held = found(capsys, str(folder), "--systems", "bm25", "--metrics", "nDCG(gains={1:1,2:3})@10,P@1")
    assert set(held["systems"]["bm25"]) == {"nDCG(gains={1:1,2:3})@10", "P@1", "ms_per_query"}


def test_another_split(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    (folder / "qrels" / "dev.tsv").write_text("query-id\tcorpus-id\tscore\nq3\td1\t1\n")
    held = found(capsys, str(folder), "--systems", "bm25", "--split", "dev")
    assert (held["split"], held["queries"]) == ("dev", 1)
    status, _, err = run(capsys, str(folder), "--split", "train")
    assert status == 1
    assert "train.tsv is missing" in err


def test_what_should_be_known_is_said(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    made = tmp_path / "tiny"
    made.mkdir()
    held = found(
        capsys, str(beir(made, CORPUS, QUERIES, QRELS.partition("\n")[2])), "--systems", "bm25", "--metrics", "P@1"
    )
    assert "test.tsv has no header: its first line was read as a judgment" in held["notes"]


@pytest.mark.parametrize(
    ("options", "status", "words"),
    [
        (["--systems", "bi-exact"], 2, "needs a collection"),
        (["--systems", "other:bm25"], 2, "'other', which is not part of this run"),
        (["--systems", "bm25", "--metrics", "nDCG@0"], 2, "no metric 'nDCG@0'"),
        (["--systems", "bm25", "--metrics", "RBP(p=0.8)"], 2, "cannot be computed here"),
        (["--systems", "bm25", "--runs", "/dev/null/x"], 2, "--runs /dev/null/x cannot be made"),
    ],
)
def test_what_cannot_be_asked_is_said_in_a_line(
    capsys: pytest.CaptureFixture[str], folder: Path, options: list[str], status: int, words: str
) -> None:
    ended, out, err = run(capsys, str(folder), *options)
    assert (ended, out, err.count("\n")) == (status, "", 1)
    assert words in err


@pytest.mark.usefixtures("data")
@pytest.mark.parametrize(
    ("option", "words"),
    [
        ([], "There is no folder and no collection 'nowhere'"),
        (["--model", "x"], "--model is for a BEIR_DIR"),
        (["--chunk"], "--chunk is for a BEIR_DIR"),
    ],
)
def test_a_collection_that_is_not_there(capsys: pytest.CaptureFixture[str], option: list[str], words: str) -> None:
    status, out, err = run(capsys, "nowhere", *option)
    assert (status, out, err.count("\n")) == (2 if option else 1, "", 1)
    assert words in err


def test_a_collection_with_its_judgments(
    capsys: pytest.CaptureFixture[str], sample_data: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The sample library is judged already; a folder of the same name that is no BEIR folder is not in the way."""
    monkeypatch.setenv("RANKSCOPE_DATA", str(sample_data))
    monkeypatch.chdir(tmp_path)
    (tmp_path / SAMPLE_COLLECTION).mkdir()
    held = found(capsys, SAMPLE_COLLECTION, "--systems", "bm25,bi,bi-exact", "--queries", "30", "--runs", "runs")
    assert (held["collection"], held["split"], held["queries"], held["documents"]) == (
        SAMPLE_COLLECTION,
        "samples",
        30,
        82,
    )
    assert len(questions()) > 30
    assert held["systems"]["bi"]["nDCG@10"]["n"] == 30
    assert held["systems"]["bi"]["nDCG@10"]["mean"] > held["systems"]["bm25"]["nDCG@10"]["mean"] > 0.2
    assert held["systems"]["bi"]["nDCG@10"]["mean"] == pytest.approx(
        held["systems"]["bi-exact"]["nDCG@10"]["mean"], abs=0.02
    )
    run_lines = (tmp_path / "runs" / "bi.run").read_text().splitlines()
    assert {len(line.split()) for line in run_lines} == {6}
