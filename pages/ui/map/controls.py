"""The map's controls: the collection, the layout method with its settings, and the colours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.projection import coloring
from core.projection.cache import load_clusters
from core.projection.clusters import Clusters
from core.projection.coloring import Coloring
from core.projection.jobs import ProjectionJob
from core.projection.quality import distortion
from core.projection.query import NEAREST, MapQuery
from core.projection.records import METHODS, Layout, LayoutSettings, Method, Points
from core.records.search import Collection
from core.util.arrays import Float32Array
from core.util.formatting import plural
from core.workspace import Workspace
from pages.ui.map.data import cached_in_session, projections, true_neighbours
from pages.ui.page import show_warning
from pages.ui.url_state import Value

PLAIN, FOLDER, DOCUMENT, CLUSTER, SIMILARITY, CROSS, LENGTH, DISTORTION = (
    "nothing",
    "folder",
    "document",
    "cluster",
    "similarity to the query",
    "cross-encoder score",
    "length",
    "distortion",
)
COLOURS = (DOCUMENT, CLUSTER, SIMILARITY, CROSS, LENGTH, DISTORTION, PLAIN)
FIELD_PREFIX = "metadata: "
PARAMETERS: dict[str, Value] = {
    "method": "umap",
    "n_neighbors": 15,
    "min_dist": 10,
    "perplexity": 30,
    "seed": 42,
    "colour": FOLDER,
    "hits": 10,
    "rerank": False,
    "pool": 50,
}
BOUNDS = {
    "n_neighbors": (2, 200),
    "min_dist": (0, 100),
    "perplexity": (2, 200),
    "seed": (0, 2**31 - 1),
    "hits": (1, 50),
    "pool": (1, 1000),
}
METHOD_NOTES: dict[Method, str] = {
    "umap": "**UMAP** keeps neighbours together: near on the map mostly means similar, far apart means little. "
    "The empty space between islands is no measure of anything.",
    "tsne": "**t-SNE** keeps neighbours together, even more than UMAP, and says less about what lies far apart. "
    "Sizes of islands mean nothing.",
    "pca": "**PCA** is a flat shadow of the space along its two widest directions: nothing is bent, much is hidden "
    "behind one another.",
}


@dataclass(frozen=True)
class MapChoice:
    """What is chosen in the controls."""

    collection: Collection
    settings: LayoutSettings
    colour: str


def clamp_parameters() -> None:
    """Bring the URL's parameters into their bounds; show a warning for each that was outside."""
    for name, (low, high) in BOUNDS.items():
        if not low <= st.session_state[name] <= high:
            show_warning(f"The address asks for {name}={st.session_state[name]}; it goes from {low} to {high:,}.")
            st.session_state[name] = min(max(st.session_state[name], low), high)
    if st.session_state["method"] not in METHODS:
        show_warning(f"There is no map by “{st.session_state['method']}”: this is UMAP.")
        st.session_state["method"] = "umap"


def choose(workspace: Workspace, collections: Mapping[str, Collection], with_colour: bool = True) -> MapChoice:
    """Draw the row of controls and return what is chosen; views with colours of their own leave that choice out."""
    for_name, for_method, for_colour, for_settings = st.columns([2.2, 1.6, 1.8, 1], vertical_alignment="bottom")
    name = for_name.selectbox("Collection", list(collections), key="collection", persist_state="session")
    method = for_method.segmented_control(
        "Method",
        list(METHODS),
        format_func=lambda key: METHODS[key],
        key="method",
        persist_state="session",
        required=True,
    )
    colour = _choose_colour(workspace, collections[name], for_colour) if with_colour else PLAIN
    with for_settings.popover("Settings", icon=":material/tune:", width="stretch"):
        settings = _choose_settings(method or "umap")
    return MapChoice(collections[name], settings, colour)


def _choose_colour(workspace: Workspace, collection: Collection, place: DeltaGenerator) -> str:
    folders = any("/" in document.name for document in workspace.documents(collection))
    fields = [f"{FIELD_PREFIX}{field.name}" for field in workspace.store.fields(collection)]
    colours = [*([FOLDER] if folders else []), *COLOURS, *fields]
    if st.session_state["colour"] == FOLDER and not folders:  # the default
        st.session_state["colour"] = DOCUMENT
    if st.session_state["colour"] not in colours:
        show_warning(f"{collection.name} cannot be coloured by “{st.session_state['colour']}”: this is by document.")
        st.session_state["colour"] = DOCUMENT
    return str(place.selectbox("Colour by", colours, key="colour", persist_state="session"))


def _choose_settings(method: Method) -> LayoutSettings:
    """Draw the settings of a method, each with a sentence on what it does, and return them."""
    st.markdown(METHOD_NOTES[method])
    values = {name: int(st.session_state[name]) for name in ("n_neighbors", "min_dist", "perplexity", "seed")}
    if method == "umap":
        values["n_neighbors"] = _slider(
            "n_neighbors",
            "n_neighbors",
            "How many nearest chunks each chunk is held together with. Few: small islands, fine detail. "
            "Many: the broad shape of the whole.",
        )
        values["min_dist"] = _slider(
            "min_dist, in hundredths",
            "min_dist",
            "How close chunks may lie on the map. Small: tight clumps, good for finding clusters. "
            "Large: spread out, good for seeing single chunks.",
        )
    if method == "tsne":
        values["perplexity"] = _slider(
            "Perplexity",
            "perplexity",
            "About how many neighbours each chunk minds. Few: fine detail. Many: the broad shape.",
        )
    if method != "pca":
        values["seed"] = st.number_input(
            "Seed",
            *BOUNDS["seed"],
            key="seed",
            persist_state="session",
            help="Where chance begins. The same seed gives the same map, every time; another shows what of it is "
            "chance: what stays is real.",
        )
    return LayoutSettings(method, values["n_neighbors"], values["min_dist"] / 100, values["perplexity"], values["seed"])


def _slider(label: str, key: str, note: str) -> int:
    return st.slider(label, *BOUNDS[key], key=key, persist_state="session", help=note)


def color_points(
    workspace: Workspace,
    collection: Collection,
    points: Points,
    layout: Layout,
    colour: str,
    map_query: MapQuery | None,
    clusters: Clusters | None,
) -> Coloring:
    """Return the colours; where they need a query and there is none, all chunks are alike and a note says so."""
    if colour == CLUSTER and clusters is not None:
        return coloring.by_cluster(clusters.labels, clusters.names)
    if colour in (SIMILARITY, CROSS):
        return _color_by_query(points, colour, map_query)
    if colour == DISTORTION:
        shares = cached_in_session("map-distortion", layout.key, lambda: _distortion(points, layout))
        return coloring.by_distortion(shares)
    if colour.startswith(FIELD_PREFIX):
        name = colour.removeprefix(FIELD_PREFIX)
        values = workspace.store.field_values(collection, name)
        return coloring.by_metadata_field(name, [values.get(chunk_id) for chunk_id in points.chunk_ids])
    if colour in (DOCUMENT, FOLDER):
        return coloring.by_document(points) if colour == DOCUMENT else coloring.by_folder(points)
    return coloring.by_length(points) if colour == LENGTH else coloring.plain(points)


def _color_by_query(points: Points, colour: str, map_query: MapQuery | None) -> Coloring:
    if map_query is None:
        st.caption(f":material/info: Ask something above: then the colours say the {colour}.")
    elif colour == SIMILARITY:
        return coloring.by_similarity(points.metric, map_query.similarities)
    else:
        scores = {hit.chunk_id: hit.cross_score for hit in map_query.result.hits if hit.cross_score is not None}
        if scores:
            hits = plural(len(scores), "hit")
            title = f"cross-encoder score of the {hits} that it read (logit, higher is better)"
            return coloring.by_scores(title, points, scores)
        st.caption(
            ":material/info: Switch on *Rerank* above: the cross-encoder scores the first hits only, and those alone "
            "get a colour."
        )
    return coloring.plain(points)


def _distortion(points: Points, layout: Layout) -> Float32Array:
    with st.spinner("Comparing each chunk's neighbours with those on the map…", show_time=True):
        neighbours = true_neighbours(points, NEAREST).indices
        return distortion(layout.xy, neighbours, NEAREST, points.vectors, points.metric)


def open_clusters(points: Points, layout: Layout) -> tuple[Clusters | None, ProjectionJob | None]:
    """Return the clusters of a layout, or the job that computes them; neither for fewer than two chunks."""
    if len(points) < 2:
        return None, None
    clusters = load_clusters(projections().data, points, layout)
    return (clusters, None) if clusters is not None else (None, projections().request_clusters(points, layout))
