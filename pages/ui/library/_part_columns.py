"""Which columns of a table are text, and which are kept as metadata."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from core.errors import LoadingError
from core.indexing._part_fingerprints import file_print
from core.loading.loader import table_columns
from core.loading.sources import Upload
from core.loading.tables import TableOptions
from pages.ui._part_notices import literal

READ_AGAIN = 8  # tables whose columns stay known


@st.cache_data(max_entries=READ_AGAIN, show_spinner=False)
def _columns(name: str, digest: str, _data: bytes) -> dict[str, str]:  # noqa: ARG001
    """Column name to what is said of it."""
    return {column.name: f"{column.name} ({column.kind}: {', '.join(column.examples[:2])[:40]})" for column in table_columns(name, _data)}


def choose_columns(uploads: list[Upload]) -> list[Upload]:
    """Draw a choice of columns for each table among ``uploads``; return them with what was chosen."""
    return [_choose(upload) for upload in uploads]


def _choose(upload: Upload) -> Upload:
    try:
        said = _columns(upload.name, file_print(upload.name, upload.data), upload.data)
    except LoadingError:  # said when it is looked at or indexed
        return upload
    if not said:
        return upload
    with st.expander(f"Columns of {literal(upload.name)}"):
        left, right = st.columns(2, gap="medium")
        text = left.multiselect(
            "Read as text", list(said), key=f"text-{upload.name}", format_func=lambda name: said[name], placeholder="every column",
            help="What is searched. Each record becomes lines of 'column: value'; a single column stands without its name.",
        )
        chosen = right.multiselect(
            "Kept as metadata", list(said), key=f"meta-{upload.name}", format_func=lambda name: said[name], placeholder="every column but running text",
            help="Shown with each hit, and a search can be limited by it.",
        )
    return replace(upload, tables=TableOptions(tuple(text) or None, tuple(chosen) or None))


