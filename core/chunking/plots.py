"""Plot how many tokens chunks have, and the distances between sentences by which semantic chunking breaks a text."""

from __future__ import annotations

import plotly.graph_objects as go

from core.chunking.preview import ChunkingStatistics
from core.chunking.semantic import SentenceDistances
from core.util.formatting import clip
from core.util.theme import BI_COLOUR

LIMIT_COLOUR = "#b4470f"
BINS = 30


def token_histogram(statistics: ChunkingStatistics, longest: int) -> go.Figure:
    """Return a histogram of the chunks' tokens, its axis up to ``longest``, with a line at the bi-encoder's limit."""
    step = max(1, -(-longest // BINS))
    figure = go.Figure(
        go.Histogram(
            x=statistics.tokens,
            xbins={"start": 0, "end": longest + step, "size": step},
            marker_color=BI_COLOUR,
            hovertemplate="%{x} tokens: %{y} chunks<extra></extra>",
        )
    )
    figure.add_vline(statistics.longest_read, line={"color": LIMIT_COLOUR, "dash": "dash"})
    figure.update_xaxes(title="tokens in a chunk", range=[0, max(longest, statistics.longest_read) * 1.05])
    figure.update_yaxes(title="chunks", rangemode="tozero", nticks=4)
    figure.update_layout(
        height=210, margin={"l": 8, "r": 8, "t": 8, "b": 8}, bargap=0.08, showlegend=False, dragmode=False
    )
    return figure


def distance_curve(sentences: SentenceDistances, percentile: int, text: str, start: int, end: int) -> go.Figure:
    """Plot the distance before each sentence over its offset in ``text``, with the threshold and the breaks.

    The characters from ``start`` to ``end``, which are in view, are shaded.
    """
    offsets, distances = sentences.offsets[1:], sentences.distances
    threshold = sentences.threshold(percentile)
    broken = distances > threshold
    words = [clip(text[offset : offset + 80], 60) for offset in offsets[broken].tolist()]
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
