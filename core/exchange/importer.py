"""Import a collection: a bundle, a BEIR data set, or a folder of Chroma's."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from core.errors import ExchangeError
from core.exchange.bundle import import_bundle
from core.exchange.chroma_import import choose_collection, import_chroma_collection, is_chroma_folder, open_chroma_copy
from core.exchange.copying import require_all_indexed
from core.exchange.writer import ImportResult
from core.formats.beir import BeirDataset, is_beir, read_beir
from core.indexing.indexer import Indexer
from core.loading.sources import PreparedSource
from core.records.document import Document
from core.records.judgments import Judgment, free_split
from core.records.search import CollectionOptions
from core.util.formatting import plural
from core.util.progress import ProgressReport, silent
from core.workspace import Workspace


def import_beir(
    workspace: Workspace,
    path: Path,
    name: str | None = None,
    options: CollectionOptions | None = None,
    report: ProgressReport = silent,
) -> ImportResult:
    """Index the BEIR folder or ZIP ``path`` into the new collection ``name`` (None: called like the data set).

    Every corpus entry is a document named by its id. Raises DataError, before anything is stored, for what does not
    fit; SettingsError, CollectionExists, BadName, ModelError; and Cancelled where ``report`` raises it.
    """
    if name is not None:
        workspace.check_name_is_free(name)  # before a large file is read
    dataset = read_beir(path)
    name = name or dataset.name
    workspace.check_name_is_free(name)
    documents: dict[str, Document] = {}  # one for every text
    for document in dataset.documents.values():
        if document.text:
            documents.setdefault(document.id, document)
    sources = [
        PreparedSource(one.name, one.size, partial(documents.__getitem__, key)) for key, one in documents.items()
    ]
    queries = {query_id: text for query_id, text in dataset.queries.items() if text}
    judgments = _judgments(dataset)
    with workspace.stage_collection(name) as staged:
        collection = workspace.create(staged.temporary_name, options)
        require_all_indexed(Indexer(workspace, collection, report=report).run(sources))
        workspace.judgments.add(collection.key, queries, judgments)
    notes = (*dataset.notes, *_notes(dataset, len(documents), len(queries)))
    return ImportResult(workspace.store.collection(name), len(documents), len(queries), len(judgments), notes)


def _judgments(dataset: BeirDataset) -> list[Judgment]:
    """Return judgments on whole documents; of ids with the same text, which are one document here, the best grade."""
    best: dict[tuple[str, str, str], Judgment] = {}
    for name, qrels in dataset.qrels.items():
        split = free_split(name)
        for query_id, grades in qrels.items():
            for row_id, grade in grades.items():
                document = dataset.documents[row_id]
                origin = f"BEIR {dataset.name}"
                judgment = Judgment(split, query_id, document.id, 0, len(document.text), grade, origin)
                key = (split, query_id, document.id)
                best[key] = max(best.get(key, judgment), judgment, key=lambda one: one.grade)
    return list(best.values())


def _notes(dataset: BeirDataset, documents: int, queries: int) -> list[str]:
    """Return notes on what was left out, where so many documents and queries were imported."""
    empty = sum(not document.text for document in dataset.documents.values())
    same = len(dataset.documents) - empty - documents
    unasked = len(dataset.queries) - queries
    notes = []
    if empty:
        notes.append(
            f"{plural(empty, 'document')} without text left out; judgments of them are kept, and count as not found"
        )
    if same:
        notes.append(
            f"{plural(same, 'document')} with the same text as another held once; judgments of both count for the one"
        )
    if unasked:
        notes.append(f"{plural(unasked, 'query', 'queries')} without text left out: nothing is judged for them")
    return notes


def import_collection(
    workspace: Workspace,
    path: Path,
    name: str | None = None,
    options: CollectionOptions | None = None,
    chroma_name: str | None = None,
    report: ProgressReport = silent,
) -> ImportResult:
    """Import what ``path`` holds as the collection ``name`` (None: as it was called).

    ``chroma_name`` names the collection in a folder of Chroma's. For a bundle and for Chroma only the model of
    ``options`` counts. Raises ExchangeError where ``path`` holds none of the three or is damaged, and what the
    functions for the three raise.
    """
    options = options or CollectionOptions()
    if not path.exists():
        raise ExchangeError(f"There is no file or folder {str(path)!r}: check the path")
    if is_chroma_folder(path):
        with open_chroma_copy(path) as store:
            chosen = choose_collection(str(path), store, chroma_name)
            return import_chroma_collection(workspace, store, chosen, name or chosen.name, options.model, report)
    if is_beir(path):
        return import_beir(workspace, path, name, options, report)
    if path.is_file():
        return import_bundle(workspace, path, name, options.model, report)
    raise ExchangeError(
        f"{path} holds neither corpus.jsonl (BEIR) nor chroma.sqlite3 (Chroma): its files can be indexed instead"
    )
