"""``python -m core collections``, ``documents`` and ``delete``."""

from __future__ import annotations

import argparse

from core.cli import output as output
from core.settings import Settings


def add_delete_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of delete."""
    parser.add_argument("collection")
    parser.add_argument(
        "--document", action="append", default=[], metavar="NAME", help="delete this document only (name or id); may be repeated"
    )


def collections(options: argparse.Namespace) -> int:
    """List the collections."""
    from core.workspace import Workspace

    output.collections(Workspace.open(Settings.from_environment()).store.collections(), as_json=options.json)
    return 0


def documents(options: argparse.Namespace) -> int:
    """List the documents of a collection."""
    from core.workspace import Workspace

    workspace = Workspace.open(Settings.from_environment())
    output.documents(workspace.documents(workspace.store.collection(options.collection)), as_json=options.json)
    return 0


def delete(options: argparse.Namespace) -> int:
    """Delete a collection, or documents of it."""
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
