"""Source code as text; of Python, classes and functions are its headings."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator
from pathlib import PurePosixPath

from core.loading._text import load_text
from core.records.document import Document, Heading

ENDINGS = (
    ".py", ".pyi", ".js", ".mjs", ".cjs", ".jsx", ".ts", ".tsx", ".vue", ".svelte", ".css", ".scss", ".java", ".kt", ".kts",
    ".scala", ".groovy", ".clj", ".c", ".h", ".cc", ".cpp", ".cxx", ".hpp", ".hh", ".cs", ".fs", ".go", ".rs", ".swift",
    ".m", ".mm", ".rb", ".php", ".pl", ".pm", ".lua", ".r", ".jl", ".hs", ".ml", ".mli", ".erl", ".ex", ".exs", ".lisp",
    ".el", ".scm", ".sh", ".bash", ".zsh", ".fish", ".ps1", ".bat", ".sql", ".dart", ".zig", ".nim", ".d", ".pas", ".f90",
    ".f95", ".for", ".cob", ".vb", ".asm", ".s", ".proto", ".thrift", ".graphql", ".tf", ".cmake", ".mk", ".gradle", ".yaml",
    ".yml", ".toml", ".ini", ".cfg", ".conf", ".properties", ".xml", ".tcl", ".v", ".vhd", ".sol",
)  # fmt: skip


def load_code(name: str, data: bytes) -> Document:
    """Return a file of source code as it is. Raises LoadingError."""
    document = load_text(name, data)
    if PurePosixPath(name).suffix.lower() not in (".py", ".pyi"):
        return document
    return Document(name, document.text, headings=tuple(python_headings(document.text)), size=document.size)


def python_headings(text: str) -> Iterator[Heading]:
    """Yield the lines that define classes and functions, nested ones a level below; none where the code is broken."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the code's own faults, which are not ours
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    lines = text.split("\n")
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)
    for node, level in _definitions(tree, 1):
        at = node.lineno - 1
        if at < len(lines):
            indent = len(lines[at]) - len(lines[at].lstrip())
            yield Heading(starts[at] + indent, starts[at] + len(lines[at].rstrip()), min(level, 6), node.name)


def _definitions(tree: ast.AST, level: int) -> Iterator[tuple[ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef, int]]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node, level
            yield from _definitions(node, level + 1)
        elif isinstance(node, (ast.If, ast.Try)):
            yield from _definitions(node, level)
