"""The first hits of both orders with their grades, and what the grades make of the two orders."""

from __future__ import annotations

import streamlit as st

from core.judgments.relevance import ndcg
from core.records.search import Collection, Metric
from core.retrieval._part_agreement import TOP
from core.retrieval.comparison import Comparison
from core.util.formatting import plural
from core.workspace import Workspace
from pages.ui._part_markup import hit_card
from pages.ui.grading import Given, judging_switch, show_bar, show_grade


def show_judging(workspace: Workspace, collection: Collection, query: str, comparison: Comparison, metric: Metric) -> None:
    """Draw the switch, and below it, where it is on, the hits to be judged."""
    if judging_switch():
        _hits(workspace, collection, query, comparison, metric)


@st.fragment
def _hits(workspace: Workspace, collection: Collection, query: str, comparison: Comparison, metric: Metric) -> None:
    shown = [hit for hit in comparison.hits if min(hit.rank, hit.bi_rank) <= TOP]
    given = Given.read(workspace, collection, query)
    show_bar(workspace)
    bi, cross = ndcg(comparison.by_bi, given.spans), ndcg(comparison.hits, given.spans)
    judged = f"{plural(len(given.spans), 'judged span')} of this query. "
    if bi is None or cross is None:
        st.caption(f"{judged}nDCG@10 can be told as soon as one is graded 1 or better.")
    else:
        st.caption(f"{judged}nDCG@10 (0 to 1, higher is better): bi-encoder **{bi:.3f}**, cross-encoder **{cross:.3f}**, {cross - bi:+.3f}.")
        if st.button("Use these grades in the figures of this page", icon=":material/refresh:", type="tertiary"):
            st.rerun()
    best = max((hit.bi_score for hit in shown), default=0.0)
    for hit in shown:
        with st.container(border=True, key=f"judged-{hit.chunk_id}"):
            st.html(hit_card(hit, query, metric, best))
            show_grade(given, hit)
