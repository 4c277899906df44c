"""``python -m core map``: the map of a collection, its embeddings in two dimensions, as an HTML page or a CSV table."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, cast

from core.errors import SettingsError
from core.settings import Settings
from core.util.formatting import duration, plural

if TYPE_CHECKING:  # they import large libraries, which --help does not need
    from core.projection.export import MapExport
    from core.projection.records import Method

ENDINGS = (".html", ".csv")
# Seconds between two updates of the line on a terminal, and between two lines in a file or a pipe.
INTERVAL, LOG_INTERVAL = 0.2, 5.0
HELP = """\
Every chunk of the collection gets a place in two dimensions. FILE.html is a page that needs no network, coloured by
cluster; FILE.csv has a row a chunk: chunk_id, document, start, end (characters), x, y, then tokens, cluster and
its name. With --query also the similarity to it, the rank by it, and the rank by distance on the map; the query's own
place goes to standard error and into --json. The same chunks, settings and seed give the same map; it is kept for \
the app.

Trustworthiness: 1 if neighbours on the map are neighbours in the full space. Continuity: 1 if neighbours in the full
space are neighbours on the map. Chance gives about 0.5.
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("collection")
    parser.add_argument(
        "--out", type=Path, required=True, metavar="FILE", help="where to write: a name that ends in .html or .csv"
    )
    parser.add_argument("--method", default="umap", metavar="NAME", help="umap, pca or tsne (default umap)")
    parser.add_argument("--query", metavar="TEXT", help="show where this query lands, and what is near it")
    parser.add_argument(
        "--n-neighbors",
        type=int,
        default=15,
        metavar="N",
        help="UMAP: neighbours that shape the map; few show detail, many the whole (default 15)",
    )
    parser.add_argument(
        "--min-dist",
        type=float,
        default=0.1,
        metavar="X",
        help="UMAP: how close points may lie, 0 to 1; less packs groups tighter (default 0.1)",
    )
    parser.add_argument("--seed", type=int, default=42, metavar="N", help="of what is drawn by chance (default 42)")


def run(options: argparse.Namespace) -> int:
    """Write the map of a collection and print its quality. Options are checked before any model is loaded."""
    from core.projection.records import LayoutSettings

    settings = LayoutSettings(cast("Method", options.method), options.n_neighbors, options.min_dist, seed=options.seed)
    _check_out(options.out)
    from core.projection.export import build_map, write_map
    from core.retrieval.reading import query_notes
    from core.retrieval.search import checked_query
    from core.workspace import Workspace

    query = None if options.query is None else checked_query(options.query)
    workspace = Workspace.open(Settings.from_environment())
    started = time.perf_counter()
    with _progress() as report:
        export = build_map(workspace, options.collection, settings, query, report)
        report(f"writing {options.out.name}", 0.0)
        write_map(export, options.out)
    if query is not None:
        for note in query_notes(workspace.encoder(workspace.store.collection(options.collection)), query):
            print(f"note: {note}", file=sys.stderr)
    _print(export, options.out, time.perf_counter() - started, as_json=options.json)
    return 0


def _check_out(out: Path) -> None:
    """Raise SettingsError for another ending, a missing folder, or one that cannot be written to."""
    if out.suffix.lower() not in ENDINGS:
        raise SettingsError(f"--out is {str(out)!r}: use a name that ends in {' or '.join(ENDINGS)}")
    if not out.parent.is_dir():
        raise SettingsError(f"--out is {str(out)!r}, but there is no folder {str(out.parent)!r}: make it first")
    if out.is_dir() or not os.access(out.parent, os.W_OK):
        raise SettingsError(f"--out is {str(out)!r}, which cannot be written: choose another place")


def _print(export: MapExport, out: Path, seconds: float, *, as_json: bool) -> None:
    query = export.query
    if query is not None:
        print(f"the query lies at x {query.star[0]:.4f}, y {query.star[1]:.4f}", file=sys.stderr)
    if as_json:
        record = {**export.as_json(), "seconds": round(seconds, 3), "out": str(out)}
        print(json.dumps(record, ensure_ascii=False, indent=2))
        return
    rest = f" ({export.placed:,} of them placed by their neighbours)" if export.placed else ""
    clusters = plural(len(export.clusters), "cluster")
    print(f"{out}: {plural(len(export.points), 'chunk')}{rest} in {clusters}, {duration(seconds)}")
    print(export.quality.words if export.quality else "Under four chunks there are no neighbourhoods to compare.")
    if query is not None:
        print(f"{query.overlap.sentence}. {query.overlap.words}")


@contextmanager
def _progress() -> Iterator[Callable[[str, float], None]]:
    """Yield a callback that updates one line on a terminal, or writes a line at each stage and every few seconds."""
    terminal, last_time, last_stage = sys.stderr.isatty(), 0.0, ""

    def report(stage: str, share: float) -> None:
        nonlocal last_time, last_stage
        now = time.monotonic()
        if stage == "done":  # with the layout alone
            return
        if stage != last_stage or now - last_time >= (INTERVAL if terminal else LOG_INTERVAL):
            last_time, last_stage = now, stage
            start, end = ("\r\033[K", "") if terminal else ("", "\n")
            print(f"{start}{stage}" + (f" ({share:.0%})" if share else ""), end=end, file=sys.stderr, flush=True)

    try:
        yield report
    finally:
        if terminal:
            print("\r\033[K", end="", file=sys.stderr, flush=True)
