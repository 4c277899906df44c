"""How far the whole picture can be trusted, in two figures that say what they mean."""

from __future__ import annotations

import streamlit as st

from core.projection.quality import Trust, measure_trust
from core.projection.records import Layout, Points
from core.util.formatting import plural

AT_ONCE = 20_000  # chunks up to which nobody has to ask
KEPT = "map-trust"  # in the session: the last few
MOST_KEPT = 12


def show_trust(points: Points, layout: Layout) -> None:
    """Draw the figures of this picture, measured once for each."""
    st.subheader("How far to trust this picture", anchor=False)
    kept: dict[str, Trust | None] = st.session_state.setdefault(KEPT, {})
    if layout.key not in kept:
        wanted = len(points) <= AT_ONCE or st.button(
            "Measure", icon=":material/straighten:", help="Compares a sample of chunks with all others, in the full space and on the map: some seconds."
        )
        if not wanted:
            st.caption("Trustworthiness and continuity of so many chunks take some seconds to measure.")
            return
        with st.spinner("Comparing neighbours in the full space with those on the map…", show_time=True):
            kept[layout.key] = measure_trust(points.vectors, points.metric, layout.xy)
        while len(kept) > MOST_KEPT:
            kept.pop(next(iter(kept)))
    trust = kept[layout.key]
    if trust is None:
        st.caption(f"With {plural(len(points), 'chunk')} there are no neighbourhoods to compare: four chunks are the least.")
        return
    _draw(trust)


def _draw(trust: Trust) -> None:
    one, two, three = st.columns([1, 1, 3], vertical_alignment="center")
    one.metric("Trustworthiness", f"{trust.trustworthiness:.3f}", border=True, help="Do neighbours on the map belong together? 0 to 1, higher is better.")
    two.metric("Continuity", f"{trust.continuity:.3f}", border=True, help="Does what belongs together stay together on the map? 0 to 1, higher is better.")
    three.caption(trust.words)
