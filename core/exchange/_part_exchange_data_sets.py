"""A BEIR data set into a collection, with its queries and judgments."""

from __future__ import annotations

from pathlib import Path

from core._part_arrivals import arrival, refuse_taken
from core._part_wanted import Wanted
from core.exchange._writer import Brought
from core.exchange.copying import expect_all
from core.formats.beir import BeirData, read_beir_data
from core.indexing.indexer import Indexer
from core.loading.sources import Ready
from core.records.document import Document
from core.util.formatting import plural
from core.util.progress import Report, silent
from core.workspace import Workspace


def bring_beir(workspace: Workspace, path: Path, name: str | None = None, wanted: Wanted | None = None, report: Report = silent) -> Brought:
    """Make a collection of the BEIR folder or ZIP ``path``, called ``name`` (None: as that is), of the settings ``wanted``.

    Every corpus entry is a document called by its id. Raises DataError, before anything is stored, for what does not
    fit; SettingsError, CollectionExists, BadName, ModelError; and Cancelled where ``report`` raises it.
    """
    if name is not None:
        refuse_taken(workspace, name)
    data = read_beir_data(path)
    called = name or data.name
    refuse_taken(workspace, called)
    held, notes = _distinct(data)
    with arrival(workspace, called) as coming:
        made = workspace.create(coming.title, wanted)
        expect_all(Indexer(workspace, made, report=report).run([_source(document) for document in held]))
        workspace.judgments.keep(made.key, data.queries, data.judgments)
    return Brought(workspace.store.collection(called), len(held), len(data.queries), len(data.judgments), notes)


def _source(document: Document) -> Ready:
    return Ready(document.name, document.size, lambda: document)


def _distinct(data: BeirData) -> tuple[list[Document], tuple[str, ...]]:
    """The documents that can be stored, one for every text, and what was left out in words."""
    texts: dict[str, Document] = {}
    empty = 0
    for document in data.documents.values():
        if document.text:
            texts.setdefault(document.id, document)
        else:
            empty += 1
    same = len(data.documents) - empty - len(texts)
    notes = []
    if empty:
        notes.append(f"{plural(empty, 'document')} without text left out; judgments of them are kept, and count as not found")
    if same:
        notes.append(f"{plural(same, 'document')} with the same text as another held once; judgments of both count for the one")
    return list(texts.values()), tuple(notes)
