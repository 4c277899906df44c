"""Records into plotly figures."""

from __future__ import annotations

from html import escape

import plotly.graph_objects as go

from core.records.search import SearchResult, measure_name

BI_COLOUR = "#2f6fdd"  # the bi-encoder's, on every page
BAR = 22  # pixels for each hit


def score_profile(result: SearchResult) -> go.Figure:
    """Return a bar for each hit's similarity, by its rank in the list: how fast the scores fall.

    Bars start at 0 for every measure, so that their lengths may be compared.
    """
    ranks = [hit.rank for hit in result.hits]
    scores = [hit.bi_score for hit in result.hits]
    names = [escape(hit.document) for hit in result.hits]  # plotly renders some HTML
    figure = go.Figure(
        go.Bar(
            x=scores,
            y=ranks,
            orientation="h",
            marker_color=BI_COLOUR,
            text=[f"{score:.3f}" for score in scores],
            customdata=[[hit.chunk_id, name] for hit, name in zip(result.hits, names, strict=True)],
            hovertemplate="rank %{y}: %{x:.4f}<br>%{customdata[1]}<extra></extra>",
        )
    )
    figure.update_yaxes(autorange="reversed", title="rank", dtick=max(1, len(ranks) // 10), zeroline=False)
    figure.update_xaxes(title=measure_name(result.metric).replace(" ", "<br>", 1), nticks=5)
    figure.update_layout(height=110 + BAR * len(ranks), margin={"l": 8, "r": 8, "t": 8, "b": 8}, bargap=0.25)
    return figure
