"""Runs over collections, kept as experiments and run in the background; scores are the fake encoder's."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import ir_measures
import pytest

from core.errors import CollectionNotFound, DataError, SettingsError, StoreBusy
from core.evaluation.experiments import create, delete, experiments, open_experiment, save
from core.evaluation.index_recall import measure_index, measure_widths, query_recall
from core.evaluation.jobs import CHANGED, EvaluationQueue
from core.evaluation.pool_sweep import sweep_pool
from core.evaluation.results import Results, compare_experiments
from core.evaluation.runner import Request, plan
from core.formats.trec import run_file_name
from core.indexing.indexer import index
from core.loading.sources import Upload
from core.models.cross_encoder import PairScores
from core.records.search import Collection, CollectionOptions
from core.settings import Settings
from core.util.progress import DoneReport
from core.workspace import Workspace
from tests.support.fakes import FakeCrossEncoder, FakeEncoder

TREC: Any = ir_measures  # its readers have no types

FILES = {"a.txt": "red green xx xx", "b.txt": "green", "c.txt": "red red red sun", "d.txt": "red sun", "e.txt": "sea"}
SYSTEMS = ("bm25", "bi", "hybrid", "bi+cross", "bi-exact")


def filled(
    workspace: Workspace, name: str = "tiny", files: dict[str, str] = FILES, wanted: CollectionOptions | None = None
) -> Collection:
    index(
        workspace, workspace.open_or_create(name, wanted), [Upload(file, text.encode()) for file, text in files.items()]
    )
    return workspace.store.collection(name)


def judge(workspace: Workspace, collection: Collection, grades: dict[str, dict[str, int]]) -> None:
    """Judge whole documents by their names."""
    documents = {document.name: document for document in workspace.documents(collection)}
    for query, found in grades.items():
        for name, grade in found.items():
            workspace.judgments.judge(query, documents[name].document_id, 0, documents[name].characters, grade)


def names(workspace: Workspace, collection: Collection, ids: Sequence[str]) -> str:
    held = workspace.document_store.names(collection.key)
    return "".join(held[id_][0] for id_ in ids)


@pytest.fixture
def judged(workspace: Workspace) -> Workspace:
    judge(workspace, filled(workspace), {"red green": {"a.txt": 3, "c.txt": 1}, "sea": {"e.txt": 2}})
    return workspace


def run(workspace: Workspace, request: Request) -> Results:
    made = plan(workspace, request)
    return Results.of(made.judged, made.runner.systems, made.runner.run(), request.measures)


def test_systems_on_a_collection_by_hand(judged: Workspace) -> None:
    results = run(judged, Request(("tiny",), SYSTEMS, pool=3))
    query = next(query for query, text in results.queries.items() if text == "red green")
    collection = judged.store.collection("tiny")
    found = {system: names(judged, collection, results.runs[system].ranking[query]) for system in SYSTEMS}
    assert found == {
        "bm25": found["bm25"],
        "bi": "abcde",
        "hybrid": found["hybrid"],
        "bi+cross": "bcade",
        "bi-exact": "abcde",
    }
    assert sorted(found["bm25"]) == list("abcd")
    assert results.mean("bi", "nDCG@10").n == 2
    assert results.mean("bi", "RR@10").mean == 1
    assert all(set(results.runs[system].milliseconds) == set(results.queries) for system in SYSTEMS)


@pytest.mark.parametrize("metric", ["cosine", "dot", "l2"])
def test_exact_search_ranks_as_the_index_does_by_every_measure(workspace: Workspace, metric: str) -> None:
    collection = filled(workspace, wanted=CollectionOptions(metric=metric))  # type: ignore[arg-type]  # parametrised over the Literal's values
    judge(workspace, collection, {"red green": {"a.txt": 1}, "sun": {"d.txt": 1}})
    made = plan(workspace, Request(("tiny",), ("bi", "bi-exact")))
    for answer in made.runner.run():
        approximate, exact = answer.stage("bi"), answer.stage("bi-exact")
        assert approximate.order == exact.order
        assert approximate.scores == pytest.approx(exact.scores, abs=1e-5)


def test_judged_spans_count_on_another_collection_with_other_chunks(workspace: Workspace) -> None:
    """Judged is the sentence on the sea: both ways to cut have a chunk that counts for it, as one unit."""
    text = "red red red red. sun sun sun sun. sea sea sea sea. moon moon moon moon."
    first = filled(workspace, "sentences", {"x.txt": text}, CollectionOptions(size=8, overlap=0))
    second = filled(workspace, "whole", {"x.txt": text}, CollectionOptions(size=100, overlap=0))
    document = workspace.documents(first)[0].document_id
    start = text.index("sea")
    workspace.judgments.judge("sea", document, start, start + 16, 2)
    results = run(workspace, Request(("sentences",), ("bi", "whole:bi"), ("RR@10", "R@5", "Judged@10")))
    unit = f"{document}:{start}-{start + 16}"
    (query,) = results.queries
    assert results.qrels == {query: {unit: 2}}
    assert results.runs["bi"].ranking[query].count(unit) == 1
    assert results.runs["bi"].ranking[query][0] == unit
    assert results.runs["whole:bi"].ranking[query] == [unit]
    assert (second.chunks, results.mean("whole:bi", "R@5").mean, results.mean("bi", "RR@10").mean) == (1, 1, 1)


def test_judged_documents_that_are_not_here_are_counted(workspace: Workspace) -> None:
    judge(workspace, filled(workspace), {"sea": {"e.txt": 2, "a.txt": 0}})
    filled(workspace, "fewer", {"a.txt": FILES["a.txt"]})
    made = plan(workspace, Request(("tiny",), ("bi", "fewer:bi")))
    assert made.notes == (
        "1 judged document is not in fewer: no system can find them there, and they count as not found",
    )
    filled(workspace, "other", {"z.txt": "tree"})
    with pytest.raises(DataError, match="None of the judged documents is in 'other'"):
        plan(workspace, Request(("tiny",), ("bi", "other:bi")))


@pytest.mark.parametrize(
    ("request_", "error", "words"),
    [
        (Request(("nowhere",), ("bi",)), CollectionNotFound, "nowhere"),
        (Request(("tiny",), ("bogus",)), SettingsError, "bogus"),
        (Request(("tiny",), ("gone:bi",)), CollectionNotFound, "gone"),
        (Request(("tiny",), ("bi",), ("bogus",)), SettingsError, "bogus"),
        (Request(("tiny",), ("bi",), split="bogus"), DataError, "bogus"),
        (Request(("tiny",), ("bi",), queries=0), SettingsError, "0 queries"),
        (Request(("tiny",), ()), SettingsError, "a system"),
        (Request((), ("bi",)), SettingsError, "a collection"),
    ],
)
def test_what_cannot_be_asked_is_said(judged: Workspace, request_: Request, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        plan(judged, request_)


def test_nothing_judged_is_said(workspace: Workspace) -> None:
    filled(workspace)
    with pytest.raises(DataError, match="Nothing is judged in 'tiny'"):
        plan(workspace, Request(("tiny",), ("bi",)))


# ---- experiments


def finished(workspace: Workspace, request: Request) -> str:
    runs = EvaluationQueue(workspace)  # which stops its runs when it goes
    job = runs.start(request)
    job.wait(60)
    assert (job.experiment.state, job.experiment.error) == ("done", "")
    return job.experiment.id


def test_an_experiment_is_kept_whole(judged: Workspace) -> None:
    request = Request(("tiny",), SYSTEMS, pool=3, name="first", note="a note")
    kept = open_experiment(judged.settings.data, finished(judged, request))
    assert (kept.name, kept.request, kept.state) == ("first", request, "done")
    assert kept.facts is not None
    assert kept.facts["collections"]["tiny"]["model"] == "fake"
    assert kept.facts["reranker"] == {"model": "fake-cross", "revision": "1"}
    assert len(kept.data) == 32
    results, direct = kept.results(), run(judged, request)
    assert results.values == direct.values
    assert {name: r.ranking for name, r in results.runs.items()} == {name: r.ranking for name, r in direct.runs.items()}
    assert sweep_pool("bi", kept.candidates(), results.qrels).deepest.depth == 3
    qrels = list(TREC.read_trec_qrels(str(kept.folder / "runs" / "qrels.txt")))
    for system in SYSTEMS:
        found = list(TREC.read_trec_run(str(kept.folder / "runs" / run_file_name(system))))
        by_hand = ir_measures.calc_aggregate([ir_measures.nDCG @ 10], qrels, found)[ir_measures.nDCG @ 10]
        assert results.mean(system, "nDCG@10").mean == pytest.approx(by_hand, abs=1e-9)


def test_experiments_are_listed_newest_first_and_deleted(judged: Workspace) -> None:
    data = judged.settings.data
    assert experiments(data) == ([], [])
    first, second = (finished(judged, Request(("tiny",), ("bi",), name=name)) for name in ("one", "two"))
    assert [one.id for one in experiments(data)[0]] == [second, first]
    delete(data, first)
    assert [one.id for one in experiments(data)[0]] == [second]
    assert [path.name for path in (data / "experiments").iterdir()] == [second]
    for gone in (first, "", "..", "../..", "."):
        with pytest.raises(DataError, match="no experiment"):
            delete(data, gone)
        with pytest.raises(DataError, match="no experiment"):
            open_experiment(data, gone)


def test_a_damaged_experiment_does_not_hide_the_others(judged: Workspace) -> None:
    data = judged.settings.data
    good, bad = (finished(judged, Request(("tiny",), ("bi",))) for _ in range(2))
    (data / "experiments" / bad / "experiment.json").write_text('{"state": ')
    found, wrong = experiments(data)
    assert [one.id for one in found] == [good]
    assert len(wrong) == 1
    assert bad in wrong[0]
    (data / "experiments" / good / "values.json").write_text("[]")
    with pytest.raises(DataError, match="delete the experiment"):
        open_experiment(data, good).results()


def test_two_experiments_side_by_side(judged: Workspace) -> None:
    data = judged.settings.data
    one = open_experiment(data, finished(judged, Request(("tiny",), ("bi", "bi+cross"), pool=5))).results()
    judge(judged, judged.store.collection("tiny"), {"moon": {"d.txt": 1}})
    two = open_experiment(data, finished(judged, Request(("tiny",), ("bi",), ("RR@10",)))).results()
    found = compare_experiments(one, "bi+cross", two, "bi", "RR@10")
    assert (found.common, found.left_out, found.paired.n) == (2, 1, 2)
    assert found.paired.better == 1  # the cross-encoder put b and c before a
    with pytest.raises(DataError, match="not measured in both"):
        compare_experiments(one, "bi", two, "bi", "AP")


class Waiting(FakeCrossEncoder):
    """A cross-encoder that waits until it is let go on, after so many queries."""

    def __init__(self, after: int) -> None:
        super().__init__()
        self.after = after
        self.reached, self.go_on = threading.Event(), threading.Event()

    def score(self, pairs: Sequence[tuple[str, str]], progress: DoneReport | None = None) -> PairScores:
        if self.after == 0:
            self.reached.set()
            assert self.go_on.wait(60)
        self.after -= 1
        return super().score(pairs, progress)


def opened(tmp_path: Path, reranker: FakeCrossEncoder) -> Workspace:
    settings = Settings(tmp_path / "data", model="fake", reranker="fake-cross")
    return Workspace.open(settings, loader=lambda model: FakeEncoder(), reranker_loader=lambda model: reranker)


QUERIES = {f"red {word}": {"a.txt": 1} for word in ("green", "sun", "sea", "moon")}


def test_a_cancelled_run_goes_on_where_it_stood(tmp_path: Path) -> None:
    reranker = Waiting(2)
    workspace = opened(tmp_path, reranker)
    judge(workspace, filled(workspace), QUERIES)
    runs = EvaluationQueue(workspace)
    job = runs.start(Request(("tiny",), ("bi+cross",), pool=3))
    assert reranker.reached.wait(60)
    assert job.active
    assert (job.total, job.done, job.share) == (4, 2, 0.5)
    job.cancel()
    assert job.cancelling
    reranker.go_on.set()
    job.wait(60)
    assert job.experiment.state == "cancelled"
    assert len(job.experiment.candidates()) == 3  # the query that it was at is kept
    with pytest.raises(DataError, match="cancelled, so there are no figures"):
        job.experiment.results()
    read = len(reranker.read)
    again = runs.restart(job.experiment.id)
    assert again is not None
    again.wait(60)
    assert (again.experiment.state, again.share, len(reranker.read)) == ("done", 1.0, read + 3)  # one query's pairs
    assert again.experiment.results().mean("bi+cross", "nDCG@10").n == 4
    workspace.close()


def test_a_run_that_waits_is_cancelled_and_deleted_at_once(tmp_path: Path) -> None:
    reranker = Waiting(0)
    workspace = opened(tmp_path, reranker)
    judge(workspace, filled(workspace), QUERIES)
    runs = EvaluationQueue(workspace)
    running, cancelled, deleted = (runs.start(Request(("tiny",), ("bi+cross",), pool=3)) for _ in range(3))
    assert reranker.reached.wait(60)
    assert [job.stage for job in runs.all()] == ["waiting for the runs before it"] * 2 + [running.stage]
    cancelled.cancel()
    runs.delete(deleted.experiment.id)
    assert (running.state, cancelled.experiment.state, runs.all()) == ("running", "cancelled", [cancelled, running])
    again = runs.restart(cancelled.experiment.id)
    assert again is not None
    reranker.go_on.set()
    again.wait(60)
    assert [one.state for one in experiments(workspace.settings.data)[0]] == ["done", "done"]
    workspace.close()


def test_deleting_one_that_does_not_stop_in_time_is_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reranker = Waiting(0)
    workspace = opened(tmp_path, reranker)
    judge(workspace, filled(workspace), QUERIES)
    runs = EvaluationQueue(workspace)
    job = runs.start(Request(("tiny",), ("bi+cross",), pool=3, name="monday"))
    assert reranker.reached.wait(60)
    monkeypatch.setattr("core.evaluation.jobs.DELETE_PATIENCE", 0.01)
    with pytest.raises(StoreBusy, match="'monday' is still at a step"):
        runs.delete(job.experiment.id)
    assert runs.all() == [job]
    reranker.go_on.set()
    job.wait(60)
    runs.delete(job.experiment.id)
    assert (runs.all(), experiments(workspace.settings.data)[0]) == ([], [])
    workspace.close()


def test_a_killed_run_goes_on_at_the_next_start(tmp_path: Path) -> None:
    """As a killed process leaves it: running, with a last answer that was written by half."""
    workspace = opened(tmp_path, FakeCrossEncoder())
    judge(workspace, filled(workspace), QUERIES)
    request = Request(("tiny",), ("bi+cross",), pool=3)
    data = workspace.settings.data
    done = open_experiment(data, finished(workspace, request))
    lines = (done.folder / "answers.jsonl").read_text().splitlines(keepends=True)
    (done.folder / "answers.jsonl").write_text("".join(lines[:2]) + lines[2][:50])
    (done.folder / "values.json").unlink()
    save(done, state="running")
    (data / "experiments" / "20200101-000000-broken").mkdir()  # killed before it was put by: no experiment
    runs = EvaluationQueue(workspace)
    runs.resume()
    (job,) = runs.all()
    job.wait(60)
    assert job.experiment.state == "done"
    assert [answer.query for answer in job.experiment.candidates()] == [json.loads(line)["query"] for line in lines]
    assert job.experiment.results().mean("bi+cross", "nDCG@10").n == 4
    runs.resume()
    assert runs.all() == [job]  # what is over is left alone
    workspace.close()


def test_a_run_is_left_to_the_next_start_when_the_program_ends(tmp_path: Path) -> None:
    reranker = Waiting(1)
    workspace = opened(tmp_path, reranker)
    judge(workspace, filled(workspace), QUERIES)
    runs = EvaluationQueue(workspace)
    job = runs.start(Request(("tiny",), ("bi+cross",), pool=3))
    assert reranker.reached.wait(60)
    reranker.go_on.set()
    del runs
    job.wait(60)
    assert job.experiment.state in ("running", "done")  # it may have been quicker
    runs = EvaluationQueue(workspace)
    runs.resume()
    for run_ in runs.all():
        run_.wait(60)
    assert open_experiment(workspace.settings.data, job.experiment.id).state == "done"
    workspace.close()


def test_a_run_does_not_go_on_over_other_documents(tmp_path: Path) -> None:
    workspace = opened(tmp_path, FakeCrossEncoder())
    judge(workspace, filled(workspace), QUERIES)
    done = open_experiment(workspace.settings.data, finished(workspace, Request(("tiny",), ("bi",))))
    save(done, state="running")
    filled(workspace, files={"new.txt": "tree"})
    runs = EvaluationQueue(workspace)
    runs.resume()
    runs.all()[0].wait(60)
    assert (runs.all()[0].experiment.state, runs.all()[0].experiment.error) == ("failed", CHANGED)
    workspace.close()


def test_a_run_that_cannot_be_is_refused_or_fails_with_a_reason(judged: Workspace) -> None:
    runs = EvaluationQueue(judged)
    with pytest.raises(SettingsError, match="bogus"):
        runs.start(Request(("tiny",), ("bogus",)))
    assert experiments(judged.settings.data) == ([], [])
    job = runs.start(Request(("nowhere",), ("bi",)))
    job.wait(60)
    assert job.experiment.state == "failed"
    assert "nowhere" in job.experiment.error
    runs.delete(job.experiment.id)
    assert (runs.all(), experiments(judged.settings.data)[0]) == ([], [])


def test_one_process_has_a_run_at_a_time(judged: Workspace) -> None:
    """A run that somebody else has is not begun a second time."""
    from filelock import FileLock

    waiting = create(judged.settings.data, Request(("tiny",), ("bi",)))
    with FileLock(waiting.folder / "lock"):
        runs = EvaluationQueue(judged)
        runs.resume()
        assert runs.all() == []
        assert runs.restart(waiting.id) is None
    runs.resume()
    runs.all()[0].wait(60)
    assert runs.all()[0].experiment.state == "done"


# ---- the index


def test_a_small_index_is_exact(judged: Workspace) -> None:
    collection = judged.store.collection("tiny")
    found = measure_index(judged, collection, ["red green", "sea"], top=3)
    assert (found.recall, [one.missed for one in found.queries], found.width) == (1, [(), ()], 200)
    assert "all of the 3 nearest chunks, for every one of 2 queries" in found.summary
    with pytest.raises(DataError, match="no query"):
        measure_index(judged, collection, [])


NEAREST = {"a": (0.9, "A"), "b": (0.8, "B"), "c": (0.7, "C")}


@pytest.mark.parametrize(
    ("hits", "recall", "missed"),
    [
        ([("a", 0.9), ("b", 0.8), ("c", 0.7)], 1, []),
        ([("a", 0.9), ("c", 0.7), ("d", 0.6)], 2 / 3, [("b", 2)]),
        ([("a", 0.9), ("b", 0.8), ("d", 0.7)], 1, []),  # as near as c: either is right
        ([("d", 0.5), ("e", 0.4), ("f", 0.3)], 0, [("a", 1), ("b", 2), ("c", 3)]),
        ([("a", 0.9)], 1 / 3, [("b", 2), ("c", 3)]),  # too few were found
        ([], 0, [("a", 1), ("b", 2), ("c", 3)]),
    ],
)
def test_what_the_index_missed_by_hand(
    hits: list[tuple[str, float]], recall: float, missed: list[tuple[str, int]]
) -> None:
    found = query_recall("q", hits, NEAREST)
    assert found.recall == pytest.approx(recall)
    assert [(one.chunk_id, one.rank) for one in found.missed] == missed


def test_other_widths_are_tried_on_a_copy(judged: Workspace) -> None:
    collection = judged.store.collection("tiny")
    steps: list[tuple[int, int]] = []
    found = measure_widths(
        judged, collection, ["red green"], [10, 50], top=3, report=lambda done, total: steps.append((done, total))
    )
    assert [(one.width, one.recall, one.current) for one in found] == [(10, 1, False), (50, 1, False), (200, 1, True)]
    assert steps == [(0, 3), (1, 3), (2, 3), (3, 3)]
    assert judged.store.search_width(judged.store.collection("tiny")) == 200
