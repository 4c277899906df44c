"""``python -m core index``."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from textwrap import fill

from core._part_wanted import Wanted
from core.cli import output as output
from core.errors import LoadingError, SettingsError
from core.loading.loader import KINDS
from core.records.search import METHODS, METRICS
from core.settings import BUILT_IN_MODEL, Settings

HELP = """\
Folders are walked; hidden files and kinds that are not read are passed over. Files that are there
already and unchanged are skipped. A collection is made if it is missing; its model, measure and
chunking are fixed then.

""" + fill(f"Read are {KINDS}.", 100)


def add_options(parser: argparse.ArgumentParser) -> None:
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
    parser.add_argument("--chunk-overlap", type=int, metavar="N", help="tokens that neighbouring chunks share (default a fifth of the size)")
    parser.add_argument("--chunking", choices=METHODS, help="the way to cut (default structure)")
    parser.add_argument("--chunk-rows", type=int, metavar="N", help="rows of a table in a chunk, with --chunking rows (default 1)")
    parser.add_argument(
        "--chunk-percentile", type=int, metavar="N", help="with --chunking meaning: break at distances above this percentile, 1 to 99 (default 90)"
    )
    parser.add_argument("--metric", choices=METRICS, help="similarity measure (default cosine)")
    parser.add_argument("--model", metavar="ID", help=f"bi-encoder: a folder or Hugging Face id (default {BUILT_IN_MODEL})")


def wanted(options: argparse.Namespace) -> Wanted:
    """Return what the options ask of a collection."""
    return Wanted(
        options.model, options.metric, options.chunk_size, options.chunk_overlap, options.chunking, options.chunk_rows, options.chunk_percentile
    )


def run(options: argparse.Namespace) -> int:
    """Index files and folders; the exit status is 1 if any of them failed."""
    from core.indexing.indexer import index
    from core.loading.sources import walk
    from core.workspace import Workspace

    try:
        sources = list(walk(options.paths))
    except LoadingError as error:
        raise SettingsError(str(error)) from error
    if not sources:
        raise SettingsError("The folders hold no files of a kind that is read: see 'python -m core index --help'")
    workspace = Workspace.open(Settings.from_environment())
    collection = workspace.open_or_create(options.collection, wanted(options))
    started = time.perf_counter()
    with output.progress_line() as report:
        outcomes = index(workspace, collection, sources, options.on_change, report)
    output.outcomes(collection.name, outcomes, time.perf_counter() - started, as_json=options.json)
    failed = [outcome for outcome in outcomes if outcome.status == "failed"]
    if failed:
        print(f"error: {len(failed)} of {len(outcomes)} files could not be indexed; the first: {failed[0].message}", file=sys.stderr)
    return 1 if failed else 0
