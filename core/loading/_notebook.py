"""Jupyter notebooks: prose, code and what the cells show as Markdown."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator

from core.errors import DamagedFile, WrongFileType
from core.loading._detection import reject_other_format
from core.loading._encoding import clean_text, decode
from core.loading._markdown import markdown_document, without_embedded_files
from core.loading.html.blocks import code_fence
from core.loading.html.load import convert_html, page_notes
from core.records.document import Document
from core.util.formatting import plural

MAX_OUTPUT_LENGTH = 20_000  # characters of one output that are kept; of a longer one the first and the last part
_TAIL = 5_000  # of them those of its end, where results and errors stand
_ERROR_LINES = 12  # of a traceback that are kept: the last ones
_PICTURE = re.compile(r"!\[([^\[\]\n]*)\]\(([^()\n]*)\)")
_FILE_NAME = re.compile(r".+\.(?:png|jpe?g|gif|bmp|svg|webp|tiff?)", re.IGNORECASE)
_TERMINAL_CODE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\^_])")
_OBJECT_NAME = re.compile(r"<[\w.]+(?: object)?(?: at 0x[0-9a-f]+)?>|<Figure size [^>]*>", re.IGNORECASE)
_OLD_OUTPUT_KEYS = {
    "text/markdown": "markdown",
    "text/html": "html",
    "text/latex": "latex",
    "text/plain": "text",
    "image/svg+xml": "svg",
    "application/javascript": "javascript",
    "image/png": "png",
    "image/jpeg": "jpeg",
}  # the names that formats before 4 have for types of data


def load_notebook(name: str, data: bytes) -> Document:
    """Return a notebook as Markdown, code and printed output in fences. Raises LoadingError."""
    reject_other_format(name, data, "a notebook")
    decoded = decode(name, data)
    try:
        notebook = json.loads(decoded.text.lstrip("\ufeff"))
    except (ValueError, RecursionError) as error:
        raise DamagedFile(
            f"{name} is damaged (it is not whole JSON: {error}): open it in Jupyter and save it again"
        ) from error
    if not isinstance(notebook, dict) or not ("cells" in notebook or "worksheets" in notebook):
        raise WrongFileType(f"{name} is not a notebook, it has no cells: rename it to .json if it is JSON")
    language = _language(_dict(notebook.get("metadata")))
    sheets = [notebook] if "cells" in notebook else _dicts(notebook.get("worksheets"))  # used before format 4
    counts: Counter[str] = Counter()
    blocks = [
        block for sheet in sheets for cell in _dicts(sheet.get("cells")) for block in _blocks(cell, language, counts)
    ]
    return markdown_document(
        name, data, clean_text("\n\n".join(blocks)), {}, notes=(*decoded.notes, *_notes(counts), *page_notes(counts))
    )


def _notes(counts: Counter[str]) -> Iterator[str]:
    if counts["cut"]:
        yield f"{plural(counts['cut'], 'long output')} shortened by {counts['cut characters']:,} characters"
    if counts["output picture"]:
        yield f"{plural(counts['output picture'], 'picture')} among the outputs"
    if counts["widget"]:
        yield f"{plural(counts['widget'], 'interactive output')} (widgets, scripts, plots of data) left out"


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


def _blocks(cell: dict[str, object], language: str, counts: Counter[str]) -> Iterator[str]:
    """Yield a cell's source and what its outputs show as Markdown."""
    source = _text(cell.get("source", cell.get("input"))).strip("\n")
    cell_type = cell.get("cell_type")
    if source.strip():
        if cell_type == "heading":
            level = cell.get("level")
            yield f"{'#' * (min(max(level, 1), 6) if isinstance(level, int) else 1)} {' '.join(source.split())}"
        elif cell_type == "markdown":
            yield _prose(source, counts)
        else:
            yield code_fence(source, language if cell_type == "code" else "")
    printed, stream = "", ""
    for output in _dicts(cell.get("outputs")):
        if output.get("output_type") == "stream":  # parts of one stream are one text
            channel = str(output.get("name") or output.get("stream"))
            if printed and channel != stream:
                yield from _printed(printed, counts)
                printed = ""
            printed, stream = printed + _text(output.get("text")), channel
            continue
        yield from _printed(printed, counts)
        printed = ""
        yield from _shown(output, counts)
    yield from _printed(printed, counts)


def _prose(text: str, counts: Counter[str]) -> str:
    """Return Markdown with embedded pictures by their descriptions; a fence or a comment in it ends with it."""

    def described(match: re.Match[str]) -> str:
        description = _described(match[1])
        counts["picture"] += not description.strip()
        return description if match[2].startswith(("attachment:", "data:")) else match[0]

    return _closed(without_embedded_files(_PICTURE.sub(described, text))[0].strip("\n"))


def _described(description: str) -> str:
    """Return a picture's description, empty where it is the name of its file."""
    return "" if _FILE_NAME.fullmatch(description.strip()) else description


def _closed(text: str) -> str:
    """Return Markdown with the fence closed that its last cell left open, so that the next cell stays outside."""
    fence = ""
    for line in text.split("\n"):
        match = re.match(r" {0,3}(`{3,}|~{3,})([^\n]*)$", line)
        if not match:
            continue
        if not fence:
            fence = match[1] if match[1][0] == "~" or "`" not in match[2] else ""
        elif match[1][0] == fence[0] and len(match[1]) >= len(fence) and not match[2].strip():
            fence = ""
    text = f"{text}\n{fence}" if fence else text
    return text + "\n-->" if text.rfind("\n<!--") > text.rfind("-->") or _opens_comment(text) else text


def _opens_comment(text: str) -> bool:
    return text.startswith("<!--") and "-->" not in text


def _shown(output: dict[str, object], counts: Counter[str]) -> Iterator[str]:
    """Yield what a result, a displayed object or an error shows, in the richest of its forms that is text."""
    if output.get("output_type") in ("error", "pyerr") or "ename" in output:
        yield from _printed(_error(output), counts)
        return
    data = _dict(output.get("data")) or {kind: output[key] for kind, key in _OLD_OUTPUT_KEYS.items() if key in output}
    texts = {kind: _text(value).strip("\n") for kind, value in data.items()}
    plain = texts.get("text/plain", "")
    if texts.get("text/markdown", "").strip():
        yield _shortened(_prose(texts["text/markdown"], counts), counts)
        return
    if texts.get("text/html", "").strip():
        page = convert_html(texts["text/html"])
        if page.text.strip():
            counts.update(page.counts)
            yield _shortened(page.text.strip("\n"), counts)
            return
    if texts.get("text/latex", "").strip():
        yield _shortened(texts["text/latex"].strip(), counts)
        return
    if texts.get("image/svg+xml", "").strip():
        drawing = convert_html(texts["image/svg+xml"]).text.strip()
        if drawing:
            yield _shortened(drawing, counts)
            return
    if "application/json" in data or "application/geo+json" in data:
        yield from _printed(_json(data.get("application/json", data.get("application/geo+json"))), counts)
        return
    if any(kind.startswith("image/") or kind == "application/pdf" for kind in data):
        counts["output picture"] += 1
        plain = "" if plain.startswith("<") and plain.endswith(">") else plain
    elif "application/vnd.jupyter.widget-view+json" in data:
        counts["widget"] += 1
        plain = ""
    elif any(kind.startswith("application/") or kind == "text/html" for kind in data):
        counts["widget"] += 1
    if not _OBJECT_NAME.fullmatch(plain.strip()):
        yield from _printed(plain or _text(output.get("text")), counts)


def _json(value: object) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, indent=1)
    except RecursionError:  # the reader bears deeper nesting than the writer
        return ""


def _error(output: dict[str, object]) -> str:
    """Return the traceback of an error, which ends with its name and message, or these alone."""
    name, message = _text(output.get("ename")), _text(output.get("evalue"))
    traceback = output.get("traceback")
    lines = [line for line in traceback if isinstance(line, str)] if isinstance(traceback, list) else []
    text = _on_screen("\n".join(lines)).strip("\n")
    last = f"{name}: {message}" if message else name
    tail = "\n".join(text.split("\n")[-_ERROR_LINES:])
    return tail if last and last in tail else f"{tail}\n{last}".strip("\n")


def _on_screen(text: str) -> str:
    """Return printed text as a terminal shows it: without its codes, and with the last state of progress bars."""
    text = _TERMINAL_CODE.sub("", text).replace("\r\n", "\n")
    lines = []
    for line in text.split("\n"):
        if "\r" in line:
            line = next((state for state in reversed(line.split("\r")) if state.strip()), "")
        if "\b" in line:
            line = _without_erased(line)
        lines.append(line)
    return "\n".join(lines)


def _without_erased(line: str) -> str:
    kept: list[str] = []
    for sign in line:
        if sign != "\b":
            kept.append(sign)
        elif kept:
            kept.pop()
    return "".join(kept)


def _printed(text: str, counts: Counter[str]) -> Iterator[str]:
    """Yield printed text in a fence, nothing for blank text."""
    text = _on_screen(text).strip("\n")
    if text.strip():
        yield code_fence(_shortened(text, counts))


def _shortened(text: str, counts: Counter[str]) -> str:
    """Return an output that is not longer than MAX_OUTPUT_LENGTH, whole lines cut out of the middle of a longer one."""
    if len(text) <= MAX_OUTPUT_LENGTH:
        return text
    head = text[: MAX_OUTPUT_LENGTH - _TAIL]
    head = head[: head.rfind("\n")] if "\n" in head else head
    tail = text[-_TAIL:]
    tail = tail[tail.find("\n") + 1 :] if "\n" in tail else tail
    cut = len(text) - len(head) - len(tail)
    counts["cut"] += 1
    counts["cut characters"] += cut
    return f"{head}\n[{cut:,} characters left out]\n{tail}"
