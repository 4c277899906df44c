"""The structure of the code: who may import what, and how large a module may be.

The layers of ``core`` and circles among its packages are checked by import-linter (``lint-imports``, see
pyproject.toml).
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

import core
from core import errors

ROOT = Path(core.__file__).parents[1]
LARGEST_MODULE = 450  # lines
CHROMA_TABLES = re.compile(
    r"\b(?:FROM|JOIN|INTO|UPDATE)\s+(?:segments|embeddings|embedding_metadata|max_seq_id)\b", re.I
)


@dataclass(frozen=True)
class Module:
    """One file of the program, parsed."""

    name: str  # dotted
    source: str
    tree: ast.Module

    @property
    def package(self) -> str:
        return self.name.rpartition(".")[0]

    def imports(self) -> Iterator[tuple[str, str, bool]]:
        """Yield (module, imported name or "", whether at module level) for every import."""
        at_top = {id(node) for node in self.tree.body}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from ((alias.name, "", id(node) in at_top) for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                yield from ((node.module, alias.name, id(node) in at_top) for alias in node.names)

    def libraries(self, at_top_only: bool = False) -> set[str]:
        """Return the top-level packages that the module imports."""
        return {module.partition(".")[0] for module, _, at_top in self.imports() if at_top or not at_top_only}


def parsed(path: Path) -> Module:
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    source = path.read_text(encoding="utf-8")
    return Module(name, source, ast.parse(source))


MODULES = [parsed(path) for folder in ("core", "pages") for path in sorted((ROOT / folder).rglob("*.py"))]
NAMES = {module.name for module in MODULES}
CORE = [module for module in MODULES if module.name.partition(".")[0] == "core"]


def importers(library: str, modules: list[Module], at_top_only: bool = False) -> set[str]:
    return {module.name for module in modules if library in module.libraries(at_top_only)}


def crossings(module: Module) -> list[str]:
    """Return the private names and private modules of other modules or packages that a module imports."""
    found = []
    for source, name, _ in module.imports():
        if source.partition(".")[0] not in ("core", "pages"):
            continue
        parts = source.split(".")
        private = next((index for index, part in enumerate(parts) if part.startswith("_")), None)
        if private is not None:  # a private module: its package and what is inside may import it
            allowed = f"{module.name}.".startswith(".".join(parts[:private]) + ".")
        else:
            allowed = not name.startswith("_") or (f"{source}.{name}" in NAMES and module.package == source)
        if not allowed:
            found.append(f"{source}.{name}")
    return found


def test_chromadb_is_known_to_the_store_alone() -> None:
    assert {name for name in importers("chromadb", MODULES) if not name.startswith("core.store.")} == set()
    assert importers("chromadb", MODULES)


def test_sql_on_chromas_tables_stands_in_one_module() -> None:
    assert [module.name for module in MODULES if CHROMA_TABLES.search(module.source)] == ["core.store._chroma_sql"]


def test_streamlit_is_known_to_the_pages_alone() -> None:
    assert importers("streamlit", CORE) == set()
    assert importers("pages", CORE) == set()


@pytest.mark.parametrize("library", ["torch", "sentence_transformers", "transformers"])
def test_pytorch_is_known_to_the_models_alone(library: str) -> None:
    others = {name for name in importers(library, MODULES) if not name.startswith("core.models.")}
    assert others <= {"core.vectors._blocks", "core.util.processor"}
    assert not others & importers(library, MODULES, at_top_only=True)


def test_plotly_is_known_to_plots_and_pages() -> None:
    assert {name for name in importers("plotly", CORE) if name.rpartition(".")[2] != "plots"} == set()


def test_no_private_name_crosses_a_module() -> None:
    assert {module.name: found for module in MODULES if (found := crossings(module))} == {}


def test_a_crossing_would_be_noticed() -> None:
    tree = ast.parse(
        "from core.store._client import Chroma\nfrom core.text.boundaries import _codes\nfrom core.store import _where"
    )
    outside, inside = Module("core.loading.x", "", tree), Module("core.store.x", "", tree)
    assert crossings(outside) == ["core.store._client.Chroma", "core.text.boundaries._codes", "core.store._where"]
    assert crossings(inside) == ["core.text.boundaries._codes"]


def test_no_module_is_too_large() -> None:
    assert {module.name: lines for module in MODULES if (lines := module.source.count("\n")) > LARGEST_MODULE} == {}


@pytest.mark.parametrize("module", ["core", "core.cli.main", "core.projection._worker", "core.loading.loader"])
def test_importing_loads_nothing_heavy(module: str) -> None:
    program = (
        f"import sys, {module}; "
        "print(*(name for name in ('torch', 'chromadb', 'umap', 'sklearn', 'pyarrow') if name in sys.modules))"
    )
    shown = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == ""


def test_app_holds_nothing_but_the_page_list() -> None:
    assert len(ast.parse((ROOT / "app.py").read_text()).body) == 3


def test_every_page_begins_with_begin_page() -> None:
    pages = sorted((ROOT / "pages").glob("*.py"))
    assert pages
    for page in pages:
        body = ast.parse(page.read_text()).body
        calls = [node for node in body if isinstance(node, (ast.Expr, ast.Assign)) and isinstance(node.value, ast.Call)]
        first = calls[0].value
        assert isinstance(first, ast.Call)
        assert isinstance(first.func, ast.Name)
        assert first.func.id == "begin_page"


def test_every_error_is_drawn_in_the_tree() -> None:
    ours = [
        error for error in vars(errors).values() if isinstance(error, type) and issubclass(error, errors.RankscopeError)
    ]
    assert errors.__doc__ is not None
    assert [error.__name__ for error in ours if error.__name__ not in errors.__doc__] == []


def test_every_requirement_is_pinned() -> None:
    for name in ("requirements.txt", "requirements-dev.txt"):
        lines = [line for line in (ROOT / name).read_text().splitlines() if line and not line.startswith(("#", "-r"))]
        assert lines
        assert [line for line in lines if "==" not in line] == []


def test_every_library_that_is_imported_is_required() -> None:
    """One that another library happens to bring along today may be gone with that library's next version."""
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    required = {re.split(r"[=\[]", line)[0].lower().replace("_", "-") for line in lines if "==" in line}
    distributions = {
        package: {name.lower().replace("_", "-") for name in names}
        for package, names in packages_distributions().items()
    }
    imported = {library for module in MODULES for library in module.libraries()}
    libraries = imported - set(sys.stdlib_module_names) - {"core", "pages", "__future__"}
    assert {"chromadb", "streamlit", "torch"} <= libraries
    assert sorted(library for library in libraries if not distributions.get(library, set()) & required) == []
