"""The shell's export, import, copy and rename."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import chromadb
import numpy as np
import pytest

from tests.support.cli import run


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RANKSCOPE_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


def answer(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    status, out, err = run(capsys, *arguments, "--json")
    assert status == 0, err
    return json.loads(out)


def beir(folder: Path) -> Path:
    (folder / "qrels").mkdir(parents=True)
    (folder / "corpus.jsonl").write_text(
        '{"_id": "1", "title": "Kettle", "text": "Boil water."}\n{"_id": "2", "title": "", "text": "Pump the tyres."}\n'
    )
    (folder / "queries.jsonl").write_text('{"_id": "q", "text": "bicycle"}\n')
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq\t2\t1\n")
    return folder


def test_the_whole_way(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    status, out, _ = run(capsys, "import", str(beir(tmp_path / "things")), "--chunk-size", "32", "--metric", "dot")
    assert (status, out) == (0, "imported things: 2 documents, 2 chunks, 1 query, 1 judgment\n")
    before = answer(capsys, "search", "things", "how do I inflate a bicycle?")
    file = tmp_path / "things.zip"
    written = answer(capsys, "export", "things", str(file))
    assert (written["file"], written["size"], written["documents"], written["chunks"], written["judgments"]) == (
        str(file),
        file.stat().st_size,
        2,
        2,
        1,
    )
    assert (written["model"], written["metric"], written["chunking"]["size"]) == ("all-MiniLM-L6-v2", "dot", 32)
    assert run(capsys, "delete", "things")[0] == 0

    result = answer(capsys, "import", str(file), "--collection", "again")
    assert (result["collection"]["name"], result["documents"], result["queries"], result["judgments"]) == (
        "again",
        2,
        1,
        1,
    )
    after = answer(capsys, "search", "again", "how do I inflate a bicycle?")
    assert [hit["document"] for hit in after["hits"]] == ["2", "1"]
    assert after["hits"] == before["hits"]

    copied = answer(capsys, "copy", "again", "l2", "--metric", "l2")
    assert (copied["collection"]["metric"], copied["collection"]["chunking"]["size"], copied["judgments"]) == (
        "l2",
        32,
        1,
    )
    status, out, _ = run(capsys, "rename", "l2", "far away")
    assert (status, out) == (0, "renamed l2 to far away\n")
    assert [collection["name"] for collection in answer(capsys, "collections")] == ["again", "far away"]
    assert answer(capsys, "rename", "far away", "near")["name"] == "near"


def test_qrels_without_a_header_are_imported_and_evaluated_with_a_note(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    folder = beir(tmp_path / "things")
    (folder / "qrels" / "test.tsv").write_text("q\t2\t1\n")
    note = "test.tsv has no header: its first line was read as a judgment"
    status, out, _ = run(capsys, "import", str(folder))
    assert (status, out) == (0, f"imported things: 2 documents, 2 chunks, 1 query, 1 judgment\n{note}\n")
    assert answer(capsys, "import", str(folder), "--collection", "again")["notes"] == [note]
    measured = answer(capsys, "evaluate", str(folder), "--systems", "bm25")
    assert (measured["queries"], measured["notes"][0]) == (1, note)


def test_another_programs_folder(capsys: pytest.CaptureFixture[str], tmp_path: Path, data: Path) -> None:
    for folder in (tmp_path / "chroma", data):
        made = chromadb.PersistentClient(str(folder)).create_collection("notes", embedding_function=None)
        made.add(ids=["a", "b"], embeddings=np.eye(384, dtype=np.float32)[:2], documents=["sun", "moon"])
    listed = answer(capsys, "import", str(tmp_path / "chroma"), "--list")
    assert listed == [
        {"name": "notes", "chunks": 2, "dimension": 384, "metric": "l2", "stated_model": "", "ours": False}
    ]
    status, out, _ = run(capsys, "import", str(tmp_path / "chroma"), "--list")
    assert (status, out) == (0, "notes: 2 chunks, 384 dimensions, l2\n")
    status, out, err = run(capsys, "import", str(tmp_path / "chroma"), "--collection", "mine")
    assert (status, out, "384 dimensions" in err, "--model" in err) == (2, "", True, True)
    status, out, err = run(
        capsys, "import", str(tmp_path / "chroma"), "--collection", "mine", "--model", "all-MiniLM-L6-v2"
    )
    assert (status, out.splitlines()[0]) == (0, "imported mine: 2 documents, 2 chunks")
    assert "is it the right model?" in out
    status, out, err = run(capsys, "import", "--from", "notes", "--collection", "ours", "--model", "all-MiniLM-L6-v2")
    assert (status, out.splitlines()[0]) == (0, "imported ours: 2 documents, 2 chunks")


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["import", "/no/such/file"], 2, "'/no/such/file'"),
        (["import"], 2, "PATH"),
        (["import", "{folder}"], 1, "neither corpus.jsonl (BEIR) nor chroma.sqlite3 (Chroma)"),
        (["import", "{file}"], 1, "text.txt is damaged or was cut off"),
        (["import", "{file}", "--metric", "dot"], 2, "leave out the metric"),
        (["import", "{file}", "--list"], 2, "not a folder of Chroma's"),
        (["import", "--from", "nothing", "--collection", "c", "--model", "m"], 1, "no collection"),
        (["export", "nothing", "{folder}/x.zip"], 1, "no collection 'nothing'"),
        (["copy", "nothing", "new"], 1, "no collection 'nothing'"),
        (["rename", "nothing", "new"], 1, "no collection 'nothing'"),
    ],
)
def test_a_failure_is_one_clear_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, arguments: list[str], status: int, words: str
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "text.txt").write_text("no ZIP")
    code, out, err = run(capsys, *(argument.format(folder=folder, file=folder / "text.txt") for argument in arguments))
    assert (code, out, err.count("\n"), err[:7]) == (status, "", 1, "error: ")
    assert words in err


@pytest.mark.parametrize("command", ["import", "export", "copy", "rename"])
def test_help_teaches_without_loading_a_model(command: str) -> None:
    program = (
        "import sys, core.cli.main\n"
        "try: core.cli.main.main(sys.argv[1:])\n"
        "except SystemExit: print('heavy:', *(m for m in ('torch', 'chromadb', 'pyarrow') if m in sys.modules))"
    )
    shown = subprocess.run(
        [sys.executable, "-c", program, command, "--help"], capture_output=True, text=True, check=True
    )
    assert f"usage: python -m core {command}" in shown.stdout
    assert shown.stdout.endswith("heavy:\n")
