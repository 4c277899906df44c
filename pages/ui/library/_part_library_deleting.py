"""The question before anything is deleted."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.errors import RankscopeError
from core.records.search import Collection, StoredDocument
from core.util.formatting import plural
from core.workspace import Workspace
from pages.ui._part_notices import show_error

NAMED = 8  # documents that the question names


@st.dialog("Delete?")
def ask_to_delete(workspace: Workspace, collection: Collection, documents: Sequence[StoredDocument] | None = None) -> None:
    """Ask whether to delete documents of a collection, or the collection itself."""
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
