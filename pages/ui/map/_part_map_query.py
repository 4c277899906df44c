"""The question that is put to the map: its hits, its place, and what the picture gets wrong of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import streamlit as st

from core.projection._part_projection_meter import Meter, read_meter
from core.projection.placement import place
from core.projection.query import search_among, similarity_to_all
from core.projection.records import Floats, Layout, Points
from core.records.search import Collection, SearchResult
from core.retrieval.search import search
from core.vectors.neighbors import nearest_to
from core.workspace import Workspace
from pages.ui._part_reranking import reranked

NEAREST = 10  # of the meter
TRAIL = "map-trail"  # in the session: queries of before, newest last
LONGEST_TRAIL = 8


@dataclass(frozen=True)
class Asked:
    """A query with everything that the map shows of it; ``star`` has shape (2,), ``vector`` (dimension,)."""

    result: SearchResult
    vector: Floats
    star: Floats
    meter: Meter
    similarities: Floats  # of every chunk


def query_vector(workspace: Workspace, collection: Collection, query: str) -> Floats:
    """Return the query as the collection's bi-encoder sees it, shape (dimension,)."""
    return workspace.encoder(collection).encode_query(query)


def ask(workspace: Workspace, collection: Collection, points: Points, layout: Layout, query: str, only: Sequence[int] = ()) -> Asked:
    """Search, rerank where that is switched on, and place the query; ``only`` limits the search to the chunks at these places.

    Raises what searching and reranking raise.
    """
    hits, pool = int(st.session_state["hits"]), int(st.session_state["pool"]) if st.session_state["rerank"] else 0
    with st.spinner("Searching… (the first search loads the model)", show_time=True):
        vector = query_vector(workspace, collection, query)
        if only:
            result = search_among(workspace, points, query, vector, only, max(hits, pool))
        else:
            result = search(workspace, collection.name, query, max(hits, pool))
    if pool and result.hits:
        result = reranked(workspace, result, pool)
    star = place(points, layout, vector[None])[0]
    true, _ = nearest_to(points.vectors, points.metric, vector, NEAREST)
    meter = read_meter([int(at) for at in true], layout.xy, star, NEAREST)
    return Asked(result, vector, star, meter, similarity_to_all(points.metric, points.vectors, vector))


def remember(query: str) -> list[str]:
    """Note a query, and return those before it, newest first."""
    trail = cast(list[str], st.session_state.setdefault(TRAIL, []))
    if query in trail:
        trail.remove(query)
    trail.append(query)
    del trail[:-LONGEST_TRAIL]
    return trail[-2::-1]


def forget_trail() -> None:
    """Begin a new trail."""
    st.session_state[TRAIL] = []
