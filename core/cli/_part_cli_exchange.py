"""``python -m core import``, ``export``, ``copy`` and ``rename``."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING

from core.cli import output as output
from core.cli._part_cli_index import add_settings, wanted
from core.errors import SettingsError
from core.settings import Settings
from core.util.formatting import file_size, plural

if TYPE_CHECKING:  # they bring libraries with them, and help must come at once
    from core.exchange._writer import Brought
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
    from core.exchange._part_exchange_foreign import is_chroma
    from core.exchange.importer import bring_any
    from core.formats.beir import is_beir
    from core.workspace import Workspace

    path: Path | None = options.path
    if path is not None and not path.exists():
        raise SettingsError(f"There is no file or folder {str(path)!r}: check the path")
    workspace = Workspace.open(Settings.from_environment())
    foreign = path is None or is_chroma(path)
    if (options.origin or options.list) and not foreign:
        raise SettingsError(f"{path} is not a folder of Chroma's: --from and --list are for those")
    if foreign:
        return _import_foreign(workspace, options)
    assert path is not None
    with output.progress_line() as report:
        if path.is_file() and not is_beir(path):
            _only_model(options, f"{path} comes with its settings")
        brought = bring_any(workspace, path, options.collection, wanted(options), report=report)
    _brought("imported", brought, as_json=options.json)
    return 0


def _import_foreign(workspace: Workspace, options: argparse.Namespace) -> int:
    """A collection that another program made, in a folder of its own or in ours."""
    from core.exchange._part_exchange_foreign import choose, listed, open_foreign
    from core.exchange.chroma_import import adopt

    if options.path is None:
        if options.origin is None:
            raise SettingsError("Name what to import: a PATH, or with --from a collection of another program in the data folder")
        _only_model(options, "The chunks of another program come as they are")
        origin = choose(str(workspace.settings.data), workspace.store, options.origin)
        if options.collection is None:
            raise SettingsError(f"The collection {origin.name!r} is in the data folder: give the new one a name with --collection")
        with output.progress_line() as report:
            brought = adopt(workspace, workspace.store, origin, options.collection, options.model, report)
    else:
        with open_foreign(options.path) as store:
            if options.list:
                there = [listed(store, collection) for collection in store.collections()]
                _say([one.as_json() for one in there], "\n".join(one.line for one in there) or "no collections", as_json=options.json)
                return 0
            _only_model(options, "The chunks of another program come as they are")
            origin = choose(str(options.path), store, options.origin)
            with output.progress_line() as report:
                brought = adopt(workspace, store, origin, options.collection or origin.name, options.model, report)
    _brought("imported", brought, as_json=options.json)
    return 0


def export(options: argparse.Namespace) -> int:
    """Write a collection into one file."""
    from core.exchange.bundle import take_out
    from core.workspace import Workspace

    workspace = Workspace.open(Settings.from_environment())
    with output.progress_line() as report:
        written = take_out(workspace, options.collection, options.file, report)
    size = options.file.stat().st_size
    counts = f"{plural(written.documents, 'document')}, {plural(written.chunks, 'chunk')}, {plural(written.judgments, 'judgment')}"
    _say({"file": str(options.file), "size": size, **asdict(written)}, f"exported {written.name}: {counts}, {file_size(size)}", as_json=options.json)
    return 0


def copy(options: argparse.Namespace) -> int:
    """Make a collection once more with other settings."""
    from core.exchange.copying import copy as copy_collection
    from core.workspace import Workspace

    workspace = Workspace.open(Settings.from_environment())
    with output.progress_line() as report:
        brought = copy_collection(workspace, options.collection, options.new, wanted(options), report)
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
    asked = wanted(options)
    given = [field.name for field in fields(asked) if field.name != "model" and getattr(asked, field.name) is not None]
    if given:
        raise SettingsError(f"{why}: leave out the {given[0]}, and change it afterwards with 'python -m core copy'")


def _brought(verb: str, brought: Brought, *, as_json: bool) -> None:
    made = brought.collection
    judged = f", {plural(brought.queries, 'query', 'queries')}, {plural(brought.judgments, 'judgment')}" if brought.queries else ""
    line = f"{verb} {made.name}: {plural(brought.documents, 'document')}, {plural(made.chunks, 'chunk')}{judged}"
    _say(brought.as_json(), "\n".join([line, *brought.notes]), as_json=as_json)


def _say(record: object, text: str, *, as_json: bool) -> None:
    print(json.dumps(record, ensure_ascii=False, indent=2) if as_json else text)
