"""How far two orders agree, in numbers that say how to be read."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.judgments._part_evaluation_graded import SpanJudgment
from core.judgments.relevance import ndcg
from core.retrieval.comparison import Comparison


def show_agreement(comparison: Comparison, judgments: Sequence[SpanJudgment]) -> None:
    """Draw the numbers in a row, each with a sentence on how to read it."""
    found = comparison.agreement
    bi = ndcg(comparison.by_bi, judgments) if judgments else None
    cross = ndcg(comparison.hits, judgments) if judgments else None
    columns = st.columns(5 if bi is not None and cross is not None else 3)
    with columns[0].container(border=True, height="stretch"):
        st.metric(f"Overlap at {found.top}", f"{found.overlap} of {found.top}")
        st.caption(f"So many hits are among the first {found.top} of both orders.")
    with columns[1].container(border=True, height="stretch"):
        st.metric("Kendall's τ-b", f"{found.tau:+.2f}")
        st.caption(f"Over all {len(comparison.hits)}: +1 the same order, 0 no relation, −1 the reverse.")
    with columns[2].container(border=True, height="stretch"):
        st.metric("Rank-biased overlap", f"{found.rbo:.2f}")
        st.caption("1 the same, 0 nothing shared; the top counts most (p = 0.9: the first 10 ranks weigh 86%).")
    if bi is not None and cross is not None:
        with columns[3].container(border=True, height="stretch"):
            st.metric("nDCG@10, bi", f"{bi:.3f}")
            st.caption("Against what is judged about this query. 0 to 1, higher is better.")
        with columns[4].container(border=True, height="stretch"):
            st.metric("nDCG@10, cross", f"{cross:.3f}", f"{cross - bi:+.3f}" if abs(cross - bi) >= 0.0005 else None)
            st.caption("The same after reranking; an arrow says by how much it changed.")
