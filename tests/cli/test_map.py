"""The shell's map: a page and a table, the same from run to run."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from core.cli.main import main
from core.indexing.indexer import index
from core.loading.sources import Upload
from core.settings import Settings
from core.workspace import Workspace
from tests.support.cli import run

TEXTS = {
    "kettle": [
        "Descale the kettle with citric acid.",
        "Boil the water in the kettle twice.",
        "Rinse the kettle after descaling.",
        "The kettle switches itself off when the water boils.",
    ],
    "bike": [
        "Pump the tyres of the bicycle.",
        "Oil the bicycle chain each month.",
        "The bicycle brakes squeal when wet.",
        "Adjust the bicycle saddle to your height.",
    ],
}
COLUMNS = ["chunk_id", "document", "start", "end", "x", "y", "tokens", "cluster", "cluster_name"]


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RANKSCOPE_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture(scope="module")
def indexed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with eight short documents in the collection 'home'."""
    folder = tmp_path_factory.mktemp("map")
    workspace = Workspace.open(Settings(folder))
    texts = [
        Upload(f"{name}-{number}.txt", text.encode())
        for name, held in TEXTS.items()
        for number, text in enumerate(held)
    ]
    index(workspace, workspace.open_or_create("home"), texts)
    workspace.close()
    return folder


@pytest.fixture
def home(indexed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder to write to."""
    monkeypatch.setenv("RANKSCOPE_DATA", str(indexed))
    return tmp_path


def drawn(capsys: pytest.CaptureFixture[str], out: Path, *options: str) -> tuple[Any, str]:
    status, said, err = run(capsys, "map", "home", "--out", str(out), "--json", *options)
    assert status == 0, err
    return json.loads(said), err


def test_a_table_has_a_row_a_chunk(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = home / "map.csv"
    said, _ = drawn(capsys, out, "--method", "pca")
    assert (said["collection"], said["method"], said["settings"], said["chunks"], said["fitted"], said["out"]) == (
        "home",
        "pca",
        {"method": "pca"},
        8,
        8,
        str(out),
    )
    assert (said["k"], said["query"]) == (3, None)
    assert 0 < said["trustworthiness"] <= 1
    assert 0 < said["continuity"] <= 1
    with out.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == COLUMNS
    assert sorted(row["document"] for row in rows) == sorted(
        f"{name}-{number}.txt" for name in TEXTS for number in range(4)
    )
    assert [row["chunk_id"] for row in rows] == sorted(row["chunk_id"] for row in rows)
    for row in rows:
        name, _, number = row["document"].removesuffix(".txt").partition("-")
        assert (row["start"], row["end"]) == ("0", str(len(TEXTS[name][int(number)])))
        float(row["x"]), float(row["y"])
    before = out.read_bytes()
    drawn(capsys, out, "--method", "pca")
    assert out.read_bytes() == before


def test_a_query_has_a_place_but_no_row(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = home / "map.csv"
    said, err = drawn(capsys, out, "--method", "pca", "--query", " how do I descale a kettle? ")
    query = said["query"]
    assert (query["text"], query["k"]) == ("how do I descale a kettle?", 8)
    assert query["sentence"] == "8 of your 8 nearest chunks are among the 8 nearest on screen"
    assert f"the query lies at x {query['x']:.4f}, y {query['y']:.4f}" in err
    with out.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert (len(rows), list(rows[0])) == (8, [*COLUMNS, "similarity", "rank", "rank_on_screen"])
    ranked = sorted(rows, key=lambda row: int(row["rank"]))
    assert [row["chunk_id"] for row in ranked] == query["kept"]
    assert ranked[0]["document"].startswith("kettle")
    assert [float(row["similarity"]) for row in ranked] == sorted(
        (float(row["similarity"]) for row in rows), reverse=True
    )
    far = {row["chunk_id"]: (float(row["x"]) - query["x"]) ** 2 + (float(row["y"]) - query["y"]) ** 2 for row in rows}
    assert [row["chunk_id"] for row in sorted(rows, key=lambda row: int(row["rank_on_screen"]))] == sorted(
        far, key=lambda chunk_id: far[chunk_id]
    )


def test_a_page_stands_alone(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = home / "map.HTML"
    status, said, err = run(capsys, "map", "home", "--out", str(out), "--method", "pca", "--query", "<b>kettle</b>")
    assert status == 0, err
    assert f"{out}: 8 chunks" in said
    assert "Trustworthiness" in said
    assert "8 of your 8 nearest chunks" in said
    page = out.read_text(encoding="utf-8")
    assert "kettle-0.txt" in page
    assert "<title>home: “&lt;b&gt;kettle&lt;/b&gt;”</title>" in page
    assert [path.name for path in home.iterdir() if path.name.endswith(".tmp")] == []


def test_a_document_named_like_a_formula_is_not_run_by_a_spreadsheet(
    tmp_path: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace = Workspace.open(Settings(data))
    index(
        workspace,
        workspace.open_or_create("home"),
        [Upload(f"={name}.txt", held[0].encode()) for name, held in TEXTS.items()],
    )
    workspace.close()
    drawn(capsys, tmp_path / "map.csv", "--method", "pca")
    with (tmp_path / "map.csv").open(encoding="utf-8", newline="") as file:
        assert sorted(row["document"] for row in csv.DictReader(file)) == ["'=bike.txt", "'=kettle.txt"]


def test_umap_by_its_settings(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = home / "map.csv"
    said, err = drawn(capsys, out, "--n-neighbors", "4", "--min-dist", "0.3", "--seed", "7")
    assert said["settings"] == {"method": "umap", "n_neighbors": 4, "min_dist": 0.3, "seed": 7, "limit": 100_000}
    assert "laying out by UMAP" in err
    before = out.read_bytes()
    _, err = drawn(capsys, out, "--n-neighbors", "4", "--min-dist", "0.3", "--seed", "7")
    assert "laying out" not in err  # it was kept
    assert out.read_bytes() == before


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--out", "map.txt"], "ends in .html or .csv"),
        (["--out", "map"], "ends in .html or .csv"),
        (["--out", "no/such/folder/map.csv"], "no folder 'no/such/folder'"),
        (["--out", "m.csv", "--method", "som"], "no map by 'som': use one of umap, pca, tsne"),
        (["--out", "m.csv", "--n-neighbors", "1"], "use 2 to 200"),
        (["--out", "m.csv", "--min-dist", "-1"], "use 0 to 1"),
        (["--out", "m.csv", "--seed", "-1"], "seed -1"),
        (["--out", "m.csv", "--query", "  "], "empty"),
    ],
)
def test_a_wrong_call_is_told_before_any_work(
    options: list[str], words: str, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out, err = run(capsys, "map", "home", *options)
    assert (status, out) == (2, "")
    assert err.startswith("error: ")
    assert words in err
    assert not data.exists()


def test_what_cannot_be_drawn_says_why(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, _, err = run(capsys, "map", "nothing", "--out", str(tmp_path / "m.csv"))
    assert (status, "no collection 'nothing'" in err) == (1, True)
    (tmp_path / "folder.csv").mkdir()
    status, _, err = run(capsys, "map", "nothing", "--out", str(tmp_path / "folder.csv"))
    assert (status, "cannot be written" in err) == (2, True)
    with pytest.raises(SystemExit) as stop:
        main(["map", "home"])
    assert stop.value.code == 2
    assert "--out" in capsys.readouterr().err
