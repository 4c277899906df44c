"""What an earlier Rankscope left on the disk opens still, and says what it said then.

See files/older_data/README.md.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import zipfile
from collections.abc import Iterator
from contextlib import closing
from io import BytesIO
from pathlib import Path
from typing import Any

import chromadb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core.evaluation.experiments import Experiment, experiments
from core.evaluation.jobs import EvaluationQueue
from core.evaluation.runner import plan
from core.exchange.bundle import export_bundle, import_bundle
from core.formats.trec import write_runs
from core.indexing._spool import Spool, queued_runs
from core.indexing.indexer import index
from core.indexing.jobs import IndexingQueue
from core.library.document_view import open_document
from core.loading.sources import Upload
from core.models.bi_encoder import BiEncoder
from core.models.registry import ModelRegistry as Catalog
from core.projection.cache import load_clusters, load_neighbours
from core.projection.jobs import ProjectionQueue
from core.projection.points import load_current_points, read_points
from core.projection.records import LayoutSettings
from core.records.document import Table
from core.records.judgments import Judgment
from core.records.search import ChunkSettings, Collection
from core.retrieval.search import rerank, search
from core.settings import Settings
from core.workspace import Workspace

OLDER = Path(__file__).parent / "files" / "older_data"
FIRST, SECOND = "harbour-guide", "Tides / “ebb & flow” №2"
CLOSE = 1e-3  # of scores: what another processor may make of the query's vector
HARBOUR, WATCH, WORDS = (
    "50bb18289e4045480392aa72999db7f2",
    "0a1c24758928ba9c19afda8df1a297f2",
    "312100fd05e0b078bd3c9c75c7bda73a",
)
STATIONS, HANDBOOK = "d8e64767fb38da6a2f852395bf63516c", "b43a5a1fd34ffae3c6d0babca826e1d3"
GATE = "When is the flood gate closed?"
FROST = "A gauge that freezes in hard winters"
RANKINGS = {  # chunk id, document, start, end, similarity
    (FIRST, GATE): [
        ("2e3fb15943cbe8dbae0b2c8d34dd5881", "harbour.md", 625, 1220, 0.61344),
        ("67694ab7cc8583b0302b41d6df2dd72a", "watch.srt", 0, 245, 0.50612),
        ("40289686fdc220d0affc9b6225799427", "stations.csv", 582, 915, 0.37238),
        ("846aeda7f2a32b984db46b4a6a813814", "stations.csv", 0, 746, 0.34049),
        ("a2dd6de402576405517ff06333b92382", "harbour.md", 0, 272, 0.23071),
    ],
    (FIRST, "潮の満ち引き"): [
        ("14ec347c5b0f085c93e10df374f5cd05", "words.txt", 243, 697, 0.26272),
        ("8e0b7f2c6cbc9b411e72f8a416d54085", "words.txt", 0, 312, 0.12136),
        ("970cd37376ba8d405a857e41a7fde4dd", "harbour.md", 274, 623, 0.06058),
    ],
    (SECOND, FROST): [
        ("a1f263b72a2f5f20f6b455b8a3911c7a", "harbour.md", 1117, 1160, -1.19355),
        ("152a1e846ed9ba75b28a2cf3ae2a14d1", "harbour.md", 1009, 1116, -1.19915),
        ("361635e2a8b049ca7df1e9fc9c22af10", "stations.csv", 194, 382, -1.20304),
    ],
}
TABLES = {
    "texts": ["document_id", "text", "marks"],
    "entries": ["collection", "document_id", "name", "state", "size", "characters", "chunks", "added", "metadata"],
    "files": ["print", "document_id"],
    "contents": ["collection", "document_id", "chunk_id", "content"],
    "queries": ["collection", "query_id", "text", "plain"],
    "judgments": [
        "collection",
        "split",
        "query_id",
        "document_id",
        "start",
        "end",
        "grade",
        "origin",
        "who",
        "made",
        "note",
    ],
    "judging_steps": ["step", "collection", "what", "made", "changes"],
}
ADDED_COLUMNS = {"entries": ["notes"]}  # since then; files of that time get them when they are opened
ADDED_TABLES = {"aliases": ["collection", "name", "document_id"]}
INDEXES = {"entries_by_name", "unready", "contents_by_content", "queries_by_text"}
JOB_TABLES = {
    "files": ["position", "name", "size", "path", "tables"],
    "parts": ["position", "number", "data"],
    "job": ["collection", "name", "on_change", "files", "state", "error", "outcomes"],
}


def settings(folder: Path) -> Settings:
    return Settings(folder, precision="float32", device="cpu")


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    return Catalog(settings(tmp_path_factory.mktemp("models")))


@pytest.fixture
def older(tmp_path: Path) -> Path:
    """A copy of the older data folder."""
    return Path(shutil.copytree(OLDER / "data", tmp_path / "data"))


@pytest.fixture
def opened(older: Path, models: Catalog) -> Iterator[Workspace]:
    workspace = Workspace.open(settings(older), models.get, models.reranker)
    yield workspace
    workspace.close()


@pytest.fixture
def empty(tmp_path: Path, models: Catalog) -> Iterator[Workspace]:
    """A data folder as it is made today."""
    workspace = Workspace.open(settings(tmp_path / "new"), models.get, models.reranker)
    yield workspace
    workspace.close()


def columns(file: Path) -> dict[str, list[str]]:
    with closing(sqlite3.connect(file)) as database:
        tables = [
            row[0]
            for row in database.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
            )
        ]
        return {table: [row[1] for row in database.execute(f"PRAGMA table_info({table})")] for table in tables}


def indexes(file: Path) -> set[str]:
    with closing(sqlite3.connect(file)) as database:
        return {
            row[0]
            for row in database.execute(
                "SELECT name FROM sqlite_master WHERE type = 'index' AND name NOT LIKE 'sqlite_%'"
            )
        }


def experiment(folder: Path, name: str) -> Experiment:
    found, wrong = experiments(folder)
    assert wrong == []
    return next(one for one in found if one.name == name)


def check_ranking(workspace: Workspace, name: str, query: str) -> None:
    wanted = RANKINGS[name, query]
    hits = search(workspace, name, query, len(wanted)).hits
    assert [(hit.chunk_id, hit.document, hit.start, hit.end) for hit in hits] == [line[:4] for line in wanted]
    assert [hit.bi_score for hit in hits] == pytest.approx([line[4] for line in wanted], abs=CLOSE)


# ---- names on the disk


def test_the_data_folder_holds_these_files_and_folders(older: Path) -> None:
    # the others are Chroma's
    ours = sorted(path.name for path in older.iterdir() if not (path / "header.bin").is_file())
    assert ours == ["arriving", "chroma.sqlite3", "experiments", "jobs", "maps", "rankscope.lock", "rankscope.sqlite3"]
    assert sorted(path.name for path in (older / "maps").iterdir()) == ["clusters", "layouts", "neighbours", "points"]


def test_tables_and_columns_are_called_as_they_were(older: Path, empty: Workspace) -> None:
    file = older / "rankscope.sqlite3"
    assert (columns(file), indexes(file)) == (TABLES, INDEXES)
    assert sorted(path.name for path in empty.settings.data.glob("[!.]*.sqlite3")) == [
        "chroma.sqlite3",
        "rankscope.sqlite3",
    ]
    made = empty.settings.data / "rankscope.sqlite3"
    tables_of_today = {table: [*names, *ADDED_COLUMNS.get(table, [])] for table, names in TABLES.items()}
    assert (columns(made), indexes(made)) == (tables_of_today | ADDED_TABLES, INDEXES)


def test_files_of_queued_runs_have_the_tables_that_they_had(older: Path, empty: Workspace) -> None:
    assert [columns(path) for path in sorted((older / "jobs").glob("*.sqlite3"))] == [JOB_TABLES, JOB_TABLES]
    spool = Spool.create(empty.settings.data, empty.create("c"), [Upload("a.txt", b"a")], "replace")
    spool.release()
    assert columns(spool.path) == JOB_TABLES
    assert spool.path.relative_to(empty.settings.data).match("jobs/*.sqlite3")


# ---- collections, documents, search


def test_collections_are_what_they_were(opened: Workspace) -> None:
    first, second = opened.store.collections()
    assert (first.name, first.chunks, first.metric, first.chunking) == (
        FIRST,
        9,
        "cosine",
        ChunkSettings(200, 40, "structure"),
    )
    assert (second.name, second.chunks, second.metric, second.chunking) == (
        SECOND,
        19,
        "l2",
        ChunkSettings(64, 0, "rows", rows=1),
    )
    assert (first.chroma_name, second.chroma_name) == (FIRST, "rankscope-b0d2ceac5aca7dbf16cbae63af2d018b")
    for collection in (first, second):
        assert (collection.model, collection.dimension, collection.query_prompt, collection.document_prompt) == (
            "all-MiniLM-L6-v2",
            384,
            "",
            "",
        )
        assert not collection.foreign
        assert opened.store.collection(collection.name) == collection
        assert opened.store.search_width(collection) == 200


def test_documents_and_their_texts_are_there(opened: Workspace) -> None:
    first, second = opened.store.collections()
    assert [(held.name, held.document_id, held.chunks, held.characters) for held in opened.documents(first)] == [
        ("harbour.md", HARBOUR, 4, 1462),
        ("stations.csv", STATIONS, 2, 916),
        ("watch.srt", WATCH, 1, 246),
        ("words.txt", WORDS, 2, 698),
    ]
    assert [(held.name, held.document_id, held.chunks) for held in opened.documents(second)] == [
        ("handbook.pdf", HANDBOOK, 5),
        ("harbour.md", HARBOUR, 9),
        ("stations.csv", STATIONS, 5),
    ]
    assert {held.metadata["source"] for held in opened.documents(first)} == {
        "files/harbour.md",
        "files/stations.csv",
        "files/watch.srt",
        "files/words.txt",
    }
    for name, document_id in (("harbour.md", HARBOUR), ("words.txt", WORDS)):
        assert opened.document_store.document(document_id).text == (OLDER / "files" / name).read_text(encoding="utf-8")
    assert "🌊 high water" in opened.document_store.document(WORDS).text
    for collection in (first, second):
        for held in opened.documents(collection):
            assert opened.document_store.document(held.document_id).id == held.document_id


def test_what_hangs_on_spans_is_there(opened: Workspace) -> None:
    first, second = opened.store.collections()
    harbour = open_document(opened, first, HARBOUR)
    assert [heading.title for heading in harbour.document.headings] == [
        "Harbour guide",
        "Mooring",
        "Storm surge",
        "Fees",
    ]
    assert harbour.document.tables == (Table(1009, 1220, 1068),)
    assert [chunk.heading for chunk in harbour.chunks] == [
        "Harbour guide",
        *(f"Harbour guide › {title}" for title in ("Mooring", "Storm surge", "Fees")),
    ]
    times = opened.document_store.document(WATCH).times
    assert [(time.begin, time.until) for time in times] == [(1.0, 4.5), (5.0, 9.0), (70.0, 73.25), (74.0, 78.0)]
    stations = open_document(opened, second, STATIONS)
    lock = {"station": "Lower lock", "country": "Norland", "opened": "1974-09-15", "depth": 6.0, "automatic": "yes"}
    assert (stations.document.rows[1].fields, stations.chunks[1].metadata) == (lock, lock)
    assert [chunk.page for chunk in open_document(opened, second, HANDBOOK).chunks] == [1, 1, 1, 2, 2]
    assert [page.number for page in opened.document_store.document(HANDBOOK).pages] == [1, 2, 3]
    assert [chunk.carried for chunk in open_document(opened, second, HARBOUR).chunks if chunk.carried] == [
        "| gauge | level in cm | what happens |"
    ] * 2
    assert [field.name for field in opened.store.fields(second)] == [
        "automatic", "country", "date", "depth", "gauge", "level in cm", "opened", "station", "title",
    ]  # fmt: skip


@pytest.mark.parametrize(("name", "query"), RANKINGS)
def test_searching_finds_what_it_found(opened: Workspace, name: str, query: str) -> None:
    check_ranking(opened, name, query)


def test_reranking_gives_the_order_that_it_gave(opened: Workspace) -> None:
    reranked = rerank(search(opened, FIRST, FROST, 3), opened.models.reranker())
    assert [hit.document for hit in reranked.hits] == ["stations.csv", "harbour.md", "words.txt"]
    assert [hit.bi_rank for hit in reranked.hits] == [3, 1, 2]


def test_the_same_files_are_unchanged_and_no_text_is_embedded_again(opened: Workspace) -> None:
    files = [Upload(path.name, path.read_bytes()) for path in sorted((OLDER / "files").iterdir())]
    first = opened.store.collection(FIRST)
    assert [(outcome.name, outcome.status) for outcome in index(opened, first, files)] == [
        (file.name, "unchanged") for file in files
    ]
    again = index(opened, opened.create("again"), files)
    assert [(outcome.status, outcome.chunks, outcome.reused) for outcome in again] == [
        ("indexed", many, many) for many in (4, 2, 1, 2)
    ]
    assert {chunk_id for ids, _ in opened.store.vectors(opened.store.collection("again")) for chunk_id in ids} == {
        chunk_id for ids, _ in opened.store.vectors(first) for chunk_id in ids
    }


def test_chromadb_alone_opens_and_counts_the_collections(older: Path) -> None:
    """With what killed processes left, which no other program removes."""
    client: Any = chromadb.PersistentClient(path=str(older))
    try:
        held = {collection.metadata["title"]: collection for collection in client.list_collections()}
        arriving = f"rankscope-arriving-{next((older / 'arriving').iterdir()).name}"
        assert {title: collection.count() for title, collection in held.items()} == {
            FIRST: 9,
            SECOND: 19 + 1,
            arriving: 0,
        }
        assert held[FIRST].metadata == {
            "rankscope_schema": 1,
            "title": FIRST,
            "model": "all-MiniLM-L6-v2",
            "revision": "53aa51172d14",
            "dimension": 384,
            "metric": "cosine",
            "query_prompt": "",
            "document_prompt": "",
            "chunk_size": 200,
            "chunk_overlap": 40,
            "chunk_method": "structure",
            "chunk_rows": 1,
            "chunk_percentile": 90,
            "created": held[FIRST].metadata["created"],
        }
        [one] = held[SECOND].get(ids=["361635e2a8b049ca7df1e9fc9c22af10"])["metadatas"]
        assert one == {
            **{"document_id": STATIONS, "document": "stations.csv", "start": 194, "end": 382, "tokens": 48},
            **{
                "meta.station": "Lower lock",
                "meta.country": "Norland",
                "meta.opened": "1974-09-15",
                "meta.depth": 6.0,
                "meta.automatic": "yes",
            },
        }
    finally:
        client.close()


# ---- what killed processes left


def test_what_was_half_stored_or_arriving_is_removed(older: Path, models: Catalog) -> None:
    with closing(sqlite3.connect(older / "rankscope.sqlite3")) as database:
        assert database.execute("SELECT name FROM entries WHERE state = 'adding'").fetchall() == [("half.txt",)]
    with closing(sqlite3.connect(older / "chroma.sqlite3")) as database:
        assert database.execute(
            "SELECT count(*) FROM collections WHERE name LIKE 'rankscope-arriving-%'"
        ).fetchone() == (1,)
    assert len(list((older / "arriving").iterdir())) == 1
    with closing(Workspace.open(settings(older), models.get)) as workspace:
        assert workspace.document_store.unfinished() == []
        assert [collection.name for collection in workspace.store.collections()] == [FIRST, SECOND]
        assert workspace.store.collection(SECOND).chunks == 19
    assert list((older / "arriving").iterdir()) == []
    with closing(sqlite3.connect(older / "chroma.sqlite3")) as database:
        assert database.execute("SELECT count(*) FROM collections").fetchone() == (2,)


def test_a_queued_run_is_taken_up_and_one_with_a_failed_file_is_listed(opened: Workspace) -> None:
    jobs = IndexingQueue()
    jobs.resume(opened)
    waiting, over = jobs.all()
    assert (over.collection, over.state, over.retryable, over.resumed) == (SECOND, "done", 1, False)
    assert [(outcome.name, outcome.status, outcome.chunks) for outcome in over.outcomes] == [
        ("broken.pdf", "failed", 0),
        ("stations.csv", "unchanged", 5),
    ]
    assert (waiting.collection, waiting.files, waiting.resumed) == (SECOND, 2, True)
    waiting.wait(120)
    assert (waiting.state, [(outcome.name, outcome.status) for outcome in waiting.outcomes]) == (
        "done",
        [("buoys.csv", "indexed"), ("note.txt", "indexed")],
    )
    second = opened.store.collection(SECOND)
    texts = {held.name: opened.document_store.document(held.document_id) for held in opened.documents(second)}
    assert texts["note.txt"].text == "The lantern of buoy B2 is out 🔦."
    assert "vor der Möweninsel" in texts["buoys.csv"].text
    assert "grün" not in texts["buoys.csv"].text  # the choice of columns was put by too
    assert [dict(row.fields) for row in texts["buoys.csv"].rows] == [{"colour": "red"}, {"colour": "grün"}]
    assert len(queued_runs(opened.settings.data)) == 1
    jobs.dismiss(over)
    assert queued_runs(opened.settings.data) == []


def test_a_killed_experiment_goes_on_where_it_stood(opened: Workspace) -> None:
    killed = experiment(opened.settings.data, "Killed on the way")
    assert (killed.state, len(killed.candidates()), len(killed.judged().queries)) == ("running", 1, 3)
    before = killed.candidates()
    runs = EvaluationQueue(opened)
    runs.resume()
    [run] = runs.all()
    run.wait(120)
    assert (run.experiment.id, run.experiment.state, run.experiment.error) == (killed.id, "done", "")
    assert (len(run.experiment.candidates()), run.experiment.candidates()[:1]) == (3, before)
    assert run.experiment.results().mean("bm25", "nDCG@10").mean == pytest.approx(1)


# ---- judgments and experiments


def test_judgments_hang_on_their_spans_with_their_grades(opened: Workspace) -> None:
    key, judged = opened.store.collection(FIRST).key, opened.judgments
    assert judged.splits(key) == ["exam", "judged"]
    queries = judged.queries(key)
    found = [
        (
            one.split,
            queries[one.query_id],
            one.document_id,
            one.start,
            one.end,
            one.grade,
            one.origin,
            one.who,
            one.note,
        )
        for one in judged.judgments(key)
    ]
    assert found == [
        ("exam", "Which gauge freezes in winter?", HARBOUR, 0, 1462, 0, "TREC exam.txt", "school", ""),
        ("exam", "Which gauge freezes in winter?", STATIONS, 0, 916, 2, "TREC exam.txt", "school", ""),
        ("exam", "A yacht without an engine", WATCH, 0, 246, 1, "TREC exam.txt", "school", ""),
        ("judged", GATE, WATCH, 50, 119, 1, "", "Bo", ""),
        ("judged", GATE, HARBOUR, 641, 873, 3, "", "Ada", "names the gauge"),
        ("judged", "Where do guests moor?", HARBOUR, 286, 343, 3, "", "", ""),
        ("judged", "Where do guests moor?", STATIONS, 9, 192, 0, "", "", ""),
        ("judged", "Wer schließt das Fluttor?", WORDS, 123, 242, 3, "", "", ""),
    ]
    assert (
        opened.document_store.document(HARBOUR).text[286:343]
        == "Guests moor at the eastern quay, between the white posts."
    )
    assert (
        opened.document_store.document(WATCH).text[50:119]
        == "The flood gate closes in twenty minutes, come in now or stay outside."
    )
    assert [one.grade for one in judged.for_query(key, "  wer SCHLIESST das fluttor? ")] == [3]
    assert [one.document_id for one in judged.judgments(opened.store.collection(SECOND).key)] == [
        HARBOUR,
        HARBOUR,
        STATIONS,
    ]


def test_steps_of_judging_can_be_taken_back(opened: Workspace) -> None:
    key = opened.store.collection(FIRST).key
    undone = [step for step in (opened.judgments.undo() for _ in range(6)) if step]
    assert (undone[0].what, undone[0].judgments) == ("import of 3 judgments from exam.txt", 3)
    assert undone[-1].what == f"grade 3 for “{GATE}”"
    [left] = opened.judgments.judgments(key)
    assert (left.document_id, left.grade, left.who, left.note) == (HARBOUR, 2, "Ada", "names the gauge")


def test_an_experiment_opens_with_its_figures_and_its_run_files(opened: Workspace, tmp_path: Path) -> None:
    kept = experiment(opened.settings.data, "Before the move")
    other = f"{SECOND}:bi"
    assert (kept.state, kept.request.note, kept.request.pool, kept.request.measures) == (
        "done",
        "five systems",
        5,
        ("nDCG@10", "RR@10", "Judged@10"),
    )
    assert kept.notes == (
        f"2 judged documents are not in {SECOND}: no system can find them there, and they count as not found",
    )
    results = kept.results()
    assert results.systems == ("bm25", "bi", "hybrid", "bi+cross@3", other)
    assert {name: results.mean(name, "nDCG@10").mean for name in results.systems} == pytest.approx(
        {"bm25": 1.0, "bi": 0.92619, "hybrid": 0.92619, "bi+cross@3": 1.0, other: 0.43045}, abs=1e-5
    )
    assert [results.mean(name, "RR@10").mean for name in results.systems] == pytest.approx([1, 0.9, 0.9, 1, 0.4])
    assert results.mean("bi", "nDCG@10").n == len(results.queries) == 5
    write_runs(tmp_path / "runs", {name: run.ranking for name, run in results.runs.items()}, results.qrels)
    files = {path.name: path.read_text(encoding="utf-8") for path in (tmp_path / "runs").iterdir()}
    assert sorted(files) == [
        "Tides _ _ebb _ flow_ _2_bi.run",
        "bi+cross@3.run",
        "bi.run",
        "bm25.run",
        "hybrid.run",
        "qrels.txt",
    ]
    assert files == {path.name: path.read_text(encoding="utf-8") for path in (kept.folder / "runs").iterdir()}
    assert f"924b73f56099d68f 0 {HARBOUR}:641-873 3\n" in files["qrels.txt"]


def test_an_experiment_of_today_is_over_the_same_data(opened: Workspace) -> None:
    """The hash of queries, judgments, chunks and settings.

    What tells whether two experiments can be compared, and a killed one go on.
    """
    kept = experiment(opened.settings.data, "Before the move")
    made = plan(opened, kept.request)
    assert made.data == kept.data == "f6333bca29dc173189e00a22ab574bc9"
    assert json.loads(json.dumps(made.facts)) == kept.facts


# ---- maps


def picture(method: str) -> LayoutSettings:
    return LayoutSettings(method=method, n_neighbors=5, perplexity=3)  # type: ignore[arg-type]  # parametrised over the Literal's values


@pytest.mark.parametrize("method", ["pca", "umap", "tsne"])
def test_a_map_is_found_again_and_nothing_is_computed(opened: Workspace, method: str) -> None:
    first, data = opened.store.collection(FIRST), opened.settings.data
    before = {path: (path.stat().st_ino, path.read_bytes()) for path in (data / "maps").rglob("*") if path.is_file()}
    points, projections = read_points(opened, first), ProjectionQueue(data)
    layout = projections.cached_layout(points, picture(method))
    assert layout is not None
    assert (points.digest, layout.digest) == ("3265df2d0551b81a3833107325a41024",) * 2
    assert (layout.xy.shape, layout.settings, layout.fitted.all()) == ((9, 2), picture(method), np.True_)
    assert projections.request_layout(points, picture(method)).state == "done"
    clusters = load_clusters(projections.data, points, layout)
    assert clusters is not None
    assert clusters.labels.tolist() == [-1] * 9  # too few for groups
    neighbours = load_neighbours(data, points.digest, 4)
    assert neighbours is not None
    assert neighbours.indices[0, :3].tolist() == [7, 3, 6]
    assert {
        path: (path.stat().st_ino, path.read_bytes()) for path in (data / "maps").rglob("*") if path.is_file()
    } == before


def test_the_clusters_of_a_map_have_the_words_that_they_had(opened: Workspace) -> None:
    projections, points = ProjectionQueue(opened.settings.data), read_points(opened, opened.store.collection(SECOND))
    layout = projections.cached_layout(points, picture("umap"))
    assert layout is not None
    clusters = load_clusters(projections.data, points, layout)
    assert clusters is not None
    assert (clusters.sizes, clusters.names) == ((11, 8), ("automatic, country, depth", "bridge, closed, flood"))
    in_first = [points.documents[place] for place in np.flatnonzero(clusters.labels == 0)]
    assert in_first.count("stations.csv") == 5  # all of them: these words head their lines


def test_the_points_of_a_map_are_known_by_the_collections_version(opened: Workspace) -> None:
    first, data = opened.store.collection(FIRST), opened.settings.data
    noted = json.loads((data / "maps" / "points" / first.key / "current.json").read_text(encoding="utf-8"))
    points = load_current_points(data, first.key, noted["version"])
    assert points is not None
    assert points.chunk_ids == tuple(sorted(points.chunk_ids))
    assert dict(zip(points.chunk_ids, points.documents, strict=True))["14ec347c5b0f085c93e10df374f5cd05"] == "words.txt"


# ---- the export


def no_model(model: str) -> BiEncoder:
    raise AssertionError(f"{model} was loaded, and nothing should be embedded")


def test_a_bundle_comes_in_without_embedding_and_is_searched_with_the_same_result(
    tmp_path: Path, models: Catalog
) -> None:
    with closing(Workspace.open(settings(tmp_path / "new"), no_model)) as workspace:
        brought = import_bundle(workspace, OLDER / "bundle.zip")
        assert (
            brought.collection.name,
            brought.documents,
            brought.collection.chunks,
            brought.queries,
            brought.judgments,
        ) == (FIRST, 4, 9, 5, 8)
        assert (brought.collection.metric, brought.collection.chunking) == ("cosine", ChunkSettings(200, 40))
    with closing(Workspace.open(settings(tmp_path / "new"), models.get)) as workspace:
        for name, query in RANKINGS:
            if name == FIRST:
                check_ranking(workspace, name, query)
        assert graded(workspace, workspace.store.collection(FIRST))[GATE, HARBOUR, 641, 873].note == "names the gauge"
        assert len(graded(workspace, workspace.store.collection(FIRST))) == 8


def graded(workspace: Workspace, collection: Collection) -> dict[tuple[str, str, int, int], Judgment]:
    queries = workspace.judgments.queries(collection.key)
    return {
        (queries[one.query_id], one.document_id, one.start, one.end): one
        for one in workspace.judgments.judgments(collection.key)
    }


def test_a_bundle_of_today_says_the_same(opened: Workspace, tmp_path: Path) -> None:
    export_bundle(opened, FIRST, tmp_path / "today.zip")
    with zipfile.ZipFile(OLDER / "bundle.zip") as older, zipfile.ZipFile(tmp_path / "today.zip") as today:
        parts = [f"{name}.parquet" for name in ("documents", "chunks", "queries", "judgments")]
        assert older.namelist() == today.namelist() == [*parts, "manifest.json"]
        then, now = (json.loads(archive.read("manifest.json")) for archive in (older, today))
        assert list(then) == list(now)
        for manifest in (then, now):
            assert [sorted(part) for part in manifest.pop("parts").values()] == [["sha256", "size"]] * 4
            manifest.pop("exported")
        assert then == now
        for part in parts:
            one, other = (pq.read_table(BytesIO(archive.read(part))) for archive in (older, today))
            assert one.schema.equals(other.schema)
            assert rows(one) == rows(other)


def rows(table: pa.Table) -> list[dict[str, Any]]:
    """Rows in an order of their own; a chunk's metadata has its fields in any order."""
    told = [
        {name: json.loads(value) if name == "metadata" else value for name, value in row.items()}
        for row in table.to_pylist()
    ]
    return sorted(told, key=lambda row: json.dumps(row, sort_keys=True))
