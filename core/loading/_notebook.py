"""Jupyter notebooks: prose, code and printed output as Markdown."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from core.errors import DamagedFile, WrongFileType
from core.loading._detection import reject_other_format
from core.loading._encoding import clean_text, decode
from core.loading._markdown import markdown_document
from core.records.document import Document

_MAX_OUTPUT_LENGTH = 2000  # characters: longer output is a log or a dump of data
_EMBEDDED_PICTURE = re.compile(r"!\[[^\]]*\]\((?:attachment|data):[^)]*\)")
_TERMINAL_CODE = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


def load_notebook(name: str, data: bytes) -> Document:
    """Return a notebook as Markdown, code and printed output in fences, pictures left out. Raises LoadingError."""
    reject_other_format(name, data, "a notebook")
    try:
        notebook = json.loads(decode(name, data).text.lstrip("\ufeff"))
    except (ValueError, RecursionError) as error:
        raise DamagedFile(
            f"{name} is damaged (it is not whole JSON: {error}): open it in Jupyter and save it again"
        ) from error
    if not isinstance(notebook, dict) or not ("cells" in notebook or "worksheets" in notebook):
        raise WrongFileType(f"{name} is not a notebook, it has no cells: rename it to .json if it is JSON")
    language = _language(_dict(notebook.get("metadata")))
    sheets = [notebook] if "cells" in notebook else _dicts(notebook.get("worksheets"))  # used before format 4
    blocks = [block for sheet in sheets for cell in _dicts(sheet.get("cells")) for block in _blocks(cell, language)]
    return markdown_document(name, data, clean_text("\n\n".join(blocks)), {})


def _dict(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}


def _dicts(value: object) -> list[dict[str, object]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _text(value: object) -> str:
    """Return a text that the format stores as one string or as a list of lines."""
    lines = value if isinstance(value, list) else [value]
    return "".join(line for line in lines if isinstance(line, str))


def _language(metadata: dict[str, object]) -> str:
    """Return the language of the code cells, empty if the notebook does not name it."""
    info = _dict(metadata.get("language_info") or metadata.get("kernelspec"))
    language = info.get("language") or info.get("name")
    return language if isinstance(language, str) and re.fullmatch(r"[\w+#-]{1,20}", language) else ""


def _blocks(cell: dict[str, object], language: str) -> Iterator[str]:
    """Yield a cell's source and its printed outputs as Markdown."""
    source = _text(cell.get("source", cell.get("input"))).strip("\n")
    cell_type = cell.get("cell_type")
    if source.strip():
        if cell_type == "heading":
            level = cell.get("level")
            yield f"{'#' * (min(max(level, 1), 6) if isinstance(level, int) else 1)} {source}"
        elif cell_type == "markdown":
            yield _EMBEDDED_PICTURE.sub("", source)
        else:
            yield _fenced(source, language if cell_type == "code" else "")
    for output in _dicts(cell.get("outputs")):
        text = _text(output.get("text")) or _text(_dict(output.get("data")).get("text/plain"))
        text = _TERMINAL_CODE.sub("", text).strip("\n")
        if text.strip() and len(text) <= _MAX_OUTPUT_LENGTH:
            yield _fenced(text, "")


def _fenced(text: str, language: str) -> str:
    """Return ``text`` in a fence that is longer than any inside it."""
    longest = max((len(run) for run in re.findall(r"^ {0,3}(`{3,})", text, re.MULTILINE)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"
