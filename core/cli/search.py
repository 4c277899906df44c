"""``python -m core collections``, ``documents`` and ``delete``."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

from core.cli import output
from core.settings import BUILT_IN_RERANKER, Settings
from core.util.formatting import clip, plural

if TYPE_CHECKING:
    from core.library.duplicates import Duplicates
    from core.records.filters import Field

HELP = """\
The score is a similarity, higher is better: the cosine (at most 1), the dot product, or minus the
Euclidean distance (at most 0), as the collection was made. With --rerank a cross-encoder reads the
query together with each of the first --pool chunks and puts those in its own order; its score is a
logit, higher is better, and the probability is what the model's sigmoid makes of it.

Filters on metadata (all must hold; 'fields COLLECTION' lists the fields):
  --where 'author=Jane Doe'  --where 'author!=Jane Doe'  --where 'kind in a,b,"c, d"'
  --where 'year>=2010'  --where 'date<=2020-06'  --where 'date between 2010 and 2020-06'
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("collection")
    parser.add_argument("query")
    parser.add_argument("--top-k", type=int, default=10, metavar="N", help="number of hits, 1 to 1000 (default 10)")
    parser.add_argument(
        "--document", action="append", default=[], metavar="NAME", help="search this document only; may be repeated"
    )
    parser.add_argument(
        "--where",
        action="append",
        default=[],
        metavar="FILTER",
        help="only chunks whose metadata says so, such as 'year>=2010'; may be repeated",
    )
    parser.add_argument(
        "--rerank", action="store_true", help="let a cross-encoder put the first chunks in a better order"
    )
    parser.add_argument(
        "--pool", type=int, metavar="N", help="how many chunks it reads, 1 to 1000 (default 50); implies --rerank"
    )
    parser.add_argument(
        "--reranker",
        metavar="ID",
        help=f"cross-encoder: a folder or Hugging Face id (default {BUILT_IN_RERANKER}); implies --rerank",
    )


def run(options: argparse.Namespace) -> int:
    """Search, rerank if asked to, print."""
    from core.records.filters import parse_filter
    from core.retrieval.search import check_hits, check_pool, rerank, search
    from core.settings import POOL
    from core.workspace import Workspace

    workspace = Workspace.open(Settings.from_environment())
    reranking = options.rerank or options.pool is not None or options.reranker is not None
    pool = (POOL if options.pool is None else options.pool) if reranking else 0
    check_hits(options.top_k)
    if reranking:
        check_pool(pool)
    fields = workspace.store.fields(workspace.store.collection(options.collection)) if options.where else ()
    filters = [parse_filter(text, fields) for text in options.where]
    result = search(workspace, options.collection, options.query, max(options.top_k, pool), options.document, filters)
    if reranking:
        result = rerank(result, workspace.models.reranker(options.reranker or ""), pool)
    output.result(result.top(options.top_k), as_json=options.json)
    return 0


SHOWN = 5  # values of a field
DUPLICATES_HELP = """\
Chunks are duplicates whose texts are equal but for case and spaces, or whose vectors have at least the
threshold as cosine. Chains of such pairs make a group: its ends may be less alike than the threshold.
"""


def add_fields_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of fields."""
    parser.add_argument("collection")


def add_duplicates_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of duplicates."""
    parser.add_argument("collection")
    parser.add_argument(
        "--threshold",
        type=float,
        default=0.95,
        metavar="COSINE",
        help="least cosine of near-duplicates, 0.5 to 1 (default 0.95)",
    )


def fields(options: argparse.Namespace) -> int:
    """List the metadata fields of a collection."""
    from core.workspace import Workspace

    workspace = Workspace.open(Settings.from_environment())
    found = workspace.store.fields(workspace.store.collection(options.collection))
    if options.json:
        print(
            json.dumps(
                [
                    {**field.as_json(), "most_frequent": [said.value for said in field.values[:SHOWN]]}
                    for field in found
                ],
                ensure_ascii=False,
                indent=2,
            )
        )
        return 0
    for field in found:
        print(_line(field))
    if not found:
        print("The chunks of this collection have no metadata.")
    return 0


def duplicates(options: argparse.Namespace) -> int:
    """List groups of equal and nearly equal chunks."""
    from core.library.duplicates import find_duplicates
    from core.workspace import Workspace

    workspace = Workspace.open(Settings.from_environment())
    found = find_duplicates(workspace, workspace.store.collection(options.collection), options.threshold)
    print(json.dumps(found.as_json(), ensure_ascii=False, indent=2) if options.json else _groups(found))
    return 0


def _line(field: Field) -> str:
    from core.records.filters import format_value

    said = field.as_json()
    if "least" in said:
        what = f"{said['kind']}s from {said['least']} to {said['most']}"
    else:
        what = ", ".join(f"{clip(format_value(one.value), 40)} ({one.chunks:,})" for one in field.values[:SHOWN])
    return f"{field.name}  {plural(len(field.values), 'value')} in {plural(field.chunks, 'chunk')}: {what}" + (
        " …" if "least" not in said and len(field.values) > SHOWN else ""
    )


def _groups(found: Duplicates) -> str:
    from core.library.duplicates import alike

    lines = []
    for number, group in enumerate(found.groups, 1):
        lines.append(f"{number:>3}  {plural(len(group), 'chunk')}: {clip(group[0].text, 90)}")
        for twin in group:
            page = f", page {twin.page}" if twin.page else ""
            lines.append(
                f"     {alike(twin, group[0]):<10}  {twin.document}{page}, characters {twin.start:,} to {twin.end:,}"
            )
    lines.append(
        f"{plural(len(found.groups), 'group')} among {plural(found.chunks, 'chunk')} "
        f"at a cosine of {found.threshold:g} or more; {plural(found.spare, 'chunk')} could go"
    )
    return "\n".join(lines)


def add_delete_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of delete."""
    parser.add_argument("collection")
    parser.add_argument(
        "--document",
        action="append",
        default=[],
        metavar="NAME",
        help="delete this document only (name or id); may be repeated",
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
        found = [(name, workspace.document_store.find(collection.key, name)) for name in options.document]
        copies = [name for name, document in found if name in document.also]  # their text stays, under its other name
        deleted = [document for name, document in found if name not in document.also]
        workspace.document_store.remove_aliases(collection.key, copies)
        workspace.delete_documents(collection, [document.document_id for document in deleted])
        output.deleted(options.collection, [*copies, *(one.name for one in deleted)], as_json=options.json)
    else:
        workspace.delete_collection(options.collection)
        output.deleted(options.collection, [], as_json=options.json)
    return 0
