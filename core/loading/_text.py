"""Plain text and Markdown, in whatever encoding they come."""

from __future__ import annotations

import ast
import codecs
import re
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import PurePosixPath
from unicodedata import normalize

from charset_normalizer import from_bytes

from core.errors import EmptyFile, WrongFileType
from core.loading._detection import reject_other_format
from core.loading._markdown import with_markdown_structure
from core.loading._metadata import front_matter
from core.records.document import Document, Heading

_BYTE_ORDER_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",  # before UTF-16, whose mark is its beginning
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_LINE_END = re.compile(r"\r\n?|\x0b|\u2028|\u2029")
_INVISIBLE = re.compile(r"[\x00-\x08\x0e-\x1f\x7f\u00ad\ufeff]")
_LIGATURE = re.compile(r"[\ufb00-\ufb06]")
MARKDOWN_SUFFIXES = (".md", ".markdown")
_COMMON_ENCODINGS = [
    "utf_16_le",
    "utf_16_be",
    "cp1250",
    "iso8859_2",
    "cp1251",
    "koi8_r",
    "cp1253",
    "cp1254",
    "cp1255",
    "cp1256",
    "cp932",
    "euc_jp",
    "gb18030",
    "big5",
    "cp949",
]
MAX_WESTERN_CHAOS = 0.05  # charset_normalizer's measure; what is Western has none
SAMPLE = 20_000  # characters looked at for binary content


def load_text(name: str, data: bytes) -> Document:
    """Return the text of a plain or Markdown file; Markdown's headings and tables as spans.

    Raises EmptyFile, or WrongFileType for something that is not text.
    """
    reject_other_format(name, data, "text")
    text = clean_text(decode(name, data))
    if not text.strip():
        raise EmptyFile(f"{name} holds nothing but white space: there is nothing to index in it")
    document = Document(name, text, size=len(data))
    if PurePosixPath(name).suffix.lower() not in MARKDOWN_SUFFIXES:
        return document
    return with_markdown_structure(replace(document, metadata=front_matter(text)))


def decode(name: str, data: bytes, declared: str | None = None) -> str:
    """Return ``data`` as text: by its byte order mark, as UTF-8, as ``declared``, else as detected.

    Raises WrongFileType if it is not text in any encoding.
    """
    marked = next((encoding for mark, encoding in _BYTE_ORDER_MARKS.items() if data.startswith(mark)), None)
    for encoding in (marked, "utf-8", declared):
        text = _try(data, encoding) if encoding else None
        if text is not None and not _is_binary(text):
            return text
    text = _detected(data)
    if not text or _is_binary(text):
        raise WrongFileType(
            f"{name} is not text in any encoding that can be told: save it as UTF-8, or bring another file"
        )
    return text


def clean_text(text: str) -> str:
    """Return ``text`` with line ends as ``\\n``, ligatures as letters, and without what no reader sees:
    control characters, soft hyphens, marks of byte order, and lone surrogates, which no store keeps."""
    text = _INVISIBLE.sub("", _LINE_END.sub("\n", text))
    text = _LIGATURE.sub(lambda match: normalize("NFKC", match[0]), text)
    return text.encode("utf-8", "ignore").decode("utf-8")


def _try(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except (ValueError, LookupError):  # as UnicodeError, or for an encoding's name that makes no sense
        return None


def _detected(data: bytes) -> str:
    """The text in the most plausible encoding: in short texts rare ones look as good as those in use."""
    western = from_bytes(data, cp_isolation=["cp1252"]).best()
    if western and western.chaos < MAX_WESTERN_CHAOS and not _is_binary(str(western)):
        return str(western)
    best = from_bytes(data, cp_isolation=_COMMON_ENCODINGS).best() or from_bytes(data).best()
    return str(best) if best else ""


def _is_binary(text: str) -> bool:
    sample = text[:SAMPLE]
    return len(_CONTROLS.findall(sample)) > len(sample) / 100


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
