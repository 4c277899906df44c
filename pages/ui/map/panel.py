"""What surrounds the picture: the panel beside it, and the downloads and the layout's quality below it."""

from __future__ import annotations

import io
from collections.abc import Sequence

import streamlit as st

from core.errors import RankscopeError
from core.projection.clusters import distinctive_terms
from core.projection.export import Columns, map_columns
from core.projection.plots import DIMMED, base_figure, map_html, with_overlay
from core.projection.quality import LayoutQuality, measure_quality
from core.projection.query import MapQuery, texts_of
from core.projection.records import Layout, Points
from core.records.search import Hit, UnknownText, measure_name
from core.text.excerpts import unwrap
from core.util.csv_safety import write_rows
from core.util.formatting import clip, plural
from core.vectors.neighbors import nearest_to_query
from core.workspace import Workspace
from pages.ui.downloads import offer_download
from pages.ui.hits import show_notes
from pages.ui.html import unknown_html
from pages.ui.map.component import Scene
from pages.ui.map.data import (
    cached_in_session,
    clear_selection,
    close_chunk,
    limit_search,
    open_chunk,
    open_dialog,
    opened_row,
    selected_rows,
)
from pages.ui.page import literal

NEIGHBOURS = 8  # of the opened chunk
MAX_LISTED = 200  # chunks of a selection
MAX_COUNTED = 2000  # chunks whose words are counted, of the selection and of the rest
MAX_QUERY_LENGTH = 1000  # characters of a chunk that is searched for
MEASURED_AT_ONCE = 20_000  # chunks; the quality of larger layouts is measured when a button is pressed
QUALITIES = "map-trust"  # in the session: the last layouts' quality by their key
MAX_QUALITIES = 12


def show_panel(scene: Scene) -> None:
    """Draw the opened chunk with its neighbours; else the selected chunks and the query's hits."""
    row, selected = opened_row(scene.slot, scene.points), selected_rows(scene.slot, scene.points)
    if row is not None:
        _show_chunk(scene, row)
        return
    if selected:
        _show_selection(scene, selected)
    if scene.map_query is not None:
        _show_hits(scene, scene.map_query)
    if not selected:
        st.caption(
            ":material/touch_app: **Hover** to read, **click** a chunk to open it with its true neighbours. "
            "Choose **lasso** or **box** above the picture to catch a region. The wheel zooms, dragging moves, "
            "a double click shows everything."
        )


def _show_chunk(scene: Scene, row: int) -> None:
    points, slot = scene.points, scene.slot
    chunk_id = points.chunk_ids[row]
    neighbours = {points.chunk_ids[other]: score for other, score in nearest_chunks(points, row).items()}
    hits = scene.workspace.store.hits(scene.collection, {chunk_id: 2.0**30, **neighbours})
    by_id = {hit.chunk_id: hit for hit in hits}
    hit = by_id.get(chunk_id)
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
        st.caption(f"characters {hit.start:,} to {hit.end:,} · {plural(hit.tokens, 'token')}")
        if warning := unknown_html(_unknown(scene, hit)):
            st.html(warning)
        with st.container(height=170, border=False):
            st.text(unwrap(hit.text))
        with st.container(horizontal=True):
            if st.button("Search like this", key=f"like-{slot}", icon=":material/search:"):
                st.session_state["q"] = clip(hit.text, MAX_QUERY_LENGTH)
                close_chunk(slot)
                st.rerun()
            if st.button("Show in document", key=f"show-{slot}", icon=":material/article:"):
                open_dialog(scene.workspace, st.session_state.get("q", ""), hit)
    st.markdown(
        f"**Its nearest chunks**, by {measure_name(points.metric)}",
        help="In the full space, where nothing is flattened; higher is more similar. The purple lines lead to them.",
    )
    with st.container(height=300, border=False, key=f"map-list-near-{slot}"):
        for neighbour in neighbours:
            if neighbour in by_id:
                _open_button(slot, by_id[neighbour], f"near-{slot}-{neighbour}")


def _unknown(scene: Scene, hit: Hit) -> UnknownText | None:
    """Return what of a chunk the bi-encoder does not know; None where there is no model to tell."""
    if hit.read.isascii():  # spare those who only look at the map the loading of the model
        return None
    try:
        encoder = scene.workspace.encoder(scene.collection)
    except RankscopeError:
        return None
    return encoder.tokens.unknown([hit.read])[0]


def nearest_chunks(points: Points, row: int) -> dict[int, float]:
    """Return the rows of a chunk's nearest neighbours in the full space with their similarities, best first."""

    def compute() -> dict[int, float]:
        rows, scores = nearest_to_query(points.vectors, points.metric, points.vectors[row], NEIGHBOURS + 1)
        others = [(int(other), float(score)) for other, score in zip(rows, scores, strict=True) if other != row]
        return dict(others[:NEIGHBOURS])

    return cached_in_session("map-near", (points.digest, row), compute)


def _open_button(slot: str, hit: Hit, key: str, rank: str = "") -> None:
    """Draw a hit on one line, a button that opens it: its rank, similarity, document and first words."""
    document, text = clip(hit.document.rsplit("/", 1)[-1], 26), clip(hit.text.replace("#", " "), 60)
    label = literal(f"{rank}{hit.bi_score:.3f} · {document}: {text}")
    st.button(label, key=key, on_click=open_chunk, args=[slot, hit.chunk_id], type="tertiary")


def _show_hits(scene: Scene, map_query: MapQuery) -> None:
    show_notes(map_query.result)
    with st.container(border=True):
        st.markdown(f"**{literal(map_query.overlap.sentence)}.**")
        st.caption(map_query.overlap.words)
    measure = "the cross-encoder" if map_query.result.reranker else measure_name(scene.points.metric)
    st.markdown(f"**Hits**, by {measure}", help="Click one to open it on the map.")
    with st.container(height=330, border=False, key=f"map-list-hits-{scene.slot}"):
        for hit in scene.hits:
            moved = f" (was {hit.bi_rank})" if hit.cross_rank and hit.moved else ""
            _open_button(scene.slot, hit, f"hit-{scene.slot}-{hit.rank}", f"{hit.rank}{moved} · ")


def _show_selection(scene: Scene, rows: list[int]) -> None:
    workspace, points, slot, listed = scene.workspace, scene.points, scene.slot, rows[:MAX_LISTED]
    documents = {points.document_ids[row] for row in rows}
    terms = cached_in_session("map-words", (points.digest, tuple(rows)), lambda: _terms(workspace, points, rows))
    with st.container(border=True):
        st.markdown(f"**{plural(len(rows), 'chunk')} chosen**, of {plural(len(documents), 'document')}")
        if terms:
            st.markdown(f"Said here more than elsewhere: **{literal(', '.join(terms))}**")
        with st.container(horizontal=True):
            if st.button(
                "Search only here",
                key=f"only-{slot}",
                icon=":material/filter_alt:",
                help="The next searches look at these chunks alone.",
            ):
                limit_search()
                st.rerun()
            offer_download(
                "CSV",
                lambda: _selection_csv(workspace, points, scene.layout, rows),
                f"{scene.collection.name}-chosen.csv",
                "text/csv",
                key=f"caught-csv-{slot}",
            )
            st.button("Let go", key=f"let-go-{slot}", icon=":material/close:", on_click=clear_selection, args=[slot])
    table = {
        "document": [points.documents[row] for row in listed],
        "text": [clip(text, 160) for text in texts_of(workspace.store, points, listed)],
        "tokens": [int(points.tokens[row]) for row in listed],
    }
    st.dataframe(table, hide_index=True, height=300)
    if len(listed) < len(rows):
        st.caption(f"The first {MAX_LISTED} of {len(rows):,}; the CSV has them all.")


def _terms(workspace: Workspace, points: Points, rows: Sequence[int]) -> tuple[str, ...]:
    """Return the terms that distinguish these chunks from the others; of many, an even sample is read."""
    inside = set(rows)
    outside = [row for row in range(len(points)) if row not in inside]
    samples = [group[:: max(1, -(-len(group) // MAX_COUNTED))] for group in (rows, outside)]
    return distinctive_terms([texts_of(workspace.store, points, sample) for sample in samples], 6)[0]


def _selection_csv(workspace: Workspace, points: Points, layout: Layout, rows: Sequence[int]) -> bytes:
    columns = {name: [values[row] for row in rows] for name, values in map_columns(points, layout).items()}
    return _csv({**columns, "text": texts_of(workspace.store, points, rows)})


def _csv(columns: Columns) -> bytes:
    """Return CSV in UTF-8 with the byte order mark that Excel needs, formulas escaped."""
    table = io.StringIO(newline="")
    write_rows(table, [columns, *zip(*columns.values(), strict=True)])
    return table.getvalue().encode("utf-8-sig")


def offer_files(scene: Scene) -> None:
    """Draw the download buttons; a file is made when its button is pressed."""
    name = f"{scene.collection.name}-map"
    with st.container(horizontal=True, vertical_alignment="center"):
        offer_download(
            "Page (HTML)",
            lambda: _html(scene),
            f"{name}.html",
            "text/html",
            help="One file that needs no network: it zooms, and names the document of a point.",
        )
        offer_download(
            "Coordinates (CSV)",
            lambda: _coordinates_csv(scene),
            f"{name}.csv",
            "text/csv",
            help="A line a chunk: chunk id, document, span in characters, x and y.",
        )
        st.caption("PNG and SVG: the buttons at the picture's upper right edge.", width="content")


def _html(scene: Scene) -> bytes:
    name, query = scene.points.collection, scene.map_query
    figure = base_figure(scene.points, scene.layout.xy, scene.coloring, hover=True)
    title = name if query is None else f"{name}: “{query.result.query}”"
    return map_html(with_overlay(figure, scene.overlay(), DIMMED), title).encode()


def _coordinates_csv(scene: Scene) -> bytes:
    similarities = None if scene.map_query is None else scene.map_query.similarities
    return _csv(map_columns(scene.points, scene.layout, scene.clusters, similarities))


def show_quality(points: Points, layout: Layout) -> None:
    """Draw the layout's trustworthiness and continuity, measured once for each layout."""
    st.subheader("How far to trust this picture", anchor=False)
    qualities: dict[str, LayoutQuality | None] = st.session_state.setdefault(QUALITIES, {})
    if layout.key not in qualities:
        if len(points) > MEASURED_AT_ONCE and not st.button(
            "Measure",
            icon=":material/straighten:",
            help="Compares a sample of chunks with all others, in the full space and on the map: some seconds.",
        ):
            st.caption("Trustworthiness and continuity of so many chunks take some seconds to measure.")
            return
        with st.spinner("Comparing neighbours in the full space with those on the map…", show_time=True):
            qualities[layout.key] = measure_quality(points.vectors, points.metric, layout.xy)
        while len(qualities) > MAX_QUALITIES:
            qualities.pop(next(iter(qualities)))
    quality = qualities[layout.key]
    if quality is None:
        chunks = plural(len(points), "chunk")
        st.caption(f"With {chunks} there are no neighbourhoods to compare: four chunks are the least.")
        return
    trustworthiness, continuity, words = st.columns([1, 1, 3], vertical_alignment="center")
    trustworthiness.metric(
        "Trustworthiness",
        f"{quality.trustworthiness:.3f}",
        border=True,
        help="Do neighbours on the map belong together? 0 to 1, higher is better.",
    )
    continuity.metric(
        "Continuity",
        f"{quality.continuity:.3f}",
        border=True,
        help="Does what belongs together stay together on the map? 0 to 1, higher is better.",
    )
    words.caption(quality.words)
