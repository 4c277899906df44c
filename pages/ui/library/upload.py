"""The upload form of the Library: files or pasted text, a collection, chunking settings with a preview, indexing."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from core.errors import LoadingError, RankscopeError
from core.loading.loader import SUPPORTED_FORMATS, table_columns
from core.loading.skipped import SkippedSource
from core.loading.sources import Upload, expand_archives, file_fingerprint
from core.loading.tables import TableOptions
from core.records.search import METRICS, ChunkSettings, Collection, CollectionOptions, Metric, OnChange, measure_name
from core.samples.library import SAMPLE_COLLECTION
from core.util.formatting import plural
from core.workspace import Workspace
from pages.ui.library.preview import choose_chunking, chunking_text, show_chunking_preview
from pages.ui.page import jobs, literal, show_error

NEW = "New collection…"
POLICIES: dict[OnChange, str] = {"replace": "replaces the old version", "keep": "is kept beside it"}
MAX_CACHED = 8  # tables whose columns stay cached


@st.fragment
def show_upload(workspace: Workspace, collections: dict[str, Collection]) -> None:
    """Draw the drop zone, the choice of collection and the preview; the button queues the indexing.

    A fragment: a moved slider draws this part of the page anew and nothing else.
    """
    st.session_state.setdefault("upload-round", 0)
    if "made-collection" in st.session_state:
        st.session_state["into"] = st.session_state.pop("made-collection")
    uploads = [_choose_columns(upload) for upload in _uploads()]
    left, right = st.columns(2, gap="large")
    with left:
        options = [*(name for name, collection in collections.items() if not collection.foreign), NEW]
        # not the samples by default: a person's own documents do not belong there
        default = next(name for name in options if name != SAMPLE_COLLECTION)
        choice = st.selectbox("Into the collection", options, key="into", index=options.index(default))
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
    options_list = _choose_settings(workspace, collections.get(choice), uploads)
    _offer_indexing(workspace, name.strip(), uploads, on_change, options_list)


def _uploads() -> list[Upload]:
    """Draw the drop zone and the field for pasted text; return what they hold."""
    number = st.session_state["upload-round"]
    files = st.file_uploader(
        f"Drop documents here: {SUPPORTED_FORMATS}", accept_multiple_files=True, key=f"files-{number}"
    )
    uploads = [Upload(file.name, file.getvalue()) for file in files]
    with st.expander("Or paste text"):
        pasted = st.text_area(
            "Text", key=f"pasted-{number}", height=160, placeholder="Paste or type here, then press Ctrl and Enter."
        )
        title = st.text_input("Its name", "pasted text", key=f"pasted-name-{number}")
    if pasted.strip():
        uploads.append(Upload(f"{title.strip() or 'pasted text'}.txt", pasted.encode("utf-8", "surrogatepass")))
    return uploads


def _choose_columns(upload: Upload) -> Upload:
    """Draw a choice of columns if the file is a table; return the upload with the columns chosen."""
    try:
        columns = _columns(upload.name, file_fingerprint(upload.name, upload.data), upload.data)
    except LoadingError:  # shown by the preview and by indexing
        return upload
    if not columns:
        return upload
    with st.expander(f"Columns of {literal(upload.name)}"):
        left, right = st.columns(2, gap="medium")
        text = left.multiselect(
            "Read as text",
            list(columns),
            key=f"text-{upload.name}",
            format_func=lambda name: columns[name],
            placeholder="every column",
            help="What is searched. Each record becomes lines of 'column: value'; "
            "a single column stands without its name.",
        )
        chosen = right.multiselect(
            "Kept as metadata",
            list(columns),
            key=f"meta-{upload.name}",
            format_func=lambda name: columns[name],
            placeholder="every column but running text",
            help="Shown with each hit, and a search can be limited by it.",
        )
    return replace(upload, tables=TableOptions(tuple(text) or None, tuple(chosen) or None))


@st.cache_data(max_entries=MAX_CACHED, show_spinner=False)
def _columns(name: str, digest: str, _data: bytes) -> dict[str, str]:  # noqa: ARG001
    """Return the columns of a table: name to name, kind and examples."""
    return {
        column.name: f"{column.name} ({column.kind}: {', '.join(column.examples[:2])[:40]})"
        for column in table_columns(name, _data)
    }


def _choose_settings(
    workspace: Workspace, existing: Collection | None, uploads: list[Upload]
) -> list[CollectionOptions]:
    """Draw the settings and the preview; return the options of each collection to index into, none if unusable."""
    model, metric = (existing.model, existing.metric) if existing else _choose_model(workspace)
    if not uploads and existing:
        return [CollectionOptions()]
    try:
        with st.spinner("Loading the model…"):
            budget = workspace.models.get(model).budget
    except RankscopeError as error:
        show_error(error)
        return []
    with st.container(border=True):
        chunkings = _choose_chunkings(existing, budget)
        if uploads and st.toggle("Show how it is cut", value=True, key="preview", persist_state="session"):
            previewed = [source for source in expand_archives(uploads) if not isinstance(source, SkippedSource)]
            show_chunking_preview(workspace, model, previewed, chunkings)
    if existing:
        return [CollectionOptions()]
    if too_long := [one for one in chunkings if one.size > budget]:
        st.caption(
            f":orange[Chunks of up to {too_long[0].size} tokens can be looked at, not indexed: "
            f"the bi-encoder reads {budget}.]"
        )
        return []
    return [
        CollectionOptions(model, metric, one.size, one.overlap, one.method, one.rows, one.percentile)
        for one in chunkings
    ]


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


def _choose_chunkings(existing: Collection | None, budget: int) -> list[ChunkSettings]:
    """Draw the chunking settings; return one way to cut, or two to compare."""
    head, switch = st.columns([3, 2], vertical_alignment="center")
    head.markdown(
        "**Cut into chunks**"
        if not existing
        else f"**Cut as this collection is:** {literal(chunking_text(existing.chunking))}"
    )
    both = switch.toggle("Compare with another way to cut", key="cut-both", persist_state="session")
    if existing:
        return [existing.chunking, *([choose_chunking("cut-b", budget, method="sentences")] if both else [])]
    if not both:
        return [choose_chunking("cut-a", budget)]
    left, right = st.columns(2, gap="large")
    with left:
        first = choose_chunking("cut-a", budget, wide=False)
    with right:
        second = choose_chunking("cut-b", budget, wide=False, method="sentences")
    return [first, second]


def _offer_indexing(
    workspace: Workspace, name: str, uploads: list[Upload], on_change: OnChange, options_list: list[CollectionOptions]
) -> None:
    ready = bool(uploads and options_list)
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
        _start(workspace, {name: options_list[0]}, uploads, on_change)
    if len(options_list) > 1 and second.button(
        "Index both ways, into two collections", disabled=not ready, icon=":material/call_split:", width="stretch"
    ):
        _start(
            workspace,
            {name: options_list[0], f"{name} B": options_list[1]} if name else {"": options_list[0]},
            uploads,
            on_change,
        )


def _start(
    workspace: Workspace, into: dict[str, CollectionOptions], uploads: list[Upload], on_change: OnChange
) -> None:
    if "" in into:
        show_error("The new collection has no name yet: type one above")
        return
    try:
        with st.spinner("Loading the model…"):
            opened = [workspace.open_or_create(name, options) for name, options in into.items()]
            for collection in opened:
                jobs().index(workspace, collection, uploads, on_change)
    except RankscopeError as error:  # the disk may be full, too
        show_error(error)
        return
    st.session_state["upload-round"] += 1  # an empty drop zone
    st.session_state["made-collection"] = st.session_state["shelf"] = opened[0].name
    st.rerun()
