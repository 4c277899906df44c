"""Hits as a page shows and gives them out."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.errors import DocumentNotFound
from core.records.search import Hit, SearchResult
from core.text.excerpts import context
from core.util.csv_safety import disarmed
from core.workspace import Workspace
from pages.ui._part_markup import context_html, hit_card
from pages.ui._part_notices import show_error


def show_hit(workspace: Workspace, result: SearchResult, hit: Hit, below: Callable[[], None] | None = None) -> None:
    """Draw one hit with its button 'Show in context', and what ``below`` draws under it."""
    with st.container(border=True, key=f"hit-{hit.rank}"):
        st.html(hit_card(hit, result.query, result.metric, max(hit.bi_score for hit in result.hits)))
        with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
            if st.button("Show in context", key=f"context-{hit.rank}", icon=":material/article:", type="tertiary"):
                show_context(workspace, result.query, hit)
            st.caption(f"characters {hit.start:,} to {hit.end:,} · {hit.tokens} tokens", width="content")
        if below:
            below()


def show_preview(place: DeltaGenerator, result: SearchResult) -> None:
    """Draw hits without their buttons: what can be read until the final order is there."""
    with place.container():
        for hit in result.hits:
            with st.container(border=True):
                st.html(hit_card(hit, result.query, result.metric, result.hits[0].bi_score))


@st.dialog("In context", width="medium")
def show_context(workspace: Workspace, query: str, hit: Hit) -> None:
    """Open a chunk inside its document's surrounding text."""
    in_context(workspace, query, hit)


def in_context(workspace: Workspace, query: str, hit: Hit) -> None:
    """Draw a chunk inside its document's surrounding text."""
    try:
        document = workspace.shelf.document(hit.document_id)
    except DocumentNotFound as error:
        show_error(error)
        return
    page = f", page {hit.page} of {document.pages[-1].number}" if hit.page and document.pages else ""
    st.text(f"{hit.document}{page}")
    st.caption(f"The tinted chunk is characters {hit.start:,} to {hit.end:,} of {len(document.text):,}.")
    with st.container(height=480, border=True):
        st.html(context_html(context(document, hit.start, hit.end), query))


def hits_csv(result: SearchResult) -> str:
    """Return the hits as CSV, a line each, with nothing that a spreadsheet would run."""
    rows = [{"query": result.query, "collection": result.collection, **hit.as_json()} for hit in result.hits]
    table = io.StringIO(newline="")
    writer = csv.DictWriter(table, list(rows[0]) if rows else [], quoting=csv.QUOTE_NONNUMERIC)
    writer.writeheader()
    writer.writerows({name: disarmed(cell) for name, cell in row.items()} for row in rows)
    return table.getvalue()
