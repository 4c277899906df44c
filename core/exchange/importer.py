"""A collection from wherever it is: a bundle of ours, a data set in BEIR's layout, a folder of Chroma's."""

from __future__ import annotations

from pathlib import Path

from core.errors import ExchangeError
from core.exchange.bundle import bring_in
from core.exchange.chroma_import import adopt, choose, is_chroma, open_foreign
from core.exchange.copying import expect_all
from core.exchange.writer import Brought
from core.formats.beir import BeirData, is_beir, read_beir_data
from core.indexing.indexer import Indexer
from core.loading.sources import Ready
from core.records.document import Document
from core.records.search import CollectionOptions
from core.util.formatting import plural
from core.util.progress import Report, silent
from core.workspace import Workspace, arrival, refuse_taken


def bring_beir(
    workspace: Workspace,
    path: Path,
    name: str | None = None,
    wanted: CollectionOptions | None = None,
    report: Report = silent,
) -> Brought:
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
        notes.append(
            f"{plural(empty, 'document')} without text left out; judgments of them are kept, and count as not found"
        )
    if same:
        notes.append(
            f"{plural(same, 'document')} with the same text as another held once; judgments of both count for the one"
        )
    return list(texts.values()), tuple(notes)


def bring_any(
    workspace: Workspace,
    path: Path,
    name: str | None = None,
    wanted: CollectionOptions | None = None,
    origin: str | None = None,
    report: Report = silent,
) -> Brought:
    """Bring in what ``path`` holds, called ``name`` (None: as it was); ``origin`` names the collection in a folder of Chroma's.

    Of ``wanted`` a bundle and a folder of Chroma's heed the model alone. Raises ExchangeError where ``path`` holds none of the
    three or is damaged, and what the three ways in raise.
    """
    wanted = wanted or CollectionOptions()
    if not path.exists():
        raise ExchangeError(f"There is no file or folder {str(path)!r}: check the path")
    if is_chroma(path):
        with open_foreign(path) as store:
            chosen = choose(str(path), store, origin)
            return adopt(workspace, store, chosen, name or chosen.name, wanted.model, report)
    if is_beir(path):
        return bring_beir(workspace, path, name, wanted, report)
    if path.is_file():
        return bring_in(workspace, path, name, wanted.model, report)
    raise ExchangeError(
        f"{path} holds neither corpus.jsonl (BEIR) nor chroma.sqlite3 (Chroma): its files can be indexed instead"
    )
