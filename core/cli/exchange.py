"""``python -m core judgments``: what is judged in a collection, in and out."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.cli import output
from core.cli.indexing import add_settings, collection_options
from core.errors import SettingsError
from core.settings import Settings
from core.util.formatting import file_size, plural

if TYPE_CHECKING:
    from core.exchange.judgments import JudgmentTransfer
    from core.exchange.writer import ImportResult
    from core.judgments.relevance import JudgedQueries
    from core.records.search import Collection
    from core.workspace import Workspace

IMPORT_HELP = """\
PATH is one of three:
  a file that 'export' wrote: the collection is made as it was, nothing is embedded; --model only
      where the model lies in another place here
  a BEIR folder or ZIP (corpus.jsonl, queries.jsonl, qrels/*.tsv): a collection with its queries and
      judgments; --model, --metric, --chunk-size and the others as for 'index'
  a folder of Chroma's that another program made: its chunks and vectors; --model names the model that
      made them, --from the collection, --list only tells what there is. The folder is not written to.
Without PATH, --from is a collection of another program in the data folder itself.
A collection is there complete or, where something fails, not at all.
"""
COPY_HELP = """\
Another model, measure or way to cut, from the documents that are stored. What is not asked for is as
in COLLECTION. Queries and judgments come along. Vectors are computed again only where need be.
"""


def add_import_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of import."""
    parser.add_argument("path", nargs="?", type=Path, metavar="PATH", help="file or folder")
    parser.add_argument("--collection", metavar="NAME", help="what it shall be called (default as in PATH)")
    parser.add_argument("--from", dest="origin", metavar="NAME", help="the collection in a folder of Chroma's")
    parser.add_argument("--list", action="store_true", help="only list the collections in a folder of Chroma's")
    add_settings(parser)


def add_export_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of export."""
    parser.add_argument("collection")
    parser.add_argument("file", type=Path, metavar="FILE", help="a new file, name.zip say")


def add_copy_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of copy."""
    parser.add_argument("collection")
    parser.add_argument("new", metavar="NEW", help="what the copy shall be called")
    add_settings(parser)


def add_rename_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of rename."""
    parser.add_argument("collection")
    parser.add_argument("new", metavar="NEW")


def import_(options: argparse.Namespace) -> int:
    """Bring a collection in, whatever it is in."""
    from core.exchange.chroma_import import is_chroma_folder
    from core.exchange.importer import import_collection
    from core.formats.beir import is_beir
    from core.workspace import Workspace

    path: Path | None = options.path
    if path is not None and not path.exists():
        raise SettingsError(f"There is no file or folder {str(path)!r}: check the path")
    workspace = Workspace.open(Settings.from_environment())
    foreign = path is None or is_chroma_folder(path)
    if (options.origin or options.list) and not foreign:
        raise SettingsError(f"{path} is not a folder of Chroma's: --from and --list are for those")
    if foreign:
        return _import_foreign(workspace, options)
    assert path is not None
    with output.progress_line() as report:
        if path.is_file() and not is_beir(path):
            _only_model(options, f"{path} comes with its settings")
        brought = import_collection(workspace, path, options.collection, collection_options(options), report=report)
    _brought("imported", brought, as_json=options.json)
    return 0


def _import_foreign(workspace: Workspace, options: argparse.Namespace) -> int:
    """A collection that another program made, in a folder of its own or in ours."""
    from core.exchange.chroma_import import (
        choose_collection,
        collection_info,
        import_chroma_collection,
        open_chroma_copy,
    )

    if options.path is None:
        if options.origin is None:
            raise SettingsError(
                "Name what to import: a PATH, or with --from a collection of another program in the data folder"
            )
        _only_model(options, "The chunks of another program come as they are")
        origin = choose_collection(str(workspace.settings.data), workspace.store, options.origin)
        if options.collection is None:
            raise SettingsError(
                f"The collection {origin.name!r} is in the data folder: give the new one a name with --collection"
            )
        with output.progress_line() as report:
            brought = import_chroma_collection(workspace, workspace.store, origin, options.collection, options.model, report)
    else:
        with open_chroma_copy(options.path) as store:
            if options.list:
                there = [collection_info(store, collection) for collection in store.collections()]
                _say(
                    [one.as_json() for one in there],
                    "\n".join(one.line for one in there) or "no collections",
                    as_json=options.json,
                )
                return 0
            _only_model(options, "The chunks of another program come as they are")
            origin = choose_collection(str(options.path), store, options.origin)
            with output.progress_line() as report:
                brought = import_chroma_collection(workspace, store, origin, options.collection or origin.name, options.model, report)
    _brought("imported", brought, as_json=options.json)
    return 0


def export(options: argparse.Namespace) -> int:
    """Write a collection into one file."""
    from core.exchange.bundle import export_bundle
    from core.workspace import Workspace

    workspace = Workspace.open(Settings.from_environment())
    with output.progress_line() as report:
        written = export_bundle(workspace, options.collection, options.file, report)
    size = options.file.stat().st_size
    counts = f"{plural(written.documents, 'document')}, {plural(written.chunks, 'chunk')}, {plural(written.judgments, 'judgment')}"
    _say(
        {"file": str(options.file), "size": size, **asdict(written)},
        f"exported {written.name}: {counts}, {file_size(size)}",
        as_json=options.json,
    )
    return 0


def copy(options: argparse.Namespace) -> int:
    """Make a collection once more with other settings."""
    from core.exchange.copying import copy_collection
    from core.workspace import Workspace

    workspace = Workspace.open(Settings.from_environment())
    with output.progress_line() as report:
        brought = copy_collection(workspace, options.collection, options.new, collection_options(options), report)
    _brought("copied", brought, as_json=options.json)
    return 0


def rename(options: argparse.Namespace) -> int:
    """Give a collection another name."""
    from core.workspace import Workspace

    renamed = Workspace.open(Settings.from_environment()).rename(options.collection, options.new)
    _say(renamed.as_json(), f"renamed {options.collection} to {renamed.name}", as_json=options.json)
    return 0


def _only_model(options: argparse.Namespace, why: str) -> None:
    """Refuse the settings of new collections where they cannot be heeded, all but the model."""
    asked = collection_options(options)
    given = [field.name for field in fields(asked) if field.name != "model" and getattr(asked, field.name) is not None]
    if given:
        raise SettingsError(f"{why}: leave out the {given[0]}, and change it afterwards with 'python -m core copy'")


def _brought(verb: str, brought: ImportResult, *, as_json: bool) -> None:
    made = brought.collection
    judged = (
        f", {plural(brought.queries, 'query', 'queries')}, {plural(brought.judgments, 'judgment')}"
        if brought.queries
        else ""
    )
    line = f"{verb} {made.name}: {plural(brought.documents, 'document')}, {plural(made.chunks, 'chunk')}{judged}"
    _say(brought.as_json(), "\n".join([line, *brought.notes]), as_json=as_json)


def _say(record: object, text: str, *, as_json: bool) -> None:
    print(json.dumps(record, ensure_ascii=False, indent=2) if as_json else text)


FORMATS = ("trec", "beir", "quepid", "csv")
HELP = """\
Judgments hang on spans of documents. The split 'judged' holds what was judged in the app: it counts in
every collection with the same documents, and stays when a collection is deleted. Other splits came with
data sets and belong to one collection. 'samples' is the sample library's own.

Formats, guessed from the name where --format is not given:
  trec    lines 'query-id 0 document grade'; the queries' texts in --queries FILE (.jsonl, or 'id, text'
          between tabs), by default NAME.queries.tsv beside the file
  beir    a folder with queries.jsonl and qrels/*.tsv; an export has the documents too
  quepid  CSV: query,docid,rating
  csv     ours, with spans, names, times and notes: nothing is lost
Documents are named by name or id. Only csv keeps spans: elsewhere a document has the highest grade of its
judged spans. What is malformed is named with its line, and nothing is imported then.
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("collection", nargs="?")
    parser.add_argument(
        "--import", dest="source", type=Path, metavar="FILE", help="bring judgments in from a file, a folder for beir"
    )
    parser.add_argument(
        "--export",
        dest="target",
        type=Path,
        metavar="FILE",
        help="write judgments into a new file, a new folder for beir",
    )
    parser.add_argument("--format", choices=FORMATS, help="of the file (default: by its name)")
    parser.add_argument(
        "--split",
        metavar="NAME",
        help="which split to list or export, or the one that imported judgments go into (default: as in the file)",
    )
    parser.add_argument("--queries", type=Path, metavar="FILE", help="the queries' texts, for an import of TREC qrels")
    parser.add_argument("--who", default="", metavar="NAME", help="who judged what is imported")
    parser.add_argument(
        "--drop-unused",
        action="store_true",
        help="without COLLECTION: drop what was judged on documents that no collection holds any more",
    )


def run(options: argparse.Namespace) -> int:
    """List, import or export."""
    from core.workspace import Workspace

    if sum((options.source is not None, options.target is not None, options.drop_unused)) > 1:
        raise SettingsError("One thing at a time: --import, --export or --drop-unused")
    if (options.collection is None) != options.drop_unused:
        raise SettingsError(
            "Name a COLLECTION, or ask for --drop-unused without one: 'python -m core collections' lists them"
        )
    workspace = Workspace.open(Settings.from_environment())
    if options.drop_unused:
        gone = workspace.judgments.drop_unused()
        _print_moved_judgments({"dropped": gone}, f"dropped {plural(gone, 'judgment')}", options)
        return 0
    collection = workspace.store.collection(options.collection)
    if options.source or options.target:
        _move(workspace, collection, options)
    else:
        _list(workspace, collection, options)
    return 0


def _move(workspace: Workspace, collection: Collection, options: argparse.Namespace) -> None:
    from core.exchange.judgments import export_judgments, import_judgments

    if options.source:
        moved = import_judgments(
            workspace,
            collection,
            options.source,
            options.format,
            queries=options.queries,
            split=options.split,
            who=options.who,
        )
        verb = "imported"
    else:
        moved = export_judgments(workspace, collection, options.target, options.format, split=options.split)
        verb = "exported"
    _print_moved_judgments(moved.as_json(), "\n".join([_moved(verb, moved), *moved.notes]), options)


def _moved(verb: str, moved: JudgmentTransfer) -> str:
    kinds = f"split {', '.join(moved.splits)}; {moved.format}"
    return f"{verb} {plural(moved.judgments, 'judgment')} of {plural(moved.queries, 'query', 'queries')} ({kinds}): {moved.file}"


def _list(workspace: Workspace, collection: Collection, options: argparse.Namespace) -> None:
    from core.judgments.queries import judged_queries_for, splits_for

    splits = [options.split] if options.split else splits_for(workspace, collection)
    found = [_counted(judged_queries_for(workspace, collection, split)) for split in splits]
    lines = [
        f"{one['split']}: {plural(one['judgments'], 'judgment')} of {plural(one['queries'], 'query', 'queries')}, "
        f"{'on whole documents' if one['per_document'] else 'on spans'}; grades {', '.join(f'{grade}: {many:,}' for grade, many in one['grades'].items())}"
        for one in found
    ]
    _print_moved_judgments(
        {"collection": collection.name, "splits": found},
        "\n".join(lines) or f"Nothing is judged in {collection.name} yet.",
        options,
    )


def _counted(judged: JudgedQueries) -> dict[str, Any]:
    grades = Counter(span.grade for spans in judged.spans.values() for span in spans)
    return {
        "split": judged.split,
        "queries": len(judged.queries),
        "judgments": judged.judgments,
        "per_document": judged.per_document,
        "grades": {str(grade): grades[grade] for grade in sorted(grades)},
    }


def _print_moved_judgments(record: object, text: str, options: argparse.Namespace) -> None:
    print(json.dumps(record, ensure_ascii=False, indent=2) if options.json else text)
