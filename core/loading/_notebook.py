"""Jupyter notebooks: prose, code and what the code printed, as Markdown."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from core.errors import DamagedFile, WrongFileType
from core.loading._detection import reject_other_format
from core.loading._office import markdown_document
from core.loading._text import clean_text, decode
from core.records.document import Document

LONGEST_OUTPUT = 2000  # characters: more is a log or a dump of data
_EMBEDDED = re.compile(r"!\[[^\]]*\]\((?:attachment|data):[^)]*\)")
_TERMINAL = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


def load_notebook(name: str, data: bytes) -> Document:
    """Return a notebook as Markdown, code and printed output in fences, pictures left out. Raises LoadingError."""
    reject_other_format(name, data, "a notebook")
    try:
        book = json.loads(decode(name, data).lstrip("\ufeff"))
    except (ValueError, RecursionError) as error:
        raise DamagedFile(
            f"{name} is damaged (it is not whole JSON: {error}): open it in Jupyter and save it again"
        ) from error
    if not isinstance(book, dict) or not ("cells" in book or "worksheets" in book):
        raise WrongFileType(f"{name} is not a notebook, it has no cells: rename it to .json if it is JSON")
    language = _language(book.get("metadata"))
    blocks = [block for cell in _cells(book) for block in _blocks(cell, language)]
    return markdown_document(name, data, clean_text("\n\n".join(blocks)), {})


def _cells(book: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The cells; before format 4 they were on worksheets."""
    sheets = book.get("worksheets") if "cells" not in book else [book]
    for sheet in sheets if isinstance(sheets, list) else ():
        cells = sheet.get("cells") if isinstance(sheet, dict) else None
        yield from (cell for cell in (cells if isinstance(cells, list) else ()) if isinstance(cell, dict))


def _language(metadata: Any) -> str:
    said = metadata.get("language_info") or metadata.get("kernelspec") if isinstance(metadata, dict) else None
    name = (said.get("language") or said.get("name")) if isinstance(said, dict) else ""
    return name if isinstance(name, str) and re.fullmatch(r"[\w+#-]{1,20}", name) else ""


def _blocks(cell: dict[str, Any], language: str) -> Iterator[str]:
    source = _text(cell.get("source", cell.get("input"))).strip("\n")
    kind = cell.get("cell_type")
    if source.strip():
        if kind == "heading":
            level = cell.get("level")
            yield f"{'#' * (min(max(level, 1), 6) if isinstance(level, int) else 1)} {source}"
        else:
            yield (
                _EMBEDDED.sub("", source) if kind == "markdown" else _fenced(source, language if kind == "code" else "")
            )
    outputs = cell.get("outputs")
    for output in outputs if isinstance(outputs, list) else ():
        said = _printed(output)
        if said:
            yield _fenced(said, "")


def _printed(output: Any) -> str:
    """What an output shows as text, empty for a picture or an overlong one."""
    if not isinstance(output, dict):
        return ""
    shown = output.get("data")
    text = _text(output.get("text")) or _text(shown.get("text/plain") if isinstance(shown, dict) else None)
    text = _TERMINAL.sub("", text).strip("\n")
    return text if text.strip() and len(text) <= LONGEST_OUTPUT else ""


def _text(held: Any) -> str:
    if isinstance(held, list):
        return "".join(line for line in held if isinstance(line, str))
    return held if isinstance(held, str) else ""


def _fenced(text: str, language: str) -> str:
    longest = max((len(run) for run in re.findall(r"^ {0,3}(`{3,})", text, re.MULTILINE)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"
