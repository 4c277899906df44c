"""The commands ``import``, ``export``, ``copy``, ``rename`` and ``judgments`` of ``python -m core``."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

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
    """Import a collection from a bundle, a BEIR data set or a Chroma folder."""
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
            _reject_settings(options, f"{path} comes with its settings")
        result = import_collection(workspace, path, options.collection, collection_options(options), report=report)
    _print_result("imported", result, as_json=options.json)
    return 0


def _import_foreign(workspace: Workspace, options: argparse.Namespace) -> int:
    """Import a collection that another program made, from its Chroma folder or from the data folder."""
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
        _reject_settings(options, "The chunks of another program come as they are")
        origin = choose_collection(str(workspace.settings.data), workspace.store, options.origin)
        if options.collection is None:
            raise SettingsError(
                f"The collection {origin.name!r} is in the data folder: give the new one a name with --collection"
            )
        with output.progress_line() as report:
            result = import_chroma_collection(
                workspace, workspace.store, origin, options.collection, options.model, report
            )
    else:
        with open_chroma_copy(options.path) as store:
            if options.list:
                infos = [collection_info(store, collection) for collection in store.collections()]
                _print(
                    [info.as_json() for info in infos],
                    "\n".join(info.line for info in infos) or "no collections",
                    as_json=options.json,
                )
                return 0
            _reject_settings(options, "The chunks of another program come as they are")
            origin = choose_collection(str(options.path), store, options.origin)
            name = options.collection or origin.name
            with output.progress_line() as report:
                result = import_chroma_collection(workspace, store, origin, name, options.model, report)
    _print_result("imported", result, as_json=options.json)
    return 0


def export(options: argparse.Namespace) -> int:
    """Export a collection to one file."""
    from core.exchange.bundle import export_bundle
    from core.workspace import Workspace

    workspace = Workspace.open(Settings.from_environment())
    with output.progress_line() as report:
        manifest = export_bundle(workspace, options.collection, options.file, report)
    size = options.file.stat().st_size
    counts = ", ".join(
        (
            plural(manifest.documents, "document"),
            plural(manifest.chunks, "chunk"),
            plural(manifest.judgments, "judgment"),
        )
    )
    _print(
        {"file": str(options.file), "size": size, **asdict(manifest)},
        f"exported {manifest.name}: {counts}, {file_size(size)}",
        as_json=options.json,
    )
    return 0


def copy(options: argparse.Namespace) -> int:
    """Copy a collection with other settings."""
    from core.exchange.copying import copy_collection
    from core.workspace import Workspace

    workspace = Workspace.open(Settings.from_environment())
    with output.progress_line() as report:
        result = copy_collection(workspace, options.collection, options.new, collection_options(options), report)
    _print_result("copied", result, as_json=options.json)
    return 0


def rename(options: argparse.Namespace) -> int:
    """Rename a collection."""
    from core.workspace import Workspace

    renamed = Workspace.open(Settings.from_environment()).rename(options.collection, options.new)
    _print(renamed.as_json(), f"renamed {options.collection} to {renamed.name}", as_json=options.json)
    return 0


def _reject_settings(options: argparse.Namespace, reason: str) -> None:
    """Raise SettingsError if a setting other than the model is given; ``reason`` says why it cannot be used."""
    settings = collection_options(options)
    given = [
        field.name for field in fields(settings) if field.name != "model" and getattr(settings, field.name) is not None
    ]
    if given:
        raise SettingsError(f"{reason}: leave out the {given[0]}, and change it afterwards with 'python -m core copy'")


def _print_result(verb: str, result: ImportResult, *, as_json: bool) -> None:
    collection = result.collection
    judged = (
        f", {plural(result.queries, 'query', 'queries')}, {plural(result.judgments, 'judgment')}"
        if result.queries
        else ""
    )
    counts = f"{plural(result.documents, 'document')}, {plural(collection.chunks, 'chunk')}{judged}"
    line = f"{verb} {collection.name}: {counts}"
    _print(result.as_json(), "\n".join([line, *result.notes]), as_json=as_json)


def _print(record: object, text: str, *, as_json: bool) -> None:
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
    """Add the options of judgments."""
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
    """List, import, export or drop judgments."""
    from core.workspace import Workspace

    if sum((options.source is not None, options.target is not None, options.drop_unused)) > 1:
        raise SettingsError("One thing at a time: --import, --export or --drop-unused")
    if (options.collection is None) != options.drop_unused:
        raise SettingsError(
            "Name a COLLECTION, or ask for --drop-unused without one: 'python -m core collections' lists them"
        )
    workspace = Workspace.open(Settings.from_environment())
    if options.drop_unused:
        dropped = workspace.judgments.drop_unused()
        _print({"dropped": dropped}, f"dropped {plural(dropped, 'judgment')}", as_json=options.json)
        return 0
    collection = workspace.store.collection(options.collection)
    if options.source or options.target:
        _transfer(workspace, collection, options)
    else:
        _list(workspace, collection, options)
    return 0


def _transfer(workspace: Workspace, collection: Collection, options: argparse.Namespace) -> None:
    from core.exchange.judgments import export_judgments, import_judgments

    if options.source:
        transfer = import_judgments(
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
        transfer = export_judgments(workspace, collection, options.target, options.format, split=options.split)
        verb = "exported"
    _print(transfer.as_json(), "\n".join([_summary(verb, transfer), *transfer.notes]), as_json=options.json)


def _summary(verb: str, transfer: JudgmentTransfer) -> str:
    details = f"split {', '.join(transfer.splits)}; {transfer.format}"
    counts = f"{plural(transfer.judgments, 'judgment')} of {plural(transfer.queries, 'query', 'queries')}"
    return f"{verb} {counts} ({details}): {transfer.file}"


def _list(workspace: Workspace, collection: Collection, options: argparse.Namespace) -> None:
    from core.judgments.queries import judged_queries_for, splits_for

    splits = [options.split] if options.split else splits_for(workspace, collection)
    summaries = [_SplitSummary.of(judged_queries_for(workspace, collection, split)) for split in splits]
    _print(
        {"collection": collection.name, "splits": [asdict(summary) for summary in summaries]},
        "\n".join(summary.line for summary in summaries) or f"Nothing is judged in {collection.name} yet.",
        as_json=options.json,
    )


@dataclass(frozen=True)
class _SplitSummary:
    """Counts of one split; the fields are those of ``--json``."""

    split: str
    queries: int
    judgments: int
    per_document: bool  # judgments are on whole documents, not on spans
    grades: dict[str, int]  # judgments by grade, in ascending order

    @classmethod
    def of(cls, judged: JudgedQueries) -> _SplitSummary:
        grades = Counter(span.grade for spans in judged.spans.values() for span in spans)
        by_grade = {str(grade): grades[grade] for grade in sorted(grades)}
        return cls(judged.split, len(judged.queries), judged.judgments, judged.per_document, by_grade)

    @property
    def line(self) -> str:
        counts = f"{plural(self.judgments, 'judgment')} of {plural(self.queries, 'query', 'queries')}"
        grades = ", ".join(f"{grade}: {count:,}" for grade, count in self.grades.items())
        return f"{self.split}: {counts}, {'on whole documents' if self.per_document else 'on spans'}; grades {grades}"
