"""The two models' scores, what they cost, and both as files."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.judgments._part_evaluation_graded import SpanJudgment, grade
from core.records.search import Collection, Metric, SearchResult, short_hash
from core.retrieval._part_comparison_plots import score_scatter
from core.retrieval.comparison import Comparison
from core.workspace import Workspace
from pages.ui._part_notices import literal
from pages.ui.downloads import offer_runs
from pages.ui.hits import hits_csv


def show_scores(comparison: Comparison, metric: Metric, judgments: Sequence[SpanJudgment]) -> None:
    """Draw the scatter of both scores with their distributions."""
    st.subheader("Two scores of the same hits", anchor=False)
    colours = (
        "Colours are the judged grades: green 3 answers it, light green 2, yellow 1, red 0 only looks relevant, grey not judged."
        if judgments
        else "The cross-encoder's top 10 are orange."
    )
    st.caption(
        "A point is a hit. Were both models of one mind, the points would rise along one line from left to right. Each score has its own axis, because a "
        f"similarity and a logit cannot be compared by value. {colours}"
    )
    grades = {hit.chunk_id: grade(hit, judgments) for hit in comparison.hits} if judgments else None
    st.plotly_chart(score_scatter(comparison, metric, grades), key="scatter", config={"displayModeBar": False})


def show_costs(workspace: Workspace, result: SearchResult, collection: Collection) -> None:
    """Say what reranking cost, and how that grows."""
    st.subheader("What it costs", anchor=False)
    pairs, took = max(1, result.pool), result.timings.rerank or 0.0
    each = took / pairs
    one, two, three = st.columns(3)
    with one.container(border=True, height="stretch"):
        st.metric(f"Retrieve from {collection.chunks:,} chunks", f"{result.timings.retrieve:.1f} ms")
        st.caption(
            f"The bi-encoder's vectors were computed when the documents were indexed. One comparison is {collection.dimension} multiplications, "
            "and an index spares most of them."
        )
    with two.container(border=True, height="stretch"):
        st.metric(f"Rerank {result.pool} pairs", f"{took:,.0f} ms")
        st.caption(f"Each pair runs through all layers of {literal(result.reranker)}: {each:.1f} ms a pair, here and now. Lower is better.")
    with three.container(border=True, height="stretch"):
        whole = each * collection.chunks / 1e3
        st.metric(f"To rerank all {collection.chunks:,}", f"{whole:,.1f} s")
        st.caption("Estimated. Time grows in step with the pool, which is why the cross-encoder gets only what the bi-encoder finds first.")
    if result.reranker:
        budget = workspace.catalog.reranker().budget
        st.caption(f"{literal(result.reranker)} reads up to {budget} tokens of query and chunk together; what is longer is cut off at the chunk's end.")


def show_downloads(comparison: Comparison, result: SearchResult) -> None:
    """Offer the rankings as CSV and as TREC runs, one a model."""
    query_id = f"q-{short_hash(result.query)[:8]}"
    with st.container(horizontal=True):
        st.download_button("Hits as CSV", hits_csv(result).encode("utf-8-sig"), "comparison.csv", "text/csv", icon=":material/download:", on_click="ignore")
        offer_runs([(query_id, comparison.hits)])
