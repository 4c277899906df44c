"""Plain text and Markdown, in whatever encoding they come."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import PurePosixPath

from core.errors import EmptyFile
from core.loading._detection import reject_other_format
from core.loading._encoding import clean_text, decode
from core.loading._markdown import with_markdown_structure, without_embedded_files
from core.loading._metadata import front_matter
from core.records.document import Document, Heading
from core.util.formatting import plural

MARKDOWN_SUFFIXES = (".md", ".markdown", ".mdown", ".mkd", ".mdx", ".qmd", ".rmd")


def load_text(name: str, data: bytes) -> Document:
    """Return the text of a plain or Markdown file; Markdown's headings and tables as spans.

    Raises EmptyFile, or WrongFileType for something that is not text.
    """
    reject_other_format(name, data, "text")
    decoded = decode(name, data)
    text = clean_text(decoded.text)
    if not text.strip():
        raise EmptyFile(f"{name} holds nothing but white space: there is nothing to index in it")
    document = Document(name, text, size=len(data), notes=decoded.notes)
    if PurePosixPath(name).suffix.lower() not in MARKDOWN_SUFFIXES:
        return document
    text, pictures = without_embedded_files(text)
    if pictures:
        note = f"{plural(pictures, 'embedded picture')} left out"
        document = replace(document, text=text, notes=(*document.notes, note))
    return with_markdown_structure(replace(document, metadata=front_matter(text)))


CODE_SUFFIXES = (
    ".py", ".pyi", ".js", ".mjs", ".cjs", ".jsx", ".ts", ".tsx", ".vue", ".svelte", ".css", ".scss", ".java", ".kt",
    ".kts", ".scala", ".groovy", ".clj", ".c", ".h", ".cc", ".cpp", ".cxx", ".hpp", ".hh", ".cs", ".fs", ".go", ".rs",
    ".swift", ".m", ".mm", ".rb", ".php", ".pl", ".pm", ".lua", ".r", ".jl", ".hs", ".ml", ".mli", ".erl", ".ex",
    ".exs", ".lisp", ".el", ".scm", ".sh", ".bash", ".zsh", ".fish", ".ps1", ".bat", ".sql", ".dart", ".zig", ".nim",
    ".d", ".pas", ".f90", ".f95", ".for", ".cob", ".vb", ".asm", ".s", ".proto", ".thrift", ".graphql", ".tf",
    ".cmake", ".mk", ".gradle", ".yaml", ".yml", ".toml", ".ini", ".cfg", ".conf", ".properties", ".xml", ".tcl",
    ".v", ".vhd", ".sol",
)  # fmt: skip


def load_code(name: str, data: bytes) -> Document:
    """Return a file of source code as it is. Raises LoadingError."""
    document = load_text(name, data)
    if PurePosixPath(name).suffix.lower() not in (".py", ".pyi"):
        return document
    return replace(document, headings=tuple(python_headings(document.text)))


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
        row = node.lineno - 1
        if row < len(lines):
            indent = len(lines[row]) - len(lines[row].lstrip())
            yield Heading(starts[row] + indent, starts[row] + len(lines[row].rstrip()), min(level, 6), node.name)


def _definitions(
    tree: ast.AST, level: int
) -> Iterator[tuple[ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef, int]]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node, level
            yield from _definitions(node, level + 1)
        elif isinstance(node, (ast.If, ast.Try)):
            yield from _definitions(node, level)
