"""A collection as the Library shows it: its settings, its documents, and how to be rid of them."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.errors import RankscopeError
from core.records import Collection, StoredDocument, measure_name, short_hash
from core.wording import plural
from core.workspace import Workspace
from pages.shared.notices import show_error, show_info, show_warning
from pages.shared.page import jobs

NAMED = 8  # documents that the dialog names before it deletes them


def show_collection(workspace: Workspace, collection: Collection) -> None:
    """Draw one collection."""
    if collection.foreign:
        show_warning("Another program made this collection, and it does not say with which model: it can be deleted here, not searched.")
    else:
        chunking = collection.chunking
        st.text(
            f"{plural(collection.chunks, 'chunk')} · {collection.model}, {collection.dimension} dimensions · {measure_name(collection.metric)} · "
            f"chunks of up to {chunking.size} tokens, {chunking.overlap} shared · made {collection.created[:16].replace('T', ' ')} UTC"
        )
    chosen = _choose(collection, workspace.documents(collection))
    one, two, _ = st.columns([2, 2, 4])
    if one.button(
        f"Delete {plural(len(chosen), 'document')}" if chosen else "Delete documents", disabled=not chosen, icon=":material/delete:",
        help=None if chosen else "Tick documents in the table first.", width="stretch",
    ):
        _confirm(workspace, collection, chosen)
    if two.button("Delete this collection", icon=":material/delete_forever:", width="stretch"):
        _confirm(workspace, collection, None)


def _choose(collection: Collection, documents: list[StoredDocument]) -> list[StoredDocument]:
    """Draw the documents as a table that sorts, searches and selects; return what is ticked."""
    if not documents:
        indexing = any(job.active and job.collection == collection.name for job in jobs().all())
        if not collection.foreign:
            show_info("Its documents appear here when they are indexed." if indexing else "No documents in it yet: drop files above.")
        return []
    table = pd.DataFrame(
        {
            "document": [document.name for document in documents],
            "size (kB)": [document.size / 1000 for document in documents],
            "characters": [document.characters for document in documents],
            "chunks": [document.chunks for document in documents],
            "added (UTC)": pd.to_datetime([document.added for document in documents]).tz_localize(None),
        }
    )
    st.caption(f"{plural(len(documents), 'document')}. Click a column to sort; tick rows to select; search with the lens at the table's corner.")
    # Streamlit keeps ticks by row number under a table's key: a new list of documents must be a new table,
    # or the ticks would move to other documents, which then would be deleted.
    event = st.dataframe(
        table, hide_index=True, on_select="rerun", selection_mode="multi-row", height="auto" if len(documents) < 10 else 400,
        key=f"documents-{short_hash(collection.key, *(document.document_id for document in documents))}",
        column_config={
            "document": st.column_config.TextColumn(width="large"),
            "size (kB)": st.column_config.NumberColumn(format="%.1f"),
            "characters": st.column_config.NumberColumn(format="localized"),
        },
    )
    return [documents[row] for row in event.selection.rows if row < len(documents)]


@st.dialog("Delete?")
def _confirm(workspace: Workspace, collection: Collection, documents: list[StoredDocument] | None) -> None:
    what = plural(len(documents), "document") if documents else f"the collection {collection.name} with {plural(collection.chunks, 'chunk')}"
    st.text(f"This deletes {what}. It cannot be undone; the files that were indexed stay where they are.")
    named = [f"· {document.name}" for document in (documents or [])[:NAMED]]
    more = len(documents or []) - len(named)
    if named:
        st.text("\n".join(named + ([f"and {more:,} more"] if more else [])))
    yes, no = st.columns(2)
    if no.button("Keep", width="stretch"):
        st.rerun()
    if yes.button("Delete", type="primary", width="stretch"):
        try:
            if documents:
                workspace.delete_documents(collection, [document.document_id for document in documents])
            else:
                workspace.delete_collection(collection.name)
        except RankscopeError as error:
            show_error(error)
            return
        st.rerun()
