"""What stands beside the picture: the chosen chunk with its true neighbours, the chosen region, or the query's meter."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.projection._part_projection_terms import distinctive_terms
from core.projection.query import texts_of
from core.projection.records import Points
from core.records.search import Hit, measure_name
from core.text.excerpts import unwrap
from core.util.formatting import clip, plural
from core.vectors.neighbors import nearest_to
from core.workspace import Workspace
from pages.ui._part_notices import literal
from pages.ui.map._part_map_out import caught_csv
from pages.ui.map._part_map_query import Asked
from pages.ui.map._part_map_reading import read_in_document
from pages.ui.map._part_map_scene import Scene
from pages.ui.map._part_map_session import caught_here, close_chunk, let_go, open_chunk, opened_here, search_here

NEIGHBOURS = 8  # of the chosen chunk
MOST_SHOWN = 200  # chunks of a region that are listed
MOST_READ = 2000  # chunks whose words are counted, of the region and of the rest
LONGEST_QUERY = 1000  # characters of a chunk that is searched for


def show_panel(scene: Scene, slot: str) -> None:
    """Draw what there is to say, the chosen chunk before all."""
    place, caught = opened_here(slot, scene.points), caught_here(slot, scene.points)
    if place is not None:
        _show_chunk(scene, place, slot)
    elif caught:
        _show_caught(scene, caught, slot)
    if scene.asked is not None and place is None:
        _show_meter(scene, scene.asked, slot)
    if place is None and not caught:
        st.caption(
            ":material/touch_app: **Hover** to read, **click** a chunk to open it with its true neighbours. "
            "Choose **lasso** or **box** above the picture to catch a region. The wheel zooms, dragging moves, a double click shows everything."
        )


def near_to(points: Points, place: int) -> dict[int, float]:
    """Return the places of a chunk's true nearest neighbours with their similarities, best first; kept, since the picture and the panel both show them."""
    kept = st.session_state.get("map-near")
    if kept is None or kept[0] != (points.digest, place):
        places, scores = nearest_to(points.vectors, points.metric, points.vectors[place], NEIGHBOURS + 1)
        found = [(int(at), float(score)) for at, score in zip(places, scores, strict=True) if at != place]
        kept = ((points.digest, place), dict(found[:NEIGHBOURS]))
        st.session_state["map-near"] = kept
    near: dict[int, float] = kept[1]
    return near


def _told(hit: Hit) -> str:
    """A hit on a line: its similarity, its document, how it begins."""
    return f"{hit.bi_score:.3f} · {clip(hit.document.rsplit('/', 1)[-1], 26)}: {clip(hit.text.replace('#', ' '), 60)}"


def _show_chunk(scene: Scene, place: int, slot: str) -> None:
    points = scene.points
    near = {points.chunk_ids[at]: score for at, score in near_to(points, place).items()}
    own = points.chunk_ids[place]
    found = {hit.chunk_id: hit for hit in scene.workspace.store.hits(scene.collection, {own: 2.0**30, **near})}
    hit = found.get(own)
    if hit is None:
        st.caption("This chunk is gone: the collection has changed.")
        return
    with st.container(border=True):
        head, close = st.columns([5, 1], vertical_alignment="top")
        page = f", page {hit.page}" if hit.page else ""
        head.markdown(f"**{literal(hit.document)}**{page}")
        close.button(":material/close:", key=f"close-{slot}", on_click=close_chunk, args=[slot], type="tertiary", help="Close")
        st.caption(f"characters {hit.start:,} to {hit.end:,} · {hit.tokens} tokens")
        with st.container(height=170, border=False):
            st.text(unwrap(hit.text))
        with st.container(horizontal=True):
            if st.button("Search like this", key=f"like-{slot}", icon=":material/search:"):
                st.session_state["q"] = clip(hit.text, LONGEST_QUERY)
                close_chunk(slot)
                st.rerun()
            if st.button("Show in document", key=f"show-{slot}", icon=":material/article:"):
                read_in_document(scene.workspace, st.session_state.get("q", ""), hit)
    _show_neighbours(points, [found[chunk_id] for chunk_id in near if chunk_id in found], slot)


def _show_neighbours(points: Points, near: Sequence[Hit], slot: str) -> None:
    st.markdown(f"**Its nearest chunks**, by {measure_name(points.metric)}", help="In the full space, where nothing is flattened; higher is more similar. The purple lines lead to them.")
    with st.container(height=300, border=False, key=f"map-list-near-{slot}"):
        for hit in near:
            st.button(literal(_told(hit)), key=f"near-{slot}-{hit.chunk_id}", on_click=open_chunk, args=[slot, hit.chunk_id], type="tertiary")


def _show_meter(scene: Scene, asked: Asked, slot: str) -> None:
    meter, metric = asked.meter, measure_name(scene.points.metric)
    with st.container(border=True):
        st.markdown(f"**{literal(meter.sentence)}.**")
        st.caption(meter.words)
    st.markdown(f"**Hits**, by {'the cross-encoder' if asked.result.reranker else metric}", help="Click one to open it on the map.")
    with st.container(height=330, border=False, key=f"map-list-hits-{slot}"):
        for hit in scene.hits:
            moved = f" (was {hit.bi_rank})" if hit.cross_rank and hit.moved else ""
            st.button(literal(f"{hit.rank}{moved} · {_told(hit)}"), key=f"hit-{slot}-{hit.rank}", on_click=open_chunk, args=[slot, hit.chunk_id], type="tertiary")


def _show_caught(scene: Scene, caught: list[int], slot: str) -> None:
    workspace, points, shown = scene.workspace, scene.points, caught[:MOST_SHOWN]
    texts = texts_of(workspace.store, points, shown)
    documents = {points.document_ids[at] for at in caught}
    with st.container(border=True):
        st.markdown(f"**{plural(len(caught), 'chunk')} chosen**, of {plural(len(documents), 'document')}")
        if words := _words(workspace, points, caught):
            st.markdown(f"Said here more than elsewhere: **{literal(', '.join(words))}**")
        with st.container(horizontal=True):
            if st.button("Search only here", key=f"only-{slot}", icon=":material/filter_alt:", help="The next searches look at these chunks alone."):
                search_here()
                st.rerun()
            st.download_button(
                "CSV", lambda: caught_csv(workspace, points, scene.layout, caught), f"{scene.collection.name}-chosen.csv", "text/csv",
                icon=":material/download:", on_click="ignore", key=f"caught-csv-{slot}",
            )
            st.button("Let go", key=f"let-go-{slot}", icon=":material/close:", on_click=let_go, args=[slot])
    rows = {
        "document": [points.documents[at] for at in shown], "text": [clip(text, 160) for text in texts], "tokens": [int(points.tokens[at]) for at in shown],
    }
    st.dataframe(rows, hide_index=True, height=300)
    if len(shown) < len(caught):
        st.caption(f"The first {MOST_SHOWN} of {len(caught):,}; the CSV has them all.")


def _words(workspace: Workspace, points: Points, caught: Sequence[int]) -> tuple[str, ...]:
    """The words that the chosen chunks say more than the others, both sampled evenly where they are many; kept for the same choice."""
    key = (points.digest, tuple(caught))
    kept = st.session_state.get("map-words")
    if kept is None or kept[0] != key:
        inside = set(caught)
        rest = [at for at in range(len(points)) if at not in inside]
        here, there = (texts_of(workspace.store, points, _evenly(places)) for places in (caught, rest))
        kept = (key, distinctive_terms([here, there], 6)[0])
        st.session_state["map-words"] = kept
    words: tuple[str, ...] = kept[1]
    return words


def _evenly(places: Sequence[int]) -> list[int]:
    step = max(1, -(-len(places) // MOST_READ))
    return list(places[::step])
