"""A cutting into plotly figures: how long its chunks are, and where a text changes its subject."""

from __future__ import annotations

import plotly.graph_objects as go

from core.chunking.preview import Figures
from core.chunking.semantic import Meaning
from core.util.formatting import clip
from core.util.theme import BI_COLOUR

LIMIT_COLOUR = "#b4470f"
BINS = 30


def token_histogram(found: Figures, longest: int) -> go.Figure:
    """Return how many chunks have how many tokens, up to ``longest`` on the axis, with a line at what the bi-encoder reads."""
    step = max(1, -(-longest // BINS))
    figure = go.Figure(
        go.Histogram(
            x=found.tokens,
            xbins={"start": 0, "end": longest + step, "size": step},
            marker_color=BI_COLOUR,
            hovertemplate="%{x} tokens: %{y} chunks<extra></extra>",
        )
    )
    figure.add_vline(found.longest_read, line={"color": LIMIT_COLOUR, "dash": "dash"})
    figure.update_xaxes(title="tokens in a chunk", range=[0, max(longest, found.longest_read) * 1.05])
    figure.update_yaxes(title="chunks", rangemode="tozero", nticks=4)
    figure.update_layout(
        height=210, margin={"l": 8, "r": 8, "t": 8, "b": 8}, bargap=0.08, showlegend=False, dragmode=False
    )
    return figure


def distance_curve(meaning: Meaning, percentile: int, text: str, start: int, end: int) -> go.Figure:
    """Return the distance before each sentence over its place in the text, the threshold, and the breaks; what is in view is shaded."""
    offsets, distances = meaning.offsets[1:], meaning.distances
    threshold = meaning.threshold(percentile)
    broken = distances > threshold
    words = [clip(text[at : at + 80], 60) for at in offsets[broken].tolist()]
    figure = go.Figure()
    figure.add_vrect(start, end, fillcolor="rgba(128,128,128,.18)", line_width=0)
    figure.add_trace(
        go.Scattergl(
            x=offsets,
            y=distances,
            mode="lines",
            line={"width": 1, "color": BI_COLOUR},
            hovertemplate="character %{x}: distance %{y:.3f}<extra></extra>",
        )
    )
    figure.add_trace(
        go.Scattergl(
            x=offsets[broken],
            y=distances[broken],
            mode="markers",
            marker={"color": LIMIT_COLOUR, "size": 7},
            text=words,
            hovertemplate="break before “%{text}”<br>distance %{y:.3f}<extra></extra>",
        )
    )
    figure.add_hline(
        threshold,
        line={"color": LIMIT_COLOUR, "dash": "dash"},
        annotation_text=f"percentile {percentile}: {threshold:.3f}",
        annotation_position="top left",
    )
    figure.update_xaxes(title="place in the text (characters)", rangemode="tozero")
    figure.update_yaxes(title="distance (1 - cosine)<br>higher: less alike", rangemode="tozero")
    figure.update_layout(height=230, margin={"l": 8, "r": 8, "t": 16, "b": 8}, showlegend=False, dragmode=False)
    return figure
