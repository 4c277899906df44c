"""``python -m core chunks``: how a file would be cut, without indexing it."""

from __future__ import annotations

import argparse
import json
import sys
import textwrap
import time
from dataclasses import asdict
from pathlib import Path
from textwrap import fill
from typing import Any

from core.cli import output
from core.errors import LoadingError, SettingsError
from core.loading.loader import SUPPORTED_FORMATS
from core.records.search import METHODS, METRICS, CollectionOptions
from core.settings import BUILT_IN_MODEL, Settings
from core.util.formatting import plural

INDEX_HELP = """\
Folders are walked; hidden files and kinds that are not read are passed over. Files that are there
already and unchanged are skipped. A collection is made if it is missing; its model, measure and
chunking are fixed then.

""" + fill(f"Read are {SUPPORTED_FORMATS}.", 100)


def add_index_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="file or folder")
    parser.add_argument("--collection", required=True, metavar="NAME", help="where to put them; made if it is missing")
    add_settings(parser)
    parser.add_argument(
        "--on-change",
        choices=("replace", "keep"),
        default="replace",
        help="a changed file of the same name replaces the old version, or is kept beside it (default replace)",
    )


def add_settings(parser: argparse.ArgumentParser) -> None:
    """Add the options that a new collection is made by."""
    parser.add_argument("--chunk-size", type=int, metavar="N", help="most tokens in a chunk (default 200)")
    parser.add_argument(
        "--chunk-overlap",
        type=int,
        metavar="N",
        help="tokens that neighbouring chunks share (default a fifth of the size)",
    )
    parser.add_argument("--chunking", choices=METHODS, help="the way to cut (default structure)")
    parser.add_argument(
        "--chunk-rows", type=int, metavar="N", help="rows of a table in a chunk, with --chunking rows (default 1)"
    )
    parser.add_argument(
        "--chunk-percentile",
        type=int,
        metavar="N",
        help="with --chunking meaning: break at distances above this percentile, 1 to 99 (default 90)",
    )
    parser.add_argument("--metric", choices=METRICS, help="similarity measure (default cosine)")
    parser.add_argument(
        "--model", metavar="ID", help=f"bi-encoder: a folder or Hugging Face id (default {BUILT_IN_MODEL})"
    )


def collection_options(options: argparse.Namespace) -> CollectionOptions:
    """Return what the options ask of a collection."""
    return CollectionOptions(
        options.model,
        options.metric,
        options.chunk_size,
        options.chunk_overlap,
        options.chunking,
        options.chunk_rows,
        options.chunk_percentile,
    )


def run_index(options: argparse.Namespace) -> int:
    """Index files and folders; the exit status is 1 if any of them failed."""
    from core.indexing.indexer import index
    from core.loading.skipped import SkippedSource, by_reason
    from core.loading.sources import walk
    from core.workspace import Workspace

    try:
        sources = list(walk(options.paths))
    except LoadingError as error:
        raise SettingsError(str(error)) from error
    skipped = [source for source in sources if isinstance(source, SkippedSource)]
    if len(skipped) == len(sources):
        found = "".join(f"; {files.name}: {files.message}" for files in by_reason(skipped))
        raise SettingsError(
            f"The folders hold no files of a kind that is read{found}: see 'python -m core index --help'"
        )
    workspace = Workspace.open(Settings.from_environment())
    collection = workspace.open_or_create(options.collection, collection_options(options))
    started = time.perf_counter()
    with output.progress_line() as report:
        outcomes = index(workspace, collection, sources, options.on_change, report)
    output.outcomes(collection.name, outcomes, time.perf_counter() - started, as_json=options.json)
    failed = [outcome for outcome in outcomes if outcome.status == "failed"]
    read = sum(outcome.status != "skipped" for outcome in outcomes)
    if failed:
        print(
            f"error: {len(failed)} of {read} files could not be indexed; the first: {failed[0].message}",
            file=sys.stderr,
        )
    return 1 if failed else 0


EXCERPT = 160  # characters
CHUNKS_HELP = """\
The same chunks as 'index' would store, with their places, tokens, pages and headings, and how far the
bi-encoder reads each. With --query also how far the cross-encoder reads each beside that query.
"""


def add_chunks_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("file", type=Path, metavar="FILE")
    add_settings(parser)
    parser.add_argument(
        "--query", metavar="TEXT", help="a query, to see how far the cross-encoder reads each chunk beside it"
    )


def run_chunks(options: argparse.Namespace) -> int:
    """Cut a file and print its chunks."""
    from core.chunking.chunker import Chunker
    from core.chunking.preview import chunking_statistics, reading_limits
    from core.loading.loader import load
    from core.loading.sources import PathSource
    from core.models.registry import ModelRegistry

    settings, requested = Settings.from_environment(), collection_options(options)
    catalog = ModelRegistry(settings)
    encoder = catalog.get(requested.model or settings.model)
    chunking = requested.chunking(encoder.model, encoder.budget)
    document = load(options.file.name, PathSource(options.file, options.file.name).read())
    chunker = Chunker(document, encoder.tokens, encoder)
    chunks = chunker.chunk(chunking)
    reach = {"bi_reads_to": reading_limits(chunks, encoder.reads)}
    if options.query:
        reranker = catalog.reranker()
        reach["cross_reads_to"] = reading_limits(chunks, lambda text: reranker.reads(options.query, text))
    unknown = encoder.tokens.unknown([chunk.read for chunk in chunks])
    rows: list[dict[str, Any]] = [
        {
            **chunk.as_json(),
            **{name: ends[index] for name, ends in reach.items()},
            "unknown": None if lost is None else lost.as_json(),
        }
        for index, (chunk, lost) in enumerate(zip(chunks, unknown, strict=True))
    ]
    warnings = [lost.sentence if lost is not None else "" for lost in unknown]
    statistics = chunking_statistics(chunker, chunks, encoder.budget)
    summary = {
        "document": document.name,
        "characters": len(document.text),
        "metadata": dict(document.metadata),
        "model": encoder.model,
        "model_reads_tokens": encoder.budget,
        "chunks_model_cannot_read": sum(lost is not None and lost.mostly for lost in unknown),
        "chunking": asdict(chunking),
        "cut_in_sentence": statistics.cut_in_sentence,
        "bytes_on_disk": statistics.bytes_on_disk(encoder.dimension),
    }
    print(
        json.dumps({**summary, "chunks": rows}, ensure_ascii=False, indent=2)
        if options.json
        else _plain(summary, rows, warnings)
    )
    return 0


def _plain(summary: dict[str, Any], rows: list[dict[str, Any]], warnings: list[str]) -> str:
    lines = [
        f"{summary['document']}: {plural(len(rows), 'chunk')}, "
        f"{summary['cut_in_sentence']} of them end inside a sentence"
    ]
    for number, (row, warning) in enumerate(zip(rows, warnings, strict=True), 1):
        place = " · ".join(
            part for part in (f"page {row['page']}" if row["page"] else "", row["heading"] or "") if part
        )
        lines.append(f"{number:>4}  {row['tokens']:>4} tokens  {row['start']:>8,} to {row['end']:<8,}  {place}")
        if warning:
            lines.append(f"      {warning}")
        lines.append(textwrap.indent(textwrap.shorten(row["text"], EXCERPT, placeholder=" …"), " " * 6))
    return "\n".join(lines)
