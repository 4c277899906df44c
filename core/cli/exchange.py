"""``python -m core judgments``: what is judged in a collection, in and out."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import SettingsError
from core.settings import Settings
from core.util.formatting import plural

if TYPE_CHECKING:  # they bring libraries with them, and help must come at once
    from core.exchange.judgments import Moved
    from core.judgments.queries import JudgedQueries
    from core.records.search import Collection
    from core.workspace import Workspace

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
    parser.add_argument("--import", dest="source", type=Path, metavar="FILE", help="bring judgments in from a file, a folder for beir")
    parser.add_argument("--export", dest="target", type=Path, metavar="FILE", help="write judgments into a new file, a new folder for beir")
    parser.add_argument("--format", choices=FORMATS, help="of the file (default: by its name)")
    parser.add_argument("--split", metavar="NAME", help="which split to list or export, or the one that imported judgments go into (default: as in the file)")
    parser.add_argument("--queries", type=Path, metavar="FILE", help="the queries' texts, for an import of TREC qrels")
    parser.add_argument("--who", default="", metavar="NAME", help="who judged what is imported")
    parser.add_argument("--drop-unused", action="store_true", help="without COLLECTION: drop what was judged on documents that no collection holds any more")


def run(options: argparse.Namespace) -> int:
    """List, import or export."""
    from core.workspace import Workspace

    if sum((options.source is not None, options.target is not None, options.drop_unused)) > 1:
        raise SettingsError("One thing at a time: --import, --export or --drop-unused")
    if (options.collection is None) != options.drop_unused:
        raise SettingsError("Name a COLLECTION, or ask for --drop-unused without one: 'python -m core collections' lists them")
    workspace = Workspace.open(Settings.from_environment())
    if options.drop_unused:
        gone = workspace.judgments.drop_unused()
        _say({"dropped": gone}, f"dropped {plural(gone, 'judgment')}", options)
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
        moved = import_judgments(workspace, collection, options.source, options.format, queries=options.queries, split=options.split, who=options.who)
        verb = "imported"
    else:
        moved = export_judgments(workspace, collection, options.target, options.format, split=options.split)
        verb = "exported"
    _say(moved.as_json(), "\n".join([_moved(verb, moved), *moved.notes]), options)


def _moved(verb: str, moved: Moved) -> str:
    kinds = f"split {', '.join(moved.splits)}; {moved.format}"
    return f"{verb} {plural(moved.judgments, 'judgment')} of {plural(moved.queries, 'query', 'queries')} ({kinds}): {moved.file}"


def _list(workspace: Workspace, collection: Collection, options: argparse.Namespace) -> None:
    from core.judgments.queries import qrels_for, splits_for

    splits = [options.split] if options.split else splits_for(workspace, collection)
    found = [_counted(qrels_for(workspace, collection, split)) for split in splits]
    lines = [
        f"{one['split']}: {plural(one['judgments'], 'judgment')} of {plural(one['queries'], 'query', 'queries')}, "
        f"{'on whole documents' if one['per_document'] else 'on spans'}; grades {', '.join(f'{grade}: {many:,}' for grade, many in one['grades'].items())}"
        for one in found
    ]
    _say({"collection": collection.name, "splits": found}, "\n".join(lines) or f"Nothing is judged in {collection.name} yet.", options)


def _counted(judged: JudgedQueries) -> dict[str, Any]:
    grades = Counter(span.grade for spans in judged.spans.values() for span in spans)
    return {
        "split": judged.split,
        "queries": len(judged.queries),
        "judgments": judged.judgments,
        "per_document": judged.per_document,
        "grades": {str(grade): grades[grade] for grade in sorted(grades)},
    }


def _say(record: object, text: str, options: argparse.Namespace) -> None:
    print(json.dumps(record, ensure_ascii=False, indent=2) if options.json else text)
