"""``python -m core``: the same engine for scripts and large jobs.

Results go to standard output, progress and errors to standard error. Exit status: 0 success, 1 a
failure, 2 a wrong call.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from core import cli_output as output
from core.cli_evaluate import HELP, add_options, evaluate
from core.errors import LoadingError, QueryError, RankscopeError, SettingsError
from core.records import METRICS
from core.settings import BUILT_IN_MODEL, BUILT_IN_RERANKER, Settings, quiet_environment

DESCRIPTION = """\
Index documents and search them by meaning, from the shell. The collections are the ones that
the app shows: both work on the same data folder.

  python -m core index manuals/ --collection manuals
  python -m core search manuals "how do I reset the device?" --top-k 5
  python -m core search manuals "how do I reset the device?" --rerank --pool 100
  python -m core documents manuals --json
  python -m core evaluate collections/scifact --systems bi,bi+cross
"""
EPILOG = """\
The data folder is $RANKSCOPE_DATA, by default the platform's user data folder. Every command
takes --json and --help. Exit status: 0 success, 1 a failure, 2 a wrong call.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit status."""
    quiet_environment()
    options = _parser().parse_args(arguments)
    try:
        command: Callable[[argparse.Namespace], int] = options.command
        return command(options)
    except (SettingsError, QueryError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except RankscopeError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("error: interrupted; what was stored before is kept", file=sys.stderr)
        return 1
    except BrokenPipeError:  # the reader, such as head, has seen enough
        sys.stderr.close()
        return 0


def _parser() -> argparse.ArgumentParser:
    plain = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser("python -m core", description=DESCRIPTION, epilog=EPILOG, formatter_class=plain)
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    def command(name: str, run: Callable[[argparse.Namespace], int], help_: str, more: str = "") -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=help_, description=f"{help_}\n\n{more}".strip(), formatter_class=plain)
        made.set_defaults(command=run)
        made.add_argument("--json", action="store_true", help="print JSON instead of text")
        return made

    _index_options(command("index", _index, "Add files and folders to a collection.", INDEX_HELP))
    searching = command("search", _search, "Ask a collection a question; prints the most similar chunks.", SEARCH_HELP)
    searching.add_argument("collection")
    searching.add_argument("query")
    _rerank_options(searching)
    searching.add_argument("--top-k", type=int, default=10, metavar="N", help="number of hits, 1 to 1000 (default 10)")
    searching.add_argument(
        "--document", action="append", default=[], metavar="NAME", help="search this document only; may be repeated"
    )
    command("collections", _collections, "List the collections.")
    documents = command("documents", _documents, "List the documents of a collection.")
    documents.add_argument("collection")
    add_options(command("evaluate", evaluate, "Measure how well systems answer judged queries.", HELP))
    deleting = command("delete", _delete, "Delete a collection, or documents of it. It does not ask back.")
    deleting.add_argument("collection")
    deleting.add_argument(
        "--document", action="append", default=[], metavar="NAME", help="delete this document only (name or id); may be repeated"
    )
    return parser


INDEX_HELP = """\
Folders are walked; hidden files and kinds that are not read are passed over. Read are PDF, DOCX,
PPTX, XLSX, HTML, Markdown and plain text. Files that are there already and unchanged are skipped.
A collection is made if it is missing; its model, measure and chunking are fixed then.
"""
SEARCH_HELP = """\
The score is a similarity, higher is better: the cosine (at most 1), the dot product, or minus the
Euclidean distance (at most 0), as the collection was made. With --rerank a cross-encoder reads the
query together with each of the first --pool chunks and puts those in its own order; its score is a
logit, higher is better, and the probability is what the model's sigmoid makes of it.
"""


def _rerank_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rerank", action="store_true", help="let a cross-encoder put the first chunks in a better order")
    parser.add_argument("--pool", type=int, metavar="N", help="how many chunks it reads, 1 to 1000 (default 50); implies --rerank")
    parser.add_argument(
        "--reranker", metavar="ID", help=f"cross-encoder: a folder or Hugging Face id (default {BUILT_IN_RERANKER}); implies --rerank"
    )


def _index_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="file or folder")
    parser.add_argument("--collection", required=True, metavar="NAME", help="where to put them; made if it is missing")
    parser.add_argument("--chunk-size", type=int, metavar="N", help="most tokens in a chunk (default 200)")
    parser.add_argument("--chunk-overlap", type=int, metavar="N", help="tokens that neighbouring chunks share (default 40)")
    parser.add_argument("--metric", choices=METRICS, help="similarity measure (default cosine)")
    parser.add_argument("--model", metavar="ID", help=f"bi-encoder: a folder or Hugging Face id (default {BUILT_IN_MODEL})")
    parser.add_argument(
        "--on-change",
        choices=("replace", "keep"),
        default="replace",
        help="a changed file of the same name replaces the old version, or is kept beside it (default replace)",
    )


def _index(options: argparse.Namespace) -> int:
    from core.indexing import index
    from core.sources import walk
    from core.workspace import Workspace

    try:
        sources = list(walk(options.paths))
    except LoadingError as error:
        raise SettingsError(str(error)) from error
    if not sources:
        raise SettingsError("The folders hold no files of a kind that is read: see 'python -m core index --help'")
    workspace = Workspace.open(Settings.from_environment())
    collection = workspace.open_or_create(
        options.collection, options.model, options.metric, options.chunk_size, options.chunk_overlap
    )
    started = time.perf_counter()
    with output.progress_line() as report:
        outcomes = index(workspace, collection, sources, options.on_change, report)
    output.outcomes(collection.name, outcomes, time.perf_counter() - started, as_json=options.json)
    failed = [outcome for outcome in outcomes if outcome.status == "failed"]
    if failed:
        print(f"error: {len(failed)} of {len(outcomes)} files could not be indexed; the first: {failed[0].message}", file=sys.stderr)
    return 1 if failed else 0


def _search(options: argparse.Namespace) -> int:
    from core.search import POOL, check_hits, check_pool, rerank, search
    from core.workspace import Workspace

    workspace = Workspace.open(Settings.from_environment())
    reranking = options.rerank or options.pool is not None or options.reranker is not None
    pool = (POOL if options.pool is None else options.pool) if reranking else 0
    check_hits(options.top_k)
    if reranking:
        check_pool(pool)
    result = search(workspace, options.collection, options.query, max(options.top_k, pool), options.document)
    if reranking:
        result = rerank(result, workspace.catalog.reranker(options.reranker or ""), pool)
    output.result(result.top(options.top_k), as_json=options.json)
    return 0


def _collections(options: argparse.Namespace) -> int:
    from core.workspace import Workspace

    output.collections(Workspace.open(Settings.from_environment()).store.collections(), as_json=options.json)
    return 0


def _documents(options: argparse.Namespace) -> int:
    from core.workspace import Workspace

    workspace = Workspace.open(Settings.from_environment())
    output.documents(workspace.documents(workspace.store.collection(options.collection)), as_json=options.json)
    return 0


def _delete(options: argparse.Namespace) -> int:
    from core.workspace import Workspace

    workspace = Workspace.open(Settings.from_environment())
    if options.document:
        collection = workspace.store.collection(options.collection)
        found = [workspace.shelf.find(collection.key, name) for name in options.document]
        workspace.delete_documents(collection, [document.document_id for document in found])
        output.deleted(options.collection, [document.name for document in found], as_json=options.json)
    else:
        workspace.delete_collection(options.collection)
        output.deleted(options.collection, [], as_json=options.json)
    return 0
