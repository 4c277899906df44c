"""The documents of a collection as a table: sorted, searched, ticked, opened, deleted; quick with 10,000 of them."""

from __future__ import annotations

from collections import Counter

import pandas as pd
import streamlit as st

from core.records._part_facets import is_date, is_number, spoken
from core.records.search import Collection, StoredDocument, Value, short_hash
from core.util.formatting import plural
from core.workspace import Workspace
from pages.ui._part_notices import show_info
from pages.ui.library._part_library_deleting import ask_to_delete
from pages.ui.page import jobs

READING = "reading"  # the session's key for the document that is read, with its collection
FIELDS = 6  # columns of metadata: the fields that most documents have
FEW = 8  # documents that need no search
_ID, _TEXT = "_id", "_text"  # columns that are not shown


def show_documents(workspace: Workspace, collection: Collection) -> None:
    """Draw the table and what can be done with ticked documents."""
    found = _found(workspace, collection)
    picked = _tick(collection, found) if found is not None else []
    read, delete, rest = st.columns([2, 2, 4])
    label = f"Delete {plural(len(picked), 'document')}" if picked else "Delete documents"
    if read.button("Read with its chunks", disabled=len(picked) != 1, icon=":material/article:", width="stretch", help=None if len(picked) == 1 else "Tick one document in the table first."):
        st.session_state[READING] = (collection.name, picked[0])
        st.rerun()
    if delete.button(label, disabled=not picked, icon=":material/delete:", width="stretch", help=None if picked else "Tick documents in the table first."):
        chosen = set(picked)
        ask_to_delete(workspace, collection, [document for document in workspace.documents(collection) if document.document_id in chosen])
    if rest.button("Delete this collection", icon=":material/delete_forever:"):
        ask_to_delete(workspace, collection)


def _found(workspace: Workspace, collection: Collection) -> pd.DataFrame | None:
    """The documents that are searched for, None where there are none at all."""
    table = document_table(collection.key, workspace.shelf.stamp, workspace)
    if table.empty:
        indexing = any(job.active and job.collection == collection.name for job in jobs().all())
        if not collection.foreign:
            show_info("Its documents appear here when they are indexed." if indexing else "No documents in it yet: drop files above.")
        return None
    words = ""
    if len(table) > FEW:
        words = st.text_input(
            "Find documents", key=f"find-{collection.key}", persist_state="session", placeholder="Words of a name, title, author, date …",
            icon=":material/search:", label_visibility="collapsed", width=420,
        )
    found = table
    for word in words.casefold().split():
        found = found[found[_TEXT].str.contains(word, regex=False)]
    number = plural(len(table), "document") if len(found) == len(table) else f"{len(found):,} of {plural(len(table), 'document')}"
    st.caption(f"{number}. Click a column to sort; tick rows to select.")
    return found


def _tick(collection: Collection, found: pd.DataFrame) -> list[str]:
    """Draw the table and return the ids of the documents that are ticked."""
    # Streamlit keeps ticks by row number under a table's key: another list of documents must be another table,
    # or the ticks would move to other documents, which then would be deleted.
    ids = found[_ID].tolist()
    event = st.dataframe(
        found.drop(columns=[_ID, _TEXT]), hide_index=True, on_select="rerun", selection_mode="multi-row", height="auto" if len(found) < 10 else 400,
        key=f"documents-{short_hash(collection.key, ''.join(ids))}",
        column_config={
            "document": st.column_config.TextColumn(width="large"),
            "size (kB)": st.column_config.NumberColumn(format="%.1f"),
            "characters": st.column_config.NumberColumn(format="localized"),
        },
    )
    return [ids[row] for row in event.selection.rows if row < len(ids)]


@st.cache_data(max_entries=8, show_spinner=False)
def document_table(key: str, stamp: str, _workspace: Workspace) -> pd.DataFrame:  # noqa: ARG001
    """Return a row for each document of the collection of that key, made once for each state (``stamp``) of the shelf."""
    documents = _workspace.shelf.documents(key)
    return pd.DataFrame(
        {
            _ID: [document.document_id for document in documents],
            _TEXT: [" ".join((document.name, *map(spoken, document.metadata.values()))).casefold() for document in documents],
            "document": [document.name for document in documents],
            **_metadata_columns(documents),
            "size (kB)": [document.size / 1000 for document in documents],
            "characters": [document.characters for document in documents],
            "chunks": [document.chunks for document in documents],
            "added (UTC)": pd.to_datetime([document.added for document in documents]).tz_localize(None),
        }
    )


def _metadata_columns(documents: list[StoredDocument]) -> dict[str, pd.Series]:
    """The most frequent fields; numbers and dates as such, so that they sort as such."""
    counts = Counter(name for document in documents for name in document.metadata)
    taken = {_ID, _TEXT, "document", "size (kB)", "characters", "chunks", "added (UTC)"}
    names = sorted(sorted(counts), key=lambda name: -counts[name])[:FIELDS]
    return {f"{name} " if name in taken else name: _column([document.metadata.get(name) for document in documents]) for name in names}


def _column(values: list[Value | None]) -> pd.Series:
    said = [value for value in values if value is not None]
    if all(map(is_number, said)):
        return pd.Series(values, dtype="float64")
    if all(map(is_date, said)):
        return pd.to_datetime(pd.Series(values)).dt.date
    return pd.Series([None if value is None else spoken(value) for value in values], dtype="str")
