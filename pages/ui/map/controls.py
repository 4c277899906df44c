"""What to draw: the collection, the method with its settings, and what the colours say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.projection import coloring as painting
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
from pages.ui.map.data import projections, true_neighbours
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
FIELD = "metadata: "
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
SENTENCES: dict[Method, str] = {
    "umap": "**UMAP** keeps neighbours together: near on the map mostly means similar, far apart means little. The empty space between islands is no measure of anything.",
    "tsne": "**t-SNE** keeps neighbours together, even more than UMAP, and says less about what lies far apart. Sizes of islands mean nothing.",
    "pca": "**PCA** is a flat shadow of the space along its two widest directions: nothing is bent, much is hidden behind one another.",
}


@dataclass(frozen=True)
class Wish:
    """What is asked for."""

    collection: Collection
    settings: LayoutSettings
    colour: str


def mend_address() -> None:
    """Bring what an address asks for into its bounds, and say so."""
    for name, (low, high) in BOUNDS.items():
        if not low <= st.session_state[name] <= high:
            show_warning(f"The address asks for {name}={st.session_state[name]}; it goes from {low} to {high:,}.")
            st.session_state[name] = min(max(st.session_state[name], low), high)
    if st.session_state["method"] not in METHODS:
        show_warning(f"There is no map by “{st.session_state['method']}”: this is UMAP.")
        st.session_state["method"] = "umap"


def choose(workspace: Workspace, collections: Mapping[str, Collection], with_colour: bool = True) -> Wish:
    """Draw the row of controls and return what they say; views with colours of their own leave that choice out."""
    one, two, three, four = st.columns([2.2, 1.6, 1.8, 1], vertical_alignment="bottom")
    name = one.selectbox("Collection", list(collections), key="collection", persist_state="session")
    method = two.segmented_control(
        "Method",
        list(METHODS),
        format_func=lambda key: METHODS[key],
        key="method",
        persist_state="session",
        required=True,
    )
    colour = _colour(workspace, collections[name], three) if with_colour else PLAIN
    with four.popover("Settings", icon=":material/tune:", width="stretch"):
        settings = _settings(method or "umap")
    return Wish(collections[name], settings, colour)


def _colour(workspace: Workspace, collection: Collection, place: DeltaGenerator) -> str:
    folders = any("/" in document.name for document in workspace.documents(collection))
    colours = [
        *([FOLDER] if folders else []),
        *COLOURS,
        *(f"{FIELD}{field.name}" for field in workspace.store.fields(collection)),
    ]
    if st.session_state["colour"] == FOLDER and not folders:  # what a first visit asks for
        st.session_state["colour"] = DOCUMENT
    if st.session_state["colour"] not in colours:
        show_warning(f"{collection.name} cannot be coloured by “{st.session_state['colour']}”: this is by document.")
        st.session_state["colour"] = DOCUMENT
    return str(place.selectbox("Colour by", colours, key="colour", persist_state="session"))


def _settings(method: Method) -> LayoutSettings:
    """The method's own settings, a sentence each; each change is a new picture, kept for the next time."""
    st.markdown(SENTENCES[method])
    values = {name: int(st.session_state[name]) for name in ("n_neighbors", "min_dist", "perplexity", "seed")}
    if method == "umap":
        values["n_neighbors"] = st.slider(
            "n_neighbors",
            2,
            200,
            key="n_neighbors",
            persist_state="session",
            help="How many nearest chunks each chunk is held together with. Few: small islands, fine detail. Many: the broad shape of the whole.",
        )
        values["min_dist"] = st.slider(
            "min_dist, in hundredths",
            0,
            100,
            key="min_dist",
            persist_state="session",
            help="How close chunks may lie on the map. Small: tight clumps, good for finding clusters. Large: spread out, good for seeing single chunks.",
        )
    if method == "tsne":
        values["perplexity"] = st.slider(
            "Perplexity",
            2,
            200,
            key="perplexity",
            persist_state="session",
            help="About how many neighbours each chunk minds. Few: fine detail. Many: the broad shape.",
        )
    if method != "pca":
        values["seed"] = st.number_input(
            "Seed",
            0,
            2**31 - 1,
            key="seed",
            persist_state="session",
            help="Where chance begins. The same seed gives the same map, every time; another shows what of it is chance: what stays is real.",
        )
    return LayoutSettings(method, values["n_neighbors"], values["min_dist"] / 100, values["perplexity"], values["seed"])


def paint(
    workspace: Workspace,
    collection: Collection,
    points: Points,
    layout: Layout,
    colour: str,
    asked: MapQuery | None,
    clusters: Clusters | None,
) -> Coloring:
    """Return the colours; where they need a query and there is none, all chunks are alike, which is said."""
    if colour == CLUSTER and clusters is not None:
        return painting.by_cluster(clusters.labels, clusters.names)
    if colour in (SIMILARITY, CROSS):
        return _by_query(points, colour, asked)
    if colour == DISTORTION:
        return painting.by_distortion(_distortion(points, layout))
    if colour.startswith(FIELD):
        values = workspace.store.field_values(collection, colour.removeprefix(FIELD))
        return painting.by_metadata_field(
            colour.removeprefix(FIELD), [values.get(chunk_id) for chunk_id in points.chunk_ids]
        )
    if colour in (DOCUMENT, FOLDER):
        return painting.by_document(points) if colour == DOCUMENT else painting.by_folder(points)
    return painting.by_length(points) if colour == LENGTH else painting.plain(points)


def _by_query(points: Points, colour: str, asked: MapQuery | None) -> Coloring:
    if asked is None:
        st.caption(f":material/info: Ask something above: then the colours say the {colour}.")
    elif colour == SIMILARITY:
        return painting.by_similarity(points.metric, asked.similarities)
    else:
        scores = {hit.chunk_id: hit.cross_score for hit in asked.result.hits if hit.cross_score is not None}
        if scores:
            return painting.by_scores(
                f"cross-encoder score of the {plural(len(scores), 'hit')} that it read (logit, higher is better)",
                points,
                scores,
            )
        st.caption(
            ":material/info: Switch on *Rerank* above: the cross-encoder scores the first hits only, and those alone get a colour."
        )
    return painting.plain(points)


def _distortion(points: Points, layout: Layout) -> Float32Array:
    """Kept for as long as nothing changes: neighbours are known already where UMAP needed them."""
    kept = st.session_state.get("map-distortion")
    if kept is None or kept[0] != layout.key:
        with st.spinner("Comparing each chunk's neighbours with those on the map…", show_time=True):
            kept = (
                layout.key,
                np.asarray(distortion(layout.xy, true_neighbours(points, NEAREST).indices, NEAREST), dtype=np.float32),
            )
        st.session_state["map-distortion"] = kept
    found: Float32Array = kept[1]
    return found


def clusters_of(points: Points, layout: Layout, wanted: bool) -> tuple[Clusters | None, ProjectionJob | None]:
    """Return the clusters of the picture, or the work in progress; neither where they are not wanted."""
    if not wanted or len(points) < 2:
        return None, None
    kept = load_clusters(projections().data, points, layout)
    return (kept, None) if kept is not None else (None, projections().request_clusters(points, layout))
