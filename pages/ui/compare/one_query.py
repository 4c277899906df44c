"""One query, seen by two models."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from core.errors import RankscopeError
from core.judgments.queries import spans_for
from core.records.search import Collection, SearchResult
from core.retrieval._part_comparison_plots import slope_chart
from core.retrieval.search import MOST_HITS, search
from core.samples.library import SAMPLE_COLLECTION
from core.util.formatting import plural
from core.workspace import Workspace
from pages.ui._part_examples import show_examples
from pages.ui._part_notices import show_error, show_info
from pages.ui._part_reranking import is_reranked, reranked
from pages.ui.bm25 import bm25_ranks
from pages.ui.compare._part_compare_agreement import show_agreement
from pages.ui.compare._part_compare_judging import show_judging
from pages.ui.compare._part_compare_moves import show_moves
from pages.ui.compare._part_compare_pool import choose_pool, show_pool
from pages.ui.compare._part_compare_scores import show_costs, show_downloads, show_scores

DEPTHS = (10, 20, 50, 100, 200, 500, MOST_HITS)
LINES = (10, 20, 50)


def show_one(workspace: Workspace, collections: Mapping[str, Collection]) -> None:
    """Draw the view."""
    collection, deepest, lines, words = _controls(collections)
    query = st.session_state["q"]
    if collection.name == SAMPLE_COLLECTION:
        show_examples(query)
    if not query.strip():
        show_info(f"Type a question: both models then rank the {plural(collection.chunks, 'chunk')} of {collection.name}.")
        return
    try:
        result = _result(workspace, collection, query, deepest)
    except RankscopeError as error:
        show_error(error)
        return
    if not result.hits:
        show_info("No chunk was found: choose another collection.")
        return
    bm25 = bm25_ranks(workspace, collection, query) if words else None
    comparison = choose_pool(result)
    judgments = spans_for(workspace, collection, query)
    show_agreement(comparison, judgments)
    st.subheader("Two orders of the same hits", anchor=False)
    st.caption(
        f"Left the bi-encoder's order, right the cross-encoder's. **Rising** hits are drawn teal, **falling** ones amber, thick where a hit enters "
        f"or leaves the top 10. Hover over an end for the text. Shown are the first {lines} of either order."
    )
    st.plotly_chart(slope_chart(comparison, result.metric, lines, bm25), key="slopes", config={"displayModeBar": False})
    show_moves(comparison)
    show_judging(workspace, collection, query, comparison, result.metric)
    show_scores(comparison, result.metric, judgments)
    show_pool(comparison, result)
    show_costs(workspace, result, collection)
    show_downloads(comparison, result)


def _controls(collections: Mapping[str, Collection]) -> tuple[Collection, int, int, bool]:
    st.text_input("Query", key="q", persist_state="session", placeholder="Ask a question, or type a few words", icon=":material/search:")
    one, two, three, four = st.columns([2, 1, 1, 1], vertical_alignment="bottom")
    name = one.selectbox("Collection", list(collections), key="collection", persist_state="session")
    deepest = two.selectbox(
        "Pairs to score", _with(DEPTHS, st.session_state["deepest"]), key="deepest", persist_state="session", on_change=_reach,
        help="How many of the bi-encoder's first hits the cross-encoder reads. Time grows in step with it.",
    )
    lines = three.selectbox("Lines", _with(LINES, st.session_state["lines"]), key="lines", persist_state="session", help="How many ranks of either order are drawn.")
    words = four.toggle("BM25 too", key="bm25", persist_state="session", help="A third column: BM25, which compares words and knows nothing of meaning.")
    return collections[name], int(deepest), int(lines), bool(words)


def _with(usual: tuple[int, ...], value: int) -> list[int]:
    """The usual choices, and the one that an address asks for."""
    return sorted({*usual, value})


def _result(workspace: Workspace, collection: Collection, query: str, deepest: int) -> SearchResult:
    with st.spinner("Searching… (the first search loads the model)", show_time=True):
        result = search(workspace, collection.name, query, deepest)
    first = st.empty()
    if result.hits and not is_reranked(workspace, result, deepest):
        with first.container():
            st.caption("The bi-encoder's first hits; the cross-encoder reads them now.")
            st.dataframe({"rank": [h.bi_rank for h in result.hits[:10]], "document": [h.document for h in result.hits[:10]], "text": [h.text for h in result.hits[:10]]}, hide_index=True)
    try:
        return reranked(workspace, result, deepest)
    finally:
        first.empty()


def _reach() -> None:
    """A newly chosen pool is looked at whole first."""
    st.session_state["depth"] = st.session_state["deepest"]
