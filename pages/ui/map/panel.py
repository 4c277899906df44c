"""What stands beside the picture: the chosen chunk with its true neighbours, the chosen region, or the query's meter."""

from __future__ import annotations

import io
from collections.abc import Sequence

import streamlit as st

from core.projection.clusters import distinctive_terms
from core.projection.export import Columns, map_columns
from core.projection.plots import DIMMED, base_figure, map_html, with_overlay
from core.projection.quality import LayoutQuality, measure_quality
from core.projection.query import MapQuery, texts_of
from core.projection.records import Layout, Points
from core.records.search import Hit, measure_name
from core.text.excerpts import unwrap
from core.util.csv_safety import write_rows
from core.util.formatting import clip, plural
from core.vectors.neighbors import nearest_to_query
from core.workspace import Workspace
from pages.ui.map.component import Scene
from pages.ui.map.data import caught_here, close_chunk, let_go, open_chunk, opened_here, read_in_document, search_here
from pages.ui.page import literal

AT_ONCE = 20_000  # chunks up to which nobody has to ask
KEPT = "map-trust"  # in the session: the last few
MOST_KEPT = 12


def show_trust(points: Points, layout: Layout) -> None:
    """Draw the figures of this picture, measured once for each."""
    st.subheader("How far to trust this picture", anchor=False)
    kept: dict[str, LayoutQuality | None] = st.session_state.setdefault(KEPT, {})
    if layout.key not in kept:
        wanted = len(points) <= AT_ONCE or st.button(
            "Measure",
            icon=":material/straighten:",
            help="Compares a sample of chunks with all others, in the full space and on the map: some seconds.",
        )
        if not wanted:
            st.caption("Trustworthiness and continuity of so many chunks take some seconds to measure.")
            return
        with st.spinner("Comparing neighbours in the full space with those on the map…", show_time=True):
            kept[layout.key] = measure_quality(points.vectors, points.metric, layout.xy)
        while len(kept) > MOST_KEPT:
            kept.pop(next(iter(kept)))
    trust = kept[layout.key]
    if trust is None:
        st.caption(
            f"With {plural(len(points), 'chunk')} there are no neighbourhoods to compare: four chunks are the least."
        )
        return
    _draw(trust)


def _draw(trust: LayoutQuality) -> None:
    one, two, three = st.columns([1, 1, 3], vertical_alignment="center")
    one.metric(
        "Trustworthiness",
        f"{trust.trustworthiness:.3f}",
        border=True,
        help="Do neighbours on the map belong together? 0 to 1, higher is better.",
    )
    two.metric(
        "Continuity",
        f"{trust.continuity:.3f}",
        border=True,
        help="Does what belongs together stay together on the map? 0 to 1, higher is better.",
    )
    three.caption(trust.words)


def offer_files(scene: Scene) -> None:
    """Draw the buttons; the files are made when one is pressed."""
    name = f"{scene.collection.name}-map"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.download_button(
            "Page (HTML)",
            lambda: _page(scene),
            f"{name}.html",
            "text/html",
            icon=":material/download:",
            on_click="ignore",
            help="One file that needs no network: it zooms, and names the document of a point.",
        )
        st.download_button(
            "Coordinates (CSV)",
            lambda: _table(scene),
            f"{name}.csv",
            "text/csv",
            icon=":material/download:",
            on_click="ignore",
            help="A line a chunk: chunk id, document, span in characters, x and y.",
        )
        st.caption("PNG and SVG: the buttons at the picture's upper right edge.", width="content")


def _page(scene: Scene) -> str:
    name = scene.points.collection
    title = name if scene.asked is None else f"{name}: “{scene.asked.result.query}”"
    return map_html(
        with_overlay(base_figure(scene.points, scene.layout.xy, scene.painting, hover=True), scene.overlay(), DIMMED),
        title,
    )


def _table(scene: Scene) -> bytes:
    return _csv(
        map_columns(
            scene.points, scene.layout, scene.clusters, None if scene.asked is None else scene.asked.similarities
        )
    )


def caught_csv(workspace: Workspace, points: Points, layout: Layout, caught: Sequence[int]) -> bytes:
    """Return the chosen chunks as CSV, with their texts."""
    columns = map_columns(points, layout)
    chosen = {name: [values[at] for at in caught] for name, values in columns.items()}
    return _csv({**chosen, "text": texts_of(workspace.store, points, caught)})


def _csv(columns: Columns) -> bytes:
    """With the mark by which Excel knows UTF-8, and nothing that a spreadsheet would run."""
    table = io.StringIO(newline="")
    write_rows(table, [columns, *zip(*columns.values(), strict=True)])
    return table.getvalue().encode("utf-8-sig")


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
        places, scores = nearest_to_query(points.vectors, points.metric, points.vectors[place], NEIGHBOURS + 1)
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
        close.button(
            ":material/close:", key=f"close-{slot}", on_click=close_chunk, args=[slot], type="tertiary", help="Close"
        )
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
    st.markdown(
        f"**Its nearest chunks**, by {measure_name(points.metric)}",
        help="In the full space, where nothing is flattened; higher is more similar. The purple lines lead to them.",
    )
    with st.container(height=300, border=False, key=f"map-list-near-{slot}"):
        for hit in near:
            st.button(
                literal(_told(hit)),
                key=f"near-{slot}-{hit.chunk_id}",
                on_click=open_chunk,
                args=[slot, hit.chunk_id],
                type="tertiary",
            )


def _show_meter(scene: Scene, asked: MapQuery, slot: str) -> None:
    meter, metric = asked.meter, measure_name(scene.points.metric)
    with st.container(border=True):
        st.markdown(f"**{literal(meter.sentence)}.**")
        st.caption(meter.words)
    st.markdown(
        f"**Hits**, by {'the cross-encoder' if asked.result.reranker else metric}",
        help="Click one to open it on the map.",
    )
    with st.container(height=330, border=False, key=f"map-list-hits-{slot}"):
        for hit in scene.hits:
            moved = f" (was {hit.bi_rank})" if hit.cross_rank and hit.moved else ""
            st.button(
                literal(f"{hit.rank}{moved} · {_told(hit)}"),
                key=f"hit-{slot}-{hit.rank}",
                on_click=open_chunk,
                args=[slot, hit.chunk_id],
                type="tertiary",
            )


def _show_caught(scene: Scene, caught: list[int], slot: str) -> None:
    workspace, points, shown = scene.workspace, scene.points, caught[:MOST_SHOWN]
    texts = texts_of(workspace.store, points, shown)
    documents = {points.document_ids[at] for at in caught}
    with st.container(border=True):
        st.markdown(f"**{plural(len(caught), 'chunk')} chosen**, of {plural(len(documents), 'document')}")
        if words := _words(workspace, points, caught):
            st.markdown(f"Said here more than elsewhere: **{literal(', '.join(words))}**")
        with st.container(horizontal=True):
            if st.button(
                "Search only here",
                key=f"only-{slot}",
                icon=":material/filter_alt:",
                help="The next searches look at these chunks alone.",
            ):
                search_here()
                st.rerun()
            st.download_button(
                "CSV",
                lambda: caught_csv(workspace, points, scene.layout, caught),
                f"{scene.collection.name}-chosen.csv",
                "text/csv",
                icon=":material/download:",
                on_click="ignore",
                key=f"caught-csv-{slot}",
            )
            st.button("Let go", key=f"let-go-{slot}", icon=":material/close:", on_click=let_go, args=[slot])
    rows = {
        "document": [points.documents[at] for at in shown],
        "text": [clip(text, 160) for text in texts],
        "tokens": [int(points.tokens[at]) for at in shown],
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
