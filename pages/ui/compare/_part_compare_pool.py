"""The pool's depth: what the cross-encoder never sees, it cannot put first."""

from __future__ import annotations

import streamlit as st

from core.records.search import SearchResult
from core.retrieval._part_agreement import TOP
from core.retrieval._part_comparison_plots import pool_chart
from core.retrieval.comparison import Comparison
from core.util.formatting import plural
from pages.ui.compare._part_compare_moves import hit_line


def choose_pool(result: SearchResult) -> Comparison:
    """Draw the slider, and return the comparison at its depth. Nothing is scored anew."""
    read = sum(hit.cross_rank is not None for hit in result.hits)
    if read < 2:
        return Comparison.at(result, read)
    st.session_state["depth"] = min(max(2, int(st.session_state["depth"])), read)
    left, right = st.columns([2, 3], gap="large", vertical_alignment="center")
    depth = left.slider(
        "What if the pool were smaller?", 2, read, key="depth", persist_state="session",
        help="All pairs are scored already: moving this costs nothing. Everything below is shown as it were with a pool of this depth.",
    )
    comparison = Comparison.at(result, depth)
    right.markdown(_sentence(comparison, depth, read))
    return comparison


def show_pool(comparison: Comparison, result: SearchResult) -> None:
    """Draw how much of the final top 10 a pool of each depth holds, and what the chosen one misses."""
    whole = Comparison.at(result, len(result.hits))
    read, depth = len(whole.hits), len(comparison.hits)
    st.subheader("What a smaller pool misses", anchor=False)
    st.caption(
        f"The line climbs where a pool comes to hold another of the cross-encoder's top {TOP} at {read}. Early: the bi-encoder had found them by itself. "
        "Late: a small pool would have lost them, and the best cross-encoder cannot put first what it never sees."
    )
    left, right = st.columns([2, 3], gap="large")
    left.plotly_chart(pool_chart(whole.hits[:TOP], read, depth), key="pool-effect", config={"displayModeBar": False})
    missed = {hit.chunk_id for hit in comparison.missed}
    right.markdown(f"**Never seen with a pool of {depth}**" if missed else "**Nothing of that top is missed.** Move the slider at the top of the page to the left to see when it is.")
    for hit in [hit for hit in whole.hits if hit.chunk_id in missed]:
        right.html(hit_line(hit))


def _sentence(comparison: Comparison, depth: int, read: int) -> str:
    missed = len(comparison.missed)
    if depth == read:
        return f"Everything below is shown for a pool of all **{read}** hits that were read."
    if missed:
        return f"With a pool of **{depth}** the cross-encoder never sees **{plural(missed, 'hit')}** of its own top {TOP} at {read}, listed further down."
    return f"A pool of **{depth}** holds all of the top {TOP} that the cross-encoder finds at {read}: reading more changes nothing there."
