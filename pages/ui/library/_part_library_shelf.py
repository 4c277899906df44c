"""The collection that is open: what it is made with, its documents, and chunks that say the same."""

from __future__ import annotations

import streamlit as st

from core.records.search import Collection, measure_name
from core.util.formatting import plural
from core.workspace import Workspace
from pages.ui._part_notices import show_warning
from pages.ui.library._part_library_duplicates import show_duplicates
from pages.ui.library._part_preview_cutting import in_words
from pages.ui.library.documents import show_documents


def show_shelf(workspace: Workspace, collection: Collection) -> None:
    """Draw it."""
    if collection.foreign:
        show_warning("Another program made this collection, and it does not say with which model: it can be deleted here, not searched.")
    else:
        st.text(
            f"{plural(collection.chunks, 'chunk')} · {collection.model}, {collection.dimension} dimensions · {measure_name(collection.metric)} · "
            f"{in_words(collection.chunking)} · made {collection.created[:16].replace('T', ' ')} UTC"
        )
    show_documents(workspace, collection)
    if collection.chunks and not collection.foreign:
        show_duplicates(workspace, collection)
