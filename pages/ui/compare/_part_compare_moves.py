"""The hits that moved most, and those that crossed the line of the top 10, with their texts."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import streamlit as st

from core.records.search import Hit
from core.retrieval.comparison import Comparison
from core.text.excerpts import unwrap
from core.util.formatting import clip, move

LENGTH = 260  # characters of a hit's text


def show_moves(comparison: Comparison) -> None:
    """Draw the risers and fallers side by side, then who entered and who left the top 10."""
    left, right = st.columns(2, gap="large")
    _list(left, "Rose furthest", comparison.risers(), "No hit rose: the cross-encoder kept the order.")
    _list(right, "Fell furthest", comparison.fallers(), "No hit fell: the cross-encoder kept the order.")
    if len(comparison.hits) > 10:
        left, right = st.columns(2, gap="large")
        _list(left, "Entered the top 10", comparison.entered, "None: both models agree on who belongs there.")
        _list(right, "Left the top 10", comparison.left, "None: both models agree on who belongs there.")


def _list(column: st.delta_generator.DeltaGenerator, title: str, hits: Sequence[Hit], empty: str) -> None:
    column.markdown(f"**{title}**")
    if not hits:
        column.caption(empty)
    for hit in hits:
        column.html(hit_line(hit))


def hit_line(hit: Hit) -> str:
    """Return a hit with its move and both scores as HTML, a few lines high."""
    kind = "up" if (hit.moved or 0) > 0 else "down" if (hit.moved or 0) < 0 else "same"
    return (
        f'<div class="rs-line"><span class="rs-move rs-{kind}">{move(hit.moved)}</span> <b dir="auto">{escape(hit.document)}</b> '
        f'<span class="rs-faint">{hit.bi_rank} → {hit.rank} · similarity {hit.bi_score:.3f} · cross-encoder {hit.cross_score or 0:+.2f}</span>'
        f'<div class="rs-text" dir="auto">{escape(clip(unwrap(hit.text), LENGTH))}</div></div>'
    )
