"""The shell: what it prints, and how it exits."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from core.cli.main import main
from tests.support.cli import run


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RANKSCOPE_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture
def manuals(tmp_path: Path) -> Path:
    folder = tmp_path / "manuals"
    (folder / "deep").mkdir(parents=True)
    (folder / ".hidden").mkdir()
    (folder / "kettle.md").write_text("# Kettle\n\nBoil water.\n\n## Descaling\n\nUse vinegar to remove the lime.")
    (folder / "deep" / "bike.txt").write_text("Pump the tyres of the bicycle to four bar.")
    (folder / "picture.png").write_bytes(b"\x89PNG")
    (folder / ".hidden" / "secret.txt").write_text("hidden")
    return folder


PICTURE = "is a picture: run OCR on it and bring the text or a PDF with text"


def test_the_whole_path(capsys: pytest.CaptureFixture[str], manuals: Path) -> None:
    status, out, err = run(capsys, "index", str(manuals), "--collection", "home", "--json")
    assert status == 0
    assert json.loads(out)["seconds"] > 0
    assert json.loads(out)["files"] == [
        {"name": "deep/bike.txt", "status": "indexed", "chunks": 1, "message": "", "reused": 0, "notes": []},
        {"name": "kettle.md", "status": "indexed", "chunks": 1, "message": "", "reused": 0, "notes": []},
        {"name": "picture.png", "status": "skipped", "chunks": 0, "message": PICTURE, "reused": 0, "notes": []},
    ]
    assert "2 files" in err

    status, out, _ = run(capsys, "search", "home", "how do I get rid of limescale?", "--top-k", "1", "--json")
    found = json.loads(out)
    assert (status, found["collection"], found["model"], found["metric"]) == (0, "home", "all-MiniLM-L6-v2", "cosine")
    (hit,) = found["hits"]
    assert (hit["rank"], hit["document"], hit["heading"], hit["page"]) == (1, "kettle.md", "Kettle", None)
    assert hit["text"] == (manuals / "kettle.md").read_text()[hit["start"] : hit["end"]]
    assert set(found["timings_ms"]) == {"encode", "retrieve", "total"}

    status, out, _ = run(capsys, "documents", "home", "--json")
    listed = json.loads(out)
    assert [document["name"] for document in listed] == ["deep/bike.txt", "kettle.md"]
    assert {"name", "document_id", "chunks", "characters", "added"} <= set(listed[0])

    status, out, _ = run(capsys, "search", "home", "water", "--document", "deep/bike.txt")
    assert (status, "bike.txt" in out, "kettle.md" in out, "higher is better" in out) == (0, True, False, True)

    status, out, _ = run(capsys, "delete", "home", "--document", "kettle.md", "--json")
    assert json.loads(out) == {"collection": "home", "deleted_documents": ["kettle.md"], "deleted_collection": False}
    status, out, _ = run(capsys, "collections", "--json")
    assert [(held["name"], held["chunks"]) for held in json.loads(out)] == [("home", 1)]
    status, out, _ = run(capsys, "delete", "home")
    assert (status, out) == (0, "deleted home\n")
    assert run(capsys, "collections", "--json")[1] == "[]\n"


def test_settings_of_a_new_collection(capsys: pytest.CaptureFixture[str], manuals: Path) -> None:
    options = ["--chunk-size", "16", "--chunk-overlap", "4", "--metric", "l2"]
    assert run(capsys, "index", str(manuals / "kettle.md"), "--collection", "c", *options)[0] == 0
    held = json.loads(run(capsys, "collections", "--json")[1])[0]
    assert (held["metric"], held["chunking"]) == (
        "l2",
        {"size": 16, "overlap": 4, "method": "structure", "rows": 1, "percentile": 90},
    )
    status, _, err = run(capsys, "index", str(manuals), "--collection", "c", "--metric", "dot")
    assert (status, err.count("\n")) == (1, 1)
    assert "l2, not dot" in err


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["search", "nothing", "query"], 1, "no collection 'nothing'"),
        (["documents", "nothing"], 1, "no collection 'nothing'"),
        (["delete", "nothing"], 1, "no collection 'nothing'"),
        (["search", "nothing", " "], 2, "empty"),
        (["search", "nothing", "query", "--top-k", "0"], 2, "1 to 1,000"),
        (["index", "/no/such/file", "--collection", "c"], 2, "/no/such/file"),
        (["index", "/dev/null", "--collection", "c", "--chunk-size", "3"], 2, "at least 8"),
        (["index", "/dev/null", "--collection", "c", "--chunk-size", "255"], 2, "at most 254"),
        (["index", "/dev/null", "--collection", "c", "--model", "./none"], 1, "no model folder './none'"),
        (["index", "/dev/null", "--collection", "c\n"], 1, "cannot be a collection's name"),
    ],
)
def test_a_failure_is_one_clear_line(
    capsys: pytest.CaptureFixture[str], arguments: list[str], status: int, words: str
) -> None:
    found, out, err = run(capsys, *arguments)
    assert (found, out) == (status, "")
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert words in err


@pytest.mark.parametrize(
    "arguments", [[], ["search"], ["search", "c", "q", "--top-k", "many"], ["index", "x"], ["frobnicate"]]
)
def test_a_wrong_call_exits_with_2(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2
    assert "usage:" in capsys.readouterr().err


def test_a_bad_file_fails_the_run_but_not_the_others(capsys: pytest.CaptureFixture[str], manuals: Path) -> None:
    (manuals / "bad.pdf").write_bytes(b"%PDF-1.4 nothing")
    status, out, err = run(capsys, "index", str(manuals), "--collection", "c")
    assert (status, out.count("indexed")) == (1, 2)
    assert "1 of 3 files could not be indexed; the first: bad.pdf is damaged" in err


def test_an_unusable_setting_is_a_wrong_call(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RANKSCOPE_PRECISION", "float7")
    status, _, err = run(capsys, "collections")
    assert (status, err) == (2, "error: RANKSCOPE_PRECISION is 'float7': use one of auto, float32, bfloat16\n")


@pytest.mark.parametrize("command", [[], ["index"], ["search"], ["collections"], ["documents"], ["delete"]])
def test_help_teaches_without_loading_a_model(command: list[str]) -> None:
    program = (
        "import sys, core.cli.main\n"
        "try: core.cli.main.main(sys.argv[1:])\n"
        "except SystemExit: print('heavy:', *(m for m in ('torch', 'chromadb') if m in sys.modules))"
    )
    shown = subprocess.run(
        [sys.executable, "-c", program, *command, "--help"], capture_output=True, text=True, check=True
    )
    assert "usage: python -m core" in shown.stdout
    assert shown.stdout.endswith("heavy:\n")


def test_the_program_runs_as_a_module(data: Path) -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "core", "collections", "--json"], capture_output=True, text=True, check=True
    )
    assert (shown.stdout, shown.stderr) == ("[]\n", "")


def test_a_copy_is_listed_and_found_by_its_name_and_deleted_alone(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    folder = tmp_path / "lib"
    for place in ("north", "south"):
        (folder / place).mkdir(parents=True)
        (folder / place / "LICENSE.txt").write_text("Take the ferry for free.")
    assert run(capsys, "index", str(folder), "--collection", "home")[0] == 0
    assert "also: south/LICENSE.txt" in run(capsys, "documents", "home")[1]
    assert "ferry" in run(capsys, "search", "home", "ferry", "--document", "south/LICENSE.txt")[1]
    assert run(capsys, "delete", "home", "--document", "south/LICENSE.txt")[0] == 0
    out = run(capsys, "documents", "home")[1]
    assert "north/LICENSE.txt" in out
    assert "also:" not in out
