"""Files from the browser into a collection: brought, looked at, then indexed."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from core.errors import LoadingError, RankscopeError
from core.loading.loader import KINDS, table_columns
from core.loading.sources import Upload, expanded, file_print
from core.loading.tables import TableOptions
from core.records.search import METRICS, ChunkSettings, Collection, CollectionOptions, Metric, OnChange, measure_name
from core.samples.library import SAMPLE_COLLECTION
from core.util.formatting import plural
from core.workspace import Workspace
from pages.ui.library.preview import choose_cutting, in_words, show_preview
from pages.ui.page import jobs, literal, show_error

READ_AGAIN = 8  # tables whose columns stay known


@st.cache_data(max_entries=READ_AGAIN, show_spinner=False)
def _columns(name: str, digest: str, _data: bytes) -> dict[str, str]:  # noqa: ARG001
    """Column name to what is said of it."""
    return {
        column.name: f"{column.name} ({column.kind}: {', '.join(column.examples[:2])[:40]})"
        for column in table_columns(name, _data)
    }


def choose_columns(uploads: list[Upload]) -> list[Upload]:
    """Draw a choice of columns for each table among ``uploads``; return them with what was chosen."""
    return [_choose(upload) for upload in uploads]


def _choose(upload: Upload) -> Upload:
    try:
        said = _columns(upload.name, file_print(upload.name, upload.data), upload.data)
    except LoadingError:  # said when it is looked at or indexed
        return upload
    if not said:
        return upload
    with st.expander(f"Columns of {literal(upload.name)}"):
        left, right = st.columns(2, gap="medium")
        text = left.multiselect(
            "Read as text",
            list(said),
            key=f"text-{upload.name}",
            format_func=lambda name: said[name],
            placeholder="every column",
            help="What is searched. Each record becomes lines of 'column: value'; a single column stands without its name.",
        )
        chosen = right.multiselect(
            "Kept as metadata",
            list(said),
            key=f"meta-{upload.name}",
            format_func=lambda name: said[name],
            placeholder="every column but running text",
            help="Shown with each hit, and a search can be limited by it.",
        )
    return replace(upload, tables=TableOptions(tuple(text) or None, tuple(chosen) or None))


NEW = "New collection…"
POLICIES: dict[OnChange, str] = {"replace": "replaces the old version", "keep": "is kept beside it"}


@st.fragment
def show_upload(workspace: Workspace, collections: dict[str, Collection]) -> None:
    """Draw the drop zone, the choice of collection and the preview; the button queues the indexing.

    A fragment: a moved slider draws this part of the page anew and nothing else.
    """
    st.session_state.setdefault("upload-round", 0)
    if "made-collection" in st.session_state:
        st.session_state["into"] = st.session_state.pop("made-collection")
    uploads = choose_columns(_brought())
    left, right = st.columns(2, gap="large")
    with left:
        own = [name for name, collection in collections.items() if not collection.foreign]
        # own documents do not belong among the samples
        usual = next((name for name in own if name != SAMPLE_COLLECTION), NEW)
        choice = st.selectbox("Into the collection", [*own, NEW], key="into", index=[*own, NEW].index(usual))
        name = (
            st.text_input("Name of the new collection", key="new-name", placeholder="For example: manuals")
            if choice == NEW
            else choice
        )
    with right:
        on_change = st.radio(
            "A changed file of the same name",
            list(POLICIES),
            format_func=lambda policy: POLICIES[policy],
            horizontal=True,
            key="policy",
        )
    wanted = _choose_settings(workspace, collections.get(choice), uploads)
    _offer_indexing(workspace, name.strip(), uploads, on_change, wanted)


def _brought() -> list[Upload]:
    """What was dropped, and what was pasted."""
    number = st.session_state["upload-round"]
    files = st.file_uploader(f"Drop documents here: {KINDS}", accept_multiple_files=True, key=f"files-{number}")
    uploads = [Upload(file.name, file.getvalue()) for file in files]
    with st.expander("Or paste text"):
        pasted = st.text_area(
            "Text", key=f"pasted-{number}", height=160, placeholder="Paste or type here, then press Ctrl and Enter."
        )
        title = st.text_input("Its name", "pasted text", key=f"pasted-name-{number}")
    if pasted.strip():
        uploads.append(Upload(f"{title.strip() or 'pasted text'}.txt", pasted.encode("utf-8", "surrogatepass")))
    return uploads


def _choose_settings(workspace: Workspace, there: Collection | None, uploads: list[Upload]) -> list[CollectionOptions]:
    """Draw the settings and the preview; return what is asked for, one for each collection that is to be filled."""
    model, metric = (there.model, there.metric) if there else _choose_model(workspace)
    if not uploads and there:
        return [CollectionOptions()]
    try:
        with st.spinner("Loading the model…"):
            budget = workspace.catalog.get(model).budget
    except RankscopeError as error:
        show_error(error)
        return []
    with st.container(border=True):
        cuttings = _choose_cuttings(there, budget)
        if uploads and st.toggle("Show how it is cut", value=True, key="preview", persist_state="session"):
            show_preview(workspace, model, list(expanded(uploads)), cuttings)
    too_long = [cutting for cutting in cuttings if cutting.size > budget and not there]
    if too_long:
        st.caption(
            f":orange[Chunks of up to {too_long[0].size} tokens can be looked at, not indexed: the bi-encoder reads {budget}.]"
        )
        return []
    return [CollectionOptions()] if there else [_wanted(model, metric, cutting) for cutting in cuttings]


def _choose_model(workspace: Workspace) -> tuple[str, Metric]:
    first, second = st.columns(2, gap="large")
    model = first.text_input(
        "Bi-encoder",
        workspace.settings.model,
        key="new-model",
        help="The built-in model, a folder, or a Hugging Face id. Fixed once the collection is made.",
    )
    metric = second.selectbox(
        "Similarity measure",
        METRICS,
        format_func=measure_name,
        key="new-metric",
        help="Cosine compares directions only and suits nearly every model. Fixed once the collection is made.",
    )
    return model.strip() or workspace.settings.model, metric


def _choose_cuttings(there: Collection | None, budget: int) -> list[ChunkSettings]:
    """One way to cut, or two side by side."""
    head, switch = st.columns([3, 2], vertical_alignment="center")
    head.markdown(
        "**Cut into chunks**" if not there else f"**Cut as this collection is:** {literal(in_words(there.chunking))}"
    )
    both = switch.toggle("Compare with another way to cut", key="cut-both", persist_state="session")
    if there:
        return [there.chunking, *([choose_cutting("cut-b", budget, method="sentences")] if both else [])]
    if not both:
        return [choose_cutting("cut-a", budget)]
    left, right = st.columns(2, gap="large")
    with left:
        first = choose_cutting("cut-a", budget, wide=False)
    with right:
        second = choose_cutting("cut-b", budget, wide=False, method="sentences")
    return [first, second]


def _wanted(model: str, metric: Metric, cutting: ChunkSettings) -> CollectionOptions:
    return CollectionOptions(
        model, metric, cutting.size, cutting.overlap, cutting.method, cutting.rows, cutting.percentile
    )


def _offer_indexing(
    workspace: Workspace, name: str, uploads: list[Upload], on_change: OnChange, wanted: list[CollectionOptions]
) -> None:
    ready = bool(uploads and wanted)
    label = f"Index {plural(len(uploads), 'file')}" if uploads else "Index"
    first, second, _ = st.columns([2, 3, 5])
    if first.button(
        label,
        type="primary",
        disabled=not ready,
        icon=":material/input:",
        help=None if uploads else "Drop files first.",
        width="stretch",
    ):
        _start(workspace, {name: wanted[0]}, uploads, on_change)
    if len(wanted) > 1 and second.button(
        "Index both ways, into two collections", disabled=not ready, icon=":material/call_split:", width="stretch"
    ):
        _start(workspace, {name: wanted[0], f"{name} B": wanted[1]} if name else {"": wanted[0]}, uploads, on_change)


def _start(
    workspace: Workspace, into: dict[str, CollectionOptions], uploads: list[Upload], on_change: OnChange
) -> None:
    if "" in into:
        show_error("The new collection has no name yet: type one above")
        return
    try:
        with st.spinner("Loading the model…"):
            made = [workspace.open_or_create(name, wanted) for name, wanted in into.items()]
            for collection in made:
                jobs().index(workspace, collection, uploads, on_change)
    except RankscopeError as error:  # the disk may be full, too
        show_error(error)
        return
    st.session_state["upload-round"] += 1  # an empty drop zone
    st.session_state["made-collection"] = st.session_state["shelf"] = made[0].name
    st.rerun()
