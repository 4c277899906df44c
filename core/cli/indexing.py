"""``python -m core chunks``: how a file would be cut, without indexing it."""

from __future__ import annotations

import argparse
import json
import textwrap
from dataclasses import asdict
from pathlib import Path
from typing import Any

from core.cli._part_cli_index import add_settings, wanted
from core.settings import Settings
from core.util.formatting import plural

EXCERPT = 160  # characters
HELP = """\
The same chunks as 'index' would store, with their places, tokens, pages and headings, and how far the
bi-encoder reads each. With --query also how far the cross-encoder reads each beside that query.
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("file", type=Path, metavar="FILE")
    add_settings(parser)
    parser.add_argument("--query", metavar="TEXT", help="a query, to see how far the cross-encoder reads each chunk beside it")


def run(options: argparse.Namespace) -> int:
    """Cut a file and print its chunks."""
    from core.chunking.chunker import Cutter
    from core.chunking.preview import figures, limits
    from core.loading.loader import load
    from core.loading.sources import PathSource
    from core.models.registry import Catalog

    settings, asked = Settings.from_environment(), wanted(options)
    catalog = Catalog(settings)
    encoder = catalog.get(asked.model or settings.model)
    chunking = asked.chunking(encoder)
    document = load(options.file.name, PathSource(options.file, options.file.name).read())
    cutter = Cutter(document, encoder.tokens, encoder)
    chunks = cutter.cut(chunking)
    reach = {"bi_reads_to": limits(chunks, encoder.reads)}
    if options.query:
        reranker = catalog.reranker()
        reach["cross_reads_to"] = limits(chunks, lambda text: reranker.reads(options.query, text))
    rows: list[dict[str, Any]] = [
        {**chunk.as_json(), **{name: ends[at] for name, ends in reach.items()}} for at, chunk in enumerate(chunks)
    ]
    found = figures(cutter, chunks, encoder.budget)
    summary = {
        "document": document.name,
        "characters": len(document.text),
        "metadata": dict(document.metadata),
        "model": encoder.model,
        "model_reads_tokens": encoder.budget,
        "chunking": asdict(chunking),
        "cut_in_sentence": found.cut_in_sentence,
        "bytes_on_disk": found.bytes_on_disk(encoder.dimension),
    }
    print(json.dumps({**summary, "chunks": rows}, ensure_ascii=False, indent=2) if options.json else _plain(summary, rows))
    return 0


def _plain(summary: dict[str, Any], rows: list[dict[str, Any]]) -> str:
    lines = [f"{summary['document']}: {plural(len(rows), 'chunk')}, {summary['cut_in_sentence']} of them end inside a sentence"]
    for number, row in enumerate(rows, 1):
        place = " · ".join(part for part in (f"page {row['page']}" if row["page"] else "", row["heading"] or "") if part)
        lines.append(f"{number:>4}  {row['tokens']:>4} tokens  {row['start']:>8,} to {row['end']:<8,}  {place}")
        lines.append(textwrap.indent(textwrap.shorten(row["text"], EXCERPT, placeholder=" …"), " " * 6))
    return "\n".join(lines)
