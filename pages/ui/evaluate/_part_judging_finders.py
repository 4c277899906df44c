"""Who found what in a pool that is judged, and what the grades make of it."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import streamlit as st

from core.judgments._part_evaluation_graded import grade
from core.judgments.pooling import Pool
from core.judgments.relevance import ndcg
from core.text.excerpts import unwrap
from core.util.formatting import clip, plural
from pages.ui._part_markup import blind_card
from pages.ui.grading import Given, show_grade


def show_finders(given: Given, pool: Pool, called: Mapping[str, str]) -> None:
    """Draw which system found what, now that it cannot sway anybody; ``called`` maps systems to words."""
    st.markdown("**Who found what**")
    for system, column in zip(pool.systems, st.columns(len(pool.systems)), strict=True):
        found = pool.found_by(system)
        value = ndcg(found, given.spans, pool.depth)
        with column.container(border=True, height="stretch"):
            st.metric(called[system], "–" if value is None else f"{value:.3f}")
            good = sum((grade(hit, given.spans) or 0) >= 2 for hit in found)
            st.caption(f"nDCG@{pool.depth} of this query, 0 to 1, higher is better. {good} of its first {plural(len(found), 'hit')} have grade 2 or 3.")
    rows = [
        {
            "grade": grade(hit, given.spans), "document": hit.document, "text": clip(unwrap(hit.text), 300),
            **{f"rank, {system}": pool.ranks[hit.chunk_id].get(system) for system in pool.systems},
        }
        for hit in pool.hits
    ]
    frame = pd.DataFrame(rows).sort_values("grade", ascending=False, kind="stable")
    st.dataframe(frame, hide_index=True, column_config={"text": st.column_config.TextColumn(width="large")})
    if st.toggle("Change a grade", key="judging-change"):
        for hit in pool.hits:
            with st.container(border=True, key=f"judging-{hit.chunk_id}"):
                st.html(blind_card(hit))
                show_grade(given, hit)
