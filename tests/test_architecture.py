"""The walls between the rooms, and the small things that live in none."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import core
from core import errors
from core.records.document import Document, Heading, Page
from core.records.search import Hit, SearchResult, Timings
from core.retrieval.plots import score_profile
from core.settings import Settings
from core.util.formatting import duration, file_size, plural, progress_text
from core.util.progress import Progress

ROOT = Path(core.__file__).parent.parent


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.partition(".")[0])
    return found


def test_only_one_module_imports_chromadb_and_only_pages_import_streamlit() -> None:
    engine = {path.relative_to(ROOT).as_posix(): imports(path) for path in (ROOT / "core").rglob("*.py")}
    assert [name for name, used in engine.items() if "chromadb" in used] == ["core/store/_client.py"]
    assert [name for name, used in engine.items() if "streamlit" in used or "pages" in used] == []


def test_app_holds_nothing_but_the_page_list() -> None:
    assert len(ast.parse((ROOT / "app.py").read_text()).body) == 3


def test_every_page_begins_with_begin_page() -> None:
    for page in (ROOT / "pages").glob("*.py"):
        calls = [
            node
            for node in ast.parse(page.read_text()).body
            if isinstance(node, (ast.Expr, ast.Assign)) and isinstance(node.value, ast.Call)
        ]
        first = calls[0].value
        assert isinstance(first, ast.Call)
        assert isinstance(first.func, ast.Name)
        assert first.func.id == "begin_page"


def test_every_error_is_drawn_in_the_tree() -> None:
    ours = [
        value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, errors.RankscopeError)
    ]
    assert errors.__doc__ is not None
    assert [error.__name__ for error in ours if error.__name__ not in errors.__doc__] == []


def test_every_requirement_is_pinned() -> None:
    for name in ("requirements.txt", "requirements-dev.txt"):
        lines = [line for line in (ROOT / name).read_text().splitlines() if line and not line.startswith(("#", "-r"))]
        assert lines
        assert [line for line in lines if "==" not in line] == []


def test_pages_and_headings_hang_on_spans() -> None:
    text = "intro\n# A\nx\n## B\ny\n# C\nz"
    headings = tuple(
        Heading(text.index(f"{sign} {title}"), text.index(f"{sign} {title}") + 3, len(sign), title)
        for sign, title in (("#", "A"), ("##", "B"), ("#", "C"))
    )
    document = Document("a", text, (Page(0, 12, 1), Page(12, len(text), 2)), headings)
    assert [document.heading_at(text.index(mark)) for mark in ("intro", "x", "y", "z")] == [None, "A", "A › B", "C"]
    assert [document.page_at(offset) for offset in (0, 11, 12, len(text) - 1)] == [1, 1, 2, 2]
    assert Document("b", "unpaged").page_at(3) is None


def test_a_documents_id_is_its_content() -> None:
    assert Document("a", "text").id == Document("b", "text").id != Document("a", "text ").id
    assert len(Document("a", "text").id) == 32


@pytest.mark.parametrize(
    ("environment", "wanted"),
    [
        ({"RANKSCOPE_DATA": "/data"}, Settings(Path("/data"))),
        (
            {
                "RANKSCOPE_DATA": "/d",
                "RANKSCOPE_PRECISION": "float32",
                "RANKSCOPE_DEVICE": "cuda:1",
                "RANKSCOPE_MODEL": "x/y",
            },
            Settings(Path("/d"), "float32", "cuda:1", "x/y"),
        ),
    ],
)
def test_settings_come_from_the_environment(environment: dict[str, str], wanted: Settings) -> None:
    assert Settings.from_environment(environment) == wanted


@pytest.mark.parametrize(("name", "value"), [("RANKSCOPE_PRECISION", "int8"), ("RANKSCOPE_DEVICE", "tpu")])
def test_unusable_settings_are_named(name: str, value: str) -> None:
    with pytest.raises(errors.SettingsError, match=f"{name} is '{value}'"):
        Settings.from_environment({name: value})


def test_the_default_data_folder_is_the_users() -> None:
    assert Settings.from_environment({}).data.name == "rankscope"


def test_numbers_in_words() -> None:
    assert [duration(seconds) for seconds in (0, 59.4, 60, 185, 7800)] == [
        "0 s",
        "59 s",
        "1 min 0 s",
        "3 min 5 s",
        "2 h 10 min",
    ]
    assert [file_size(size) for size in (812, 3400, 12_000_000)] == ["812 B", "3.4 kB", "12.0 MB"]
    assert [plural(count, "chunk") for count in (0, 1, 1204)] == ["0 chunks", "1 chunk", "1,204 chunks"]
    assert progress_text(Progress(1, 2, 30, 12.4, 61.0)) == "1 of 2 files, 30 chunks, 12 chunks/s, about 1 min 1 s left"


def test_the_score_profile_shows_every_hit() -> None:
    hits = tuple(
        Hit(rank, f"id{rank}", "a<b>.txt", "d", None, None, 0, 1, "x", 1, 1 - rank / 10, rank) for rank in (1, 2, 3)
    )
    bar = score_profile(SearchResult("q", "c", "m", "dot", hits, Timings(1, 2, 3))).data[0]
    assert list(bar.x) == pytest.approx([0.9, 0.8, 0.7])
    assert list(bar.y) == [1, 2, 3]
    assert [row[0] for row in bar.customdata] == ["id1", "id2", "id3"]
    assert bar.customdata[0][1] == "a&lt;b&gt;.txt"
