"""What the shell prints: JSON for programs, short lines for people."""

from __future__ import annotations

import json
import shutil
import sys
import textwrap
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from core.records.search import Collection, Hit, SearchResult, StoredDocument, measure_name
from core.util.formatting import duration, embedding_counts_text, plural, progress_text, rank_change
from core.util.progress import EmbeddingCounts, FileOutcome, Progress

INTERVAL = 0.2  # seconds between two updates of a terminal's progress line
LOG_INTERVAL = 10.0  # the same where standard error is a file or a pipe


def _json(held: Any) -> None:
    print(json.dumps(held, ensure_ascii=False, indent=2))


@contextmanager
def progress_line() -> Iterator[Callable[[Progress], None]]:
    """Yield a reporter that keeps one line on a terminal up to date, or logs a line now and then."""
    terminal, last = sys.stderr.isatty(), 0.0

    def report(progress: Progress) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= (INTERVAL if terminal else LOG_INTERVAL):
            last = now
            start, end = ("\r\033[K", "") if terminal else ("", "\n")
            print(start + progress_text(progress), end=end, file=sys.stderr, flush=True)

    try:
        yield report
    finally:
        if terminal:
            print("\r\033[K", end="", file=sys.stderr, flush=True)


def outcomes(collection: str, found: Sequence[FileOutcome], seconds: float, *, as_json: bool) -> None:
    """Print what became of each file, how many chunks were embedded, and how long it took without the start-up."""
    work = EmbeddingCounts.of(found)
    if as_json:
        _json(
            {
                "collection": collection,
                "files": [asdict(outcome) for outcome in found],
                **asdict(work),
                "seconds": round(seconds, 3),
            }
        )
        return
    for outcome in found:
        chunks = plural(outcome.chunks, "chunk") if outcome.chunks else ""
        print("  ".join(part for part in (f"{outcome.status:<11}", outcome.name, chunks, outcome.remarks) if part))
    read = sum(outcome.status != "skipped" for outcome in found)
    print(f"{plural(read, 'file')} in {duration(seconds)}, {embedding_counts_text(work)}")


def result(found: SearchResult, *, as_json: bool) -> None:
    """Print a ranking; what the models did not read of query and hits goes to standard error."""
    for note in (*found.notes, *found.rerank_notes):
        print(f"note: {note}", file=sys.stderr)
    if as_json:
        _json(found.as_json())
        return
    width = min(shutil.get_terminal_size().columns, 110)
    for hit in found.hits:
        place = ", ".join(part for part in (f"page {hit.page}" if hit.page else "", hit.heading or "") if part)
        print(f"{hit.rank:>3}  {_scores(hit)}  {hit.document}" + (f"  ({place})" if place else ""))
        if hit.unknown is not None and hit.unknown.sentence:
            print(f"     {hit.unknown.sentence}")
        text = textwrap.shorten(hit.text, 3 * width, placeholder=" …")
        print(textwrap.fill(text, width, initial_indent="     ", subsequent_indent="     ") + "\n")
    times = found.timings
    order = (
        f"{found.reranker}, which read the first {found.pool} by {measure_name(found.metric)}"
        if found.reranker
        else measure_name(found.metric)
    )
    reranking = "" if times.rerank is None else f"rerank {times.rerank:.1f} ms, "
    print(
        f"{len(found.hits)} hits by {order} (higher is better); "
        f"encode {times.encode:.1f} ms, retrieve {times.retrieve:.1f} ms, {reranking}total {times.total:.1f} ms"
    )


def _scores(hit: Hit) -> str:
    """A hit's scores; with a cross-encoder's, also where the bi-encoder had it."""
    similarity = f"{hit.bi_score:.4f}"
    if hit.cross_score is None:
        return similarity
    return f"cross {hit.cross_score:+.2f}  {rank_change(hit.moved):<8}  bi {similarity}"


def collections(found: Sequence[Collection], *, as_json: bool) -> None:
    """Print a line for each collection."""
    if as_json:
        _json([collection.as_json() for collection in found])
        return
    for collection in found:
        made = (
            f"{collection.model}, {collection.metric}, chunks of {collection.chunking.size}"
            if collection.model
            else "made by another program"
        )
        print(f"{collection.name}  {collection.chunks:,} chunks  ({made})")
    if not found:
        print("There are no collections yet: 'python -m core index PATH --collection NAME' makes one.")


def documents(found: Sequence[StoredDocument], *, as_json: bool) -> None:
    """Print a line for each document."""
    if as_json:
        _json([document.as_json() for document in found])
        return
    for document in found:
        print(
            f"{document.name}  {plural(document.chunks, 'chunk')}  {document.characters:,} characters  {document.added}"
        )
        if document.also:
            print(f"    also: {', '.join(document.also)}")
        for note in document.notes:
            print(f"    {note}")


def deleted(collection: str, names: Sequence[str], *, as_json: bool) -> None:
    """Print what was deleted."""
    if as_json:
        _json({"collection": collection, "deleted_documents": list(names), "deleted_collection": not names})
    else:
        print(f"deleted {', '.join(names)} from {collection}" if names else f"deleted {collection}")
