"""A whole collection from elsewhere: an export, a data set in BEIR's layout, a folder of Chroma's."""

from __future__ import annotations

import tempfile
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

import streamlit as st

from core.background import Task
from core.errors import RankscopeError
from core.exchange.bundle import take_out
from core.exchange.copying import copy
from core.exchange.importer import bring_any
from core.records.search import METHODS, METRICS, Collection, CollectionOptions, StoredDocument, measure_name
from core.util.formatting import file_size, plural
from core.util.progress import Cancelled, Progress, Report
from core.workspace import Workspace, refuse_taken, size_on_disk
from pages.ui.library.preview import choose_cutting, in_words
from pages.ui.page import literal, show_error

NAMED = 8  # documents that the question names


@st.dialog("Delete?")
def ask_to_delete(
    workspace: Workspace, collection: Collection, documents: Sequence[StoredDocument] | None = None
) -> None:
    """Ask whether to delete documents of a collection, or the collection itself."""
    what = (
        plural(len(documents), "document")
        if documents
        else f"the collection {collection.name} with {plural(collection.chunks, 'chunk')}"
    )
    st.text(f"This deletes {what}. It cannot be undone; the files that were indexed stay where they are.")
    named = [f"· {document.name}" for document in (documents or [])[:NAMED]]
    more = len(documents or []) - len(named)
    if named:
        st.text("\n".join(named + ([f"and {more:,} more"] if more else [])))
    yes, no = st.columns(2)
    if no.button("Keep", width="stretch"):
        st.rerun()
    if yes.button("Delete", type="primary", width="stretch"):
        try:
            if documents:
                workspace.delete_documents(collection, [document.document_id for document in documents])
            else:
                workspace.delete_collection(collection.name)
        except RankscopeError as error:
            show_error(error)
            return
        st.rerun()


POLL = 1.0  # seconds
EXPORTS = "exports"  # a folder in the data folder
UNWRITABLE = "The data folder cannot be written ({}): check that there is room on the disk"


@dataclass
class Errand:
    """One piece of work; ``file`` is what an export writes, ``made`` what a copy is called."""

    title: str
    made: str = ""
    file: Path | None = None
    progress: Progress = field(default_factory=Progress)
    task: Task[object] | None = None
    stop: threading.Event = field(default_factory=threading.Event)

    @property
    def active(self) -> bool:
        """Whether it still runs."""
        return self.task is not None and self.task.active

    def begin(self, work: Callable[[Report], object]) -> None:
        """Start ``work``, which reports how far it is."""

        def all_of_it() -> Iterator[object]:
            yield work(self._hear)

        self.task = Task.start(all_of_it, 1)

    def _hear(self, progress: Progress) -> None:
        self.progress = progress
        if self.stop.is_set():
            raise Cancelled("Cancelled: nothing of it was kept")


@st.cache_resource(show_spinner=False)
def errands() -> list[Errand]:
    """Return what runs and what is done and not dismissed, one list for all visitors."""
    return []


@st.cache_resource(show_spinner=False)
def passing(data: Path) -> Path:
    """Return the folder of exports to be downloaded and uploads to be read, rid of what a process that ended has left. Raises OSError."""
    folder = data / EXPORTS
    folder.mkdir(parents=True, exist_ok=True)
    for left in folder.glob("*.zip"):
        left.unlink(missing_ok=True)
    return folder


def begin_copy(workspace: Workspace, collection: Collection, name: str, wanted: CollectionOptions) -> None:
    """Copy a collection with other settings."""
    errand = Errand(f"Copying {collection.name} to {name}", made=name)
    errands().append(errand)
    errand.begin(lambda report: copy(workspace, collection.name, name, wanted, report))


def begin_export(workspace: Workspace, collection: Collection) -> None:
    """Write a collection into one file, in a folder of its own in the data folder until it is downloaded. Raises OSError."""
    file = passing(workspace.settings.data) / f"export-{uuid.uuid4().hex}.zip"
    errand = Errand(f"Exporting {collection.name}", file=file)
    errands().append(errand)
    errand.begin(lambda report: take_out(workspace, collection.name, file, report))


def begin_import(workspace: Workspace, path: Path, name: str, model: str, origin: str, *, ours: bool) -> None:
    """Bring a whole collection in; with ``ours`` the file is a temporary one of the app's, and goes afterwards."""
    errand = Errand(f"Bringing in {name or path.name}", made=name)
    errands().append(errand)

    def bring(report: Report) -> object:
        try:
            return bring_any(
                workspace, path, name or None, CollectionOptions(model=model or None), origin or None, report
            )
        finally:
            if ours:
                path.unlink(missing_ok=True)

    errand.begin(bring)


def show_errands() -> None:
    """Draw them; while one runs they are drawn anew every second."""
    running = any(errand.active for errand in errands())
    if errands():
        st.fragment(_draw, run_every=POLL if running else None)(running)


def _draw(was_running: bool) -> None:
    for errand in list(errands()):
        with st.container(border=True):
            _draw_running(errand) if errand.active else _draw_over(errand)
    if was_running and not any(errand.active for errand in errands()):
        st.rerun()


def _draw_running(errand: Errand) -> None:
    head, button = st.columns([5, 1], vertical_alignment="center")
    head.text(errand.title)
    button.button(
        "Cancel", key=f"stop-{id(errand)}", disabled=errand.stop.is_set(), on_click=errand.stop.set, width="stretch"
    )
    st.progress(min(errand.progress.share, 1.0))


def _draw_over(errand: Errand) -> None:
    head, get, button = st.columns([4, 1, 1], vertical_alignment="center")
    failed = errand.task.error if errand.task else ""
    size = f", {file_size(errand.file.stat().st_size)}" if errand.file and errand.file.exists() else ""
    head.text(f"{errand.title}: {'not done' if failed else 'done'}{size}")
    if errand.file and size:
        name = errand.title.removeprefix("Exporting ")
        get.download_button(
            "Download",
            errand.file.read_bytes,
            f"{name}.zip",
            "application/zip",
            icon=":material/download:",
            on_click="ignore",
            key=f"get-{id(errand)}",
            width="stretch",
        )
    if button.button("Dismiss", key=f"drop-{id(errand)}", width="stretch"):
        errands().remove(errand)
        if errand.file:
            errand.file.unlink(missing_ok=True)
        st.rerun()
    if failed:
        show_error(failed)


OPENED = "shelf"  # the session's key for the collection whose documents are shown
NEXT = "shelf-next"  # the one to be shown from the next run on: a widget's own value cannot be set behind it


@st.dialog("Rename")
def ask_for_name(workspace: Workspace, collection: Collection) -> None:
    """Give a collection another name."""
    name = st.text_input("New name", collection.name, key="rename-to").strip()
    if st.button("Rename", type="primary", disabled=name == collection.name):
        try:
            renamed = workspace.rename(collection.name, name)
        except RankscopeError as error:
            show_error(error)
            return
        st.session_state[NEXT] = renamed.name
        st.rerun()


@st.dialog("Copy with other settings", width="medium")
def ask_for_copy(workspace: Workspace, collection: Collection) -> None:
    """Make a collection once more from its stored documents; nothing has to be brought again."""
    st.caption(
        f"The documents of {literal(collection.name)} are indexed once more, from the texts that are stored. Queries and judgments come along."
    )
    name = st.text_input("Name of the copy", f"{collection.name} copy", key="copy-to").strip()
    left, right = st.columns(2, gap="medium")
    model = left.text_input(
        "Bi-encoder", collection.model, key="copy-model", help="The built-in model, a folder, or a Hugging Face id."
    ).strip()
    metric = right.selectbox(
        "Similarity measure", METRICS, METRICS.index(collection.metric), format_func=measure_name, key="copy-metric"
    )
    cutting = collection.chunking
    st.caption(f"Cut now: {literal(in_words(cutting))}.")
    if st.toggle("Cut in another way", key="copy-cut"):
        try:
            with st.spinner("Loading the model…"):
                cutting = choose_cutting("copy", workspace.catalog.get(model or collection.model).budget)
        except RankscopeError as error:
            show_error(error)
            return
    other = cutting != collection.chunking
    wanted = CollectionOptions(
        model if model not in ("", collection.model) else None,
        metric if metric != collection.metric else None,
        *((cutting.size, cutting.overlap, cutting.method, cutting.rows, cutting.percentile) if other else ()),
    )
    if st.button("Copy", type="primary"):
        try:
            refuse_taken(workspace, name)
        except RankscopeError as error:
            show_error(error)
            return
        begin_copy(workspace, collection, name, wanted)
        st.rerun()


MANY = 9  # cards; more of them scroll
TALL = 640  # pixels
RENAME, COPY, EXPORT, DELETE = "Rename…", "Copy with other settings…", "Export", "Delete…"


def show_cards(workspace: Workspace, collections: Mapping[str, Collection]) -> None:
    """Draw the cards; what a menu asks for opens a dialog."""
    place = st.container(height=TALL if len(collections) > MANY else "content", border=False)
    with place, st.grid(3, min_column_width=240, gap="small"):
        for collection in collections.values():
            with st.container(border=True, key=f"card-{collection.key}"):
                _draw_card(workspace, collection)


def _draw_card(workspace: Workspace, collection: Collection) -> None:
    documents = workspace.shelf.count(collection.key)
    opened = st.session_state.get(OPENED) == collection.name
    st.html(
        card_html(
            collection,
            documents,
            _size(collection.key, workspace.version(collection), documents, workspace, collection),
            opened=opened,
        )
    )
    with st.container(horizontal=True):
        st.button(
            "Open",
            key=f"open-{collection.key}",
            disabled=opened,
            icon=":material/folder_open:",
            on_click=_open,
            args=[collection.name],
        )
        options = [DELETE] if collection.foreign else [RENAME, COPY, EXPORT, DELETE]
        asked = st.menu_button("More", options, key=f"more-{collection.key}", icon=":material/more_horiz:")
    if asked:
        _perform(workspace, collection, asked)


def _perform(workspace: Workspace, collection: Collection, asked: str) -> None:
    if asked == RENAME:
        ask_for_name(workspace, collection)
    elif asked == COPY:
        ask_for_copy(workspace, collection)
    elif asked == DELETE:
        ask_to_delete(workspace, collection)
    else:
        try:
            begin_export(workspace, collection)
        except RankscopeError as error:
            show_error(error)
            return
        except OSError as error:
            show_error(UNWRITABLE.format(error.strerror))
            return
        st.rerun()


def _open(name: str) -> None:
    st.session_state[OPENED] = name


@st.cache_data(max_entries=200, show_spinner=False)
def _size(key: str, version: str, documents: int, _workspace: Workspace, _collection: Collection) -> int | None:  # noqa: ARG001
    """How much disk a collection takes, measured again when its chunks or documents are others; None where that cannot be told."""
    try:
        return size_on_disk(_workspace, _collection)
    except RankscopeError:
        return None


def card_html(collection: Collection, documents: int, size: int | None, *, opened: bool) -> str:
    """Return a card as HTML."""
    amounts = [
        plural(documents, "document"),
        plural(collection.chunks, "chunk"),
        *([f"about {file_size(size)}"] if size is not None else []),
    ]
    lines = [" · ".join(amounts)]
    if collection.foreign:
        lines += ["made by another program"]
    else:
        chunking = collection.chunking
        lines += [
            f"{collection.model}, {collection.dimension} dimensions · {measure_name(collection.metric)}",
            f"{METHODS[chunking.method].partition(':')[0]} · at most {chunking.size} tokens, {chunking.overlap} shared",
            f"made {collection.created[:16].replace('T', ' ')} UTC",
        ]
    said = "".join(f"<div>{escape(line)}</div>" for line in lines)
    return f'<div class="rs-card{" rs-opened" if opened else ""}"><div class="rs-document" dir="auto">{escape(collection.name)}</div><div class="rs-faint">{said}</div></div>'


HELP = (
    "An export of Rankscope comes back with its vectors, to the same rankings. A BEIR data set (corpus.jsonl, queries.jsonl, qrels) is indexed and keeps "
    "its queries and judgments. A folder of Chroma's that another program made is copied, never written to."
)


def offer_import(workspace: Workspace) -> None:
    """Draw the form."""
    number = st.session_state.setdefault("import-round", 0)
    with st.expander("Bring in a whole collection: an export, a BEIR data set, a Chroma folder"):
        st.caption(HELP)
        left, right = st.columns(2, gap="large")
        file = left.file_uploader("An export or a BEIR data set as a ZIP", type=["zip"], key=f"import-file-{number}")
        place = left.text_input(
            "Or a file or folder on the machine where Rankscope runs",
            key=f"import-path-{number}",
            placeholder="/home/me/chroma",
        )
        name = right.text_input(
            "What it shall be called here", key=f"import-name-{number}", placeholder="as it was called"
        )
        model = right.text_input(
            "Model that made the vectors",
            key=f"import-model-{number}",
            placeholder="the one it names",
            help="A Chroma folder does not say which model made its vectors: name it. For a BEIR data set: the model that embeds it.",
        )
        origin = right.text_input(
            "Which collection of a Chroma folder", key=f"import-from-{number}", placeholder="the only one"
        )
        if not st.button("Bring in", icon=":material/move_to_inbox:", disabled=not (file or place.strip())):
            return
        try:
            path = _kept(workspace, file.getvalue()) if file else Path(place.strip()).expanduser()
        except OSError as error:
            show_error(UNWRITABLE.format(error.strerror))
            return
        begin_import(workspace, path, name.strip(), model.strip(), origin.strip(), ours=file is not None)
        st.session_state["import-round"] += 1  # an empty form
        st.rerun()


def _kept(workspace: Workspace, data: bytes) -> Path:
    """The upload as a file, for as long as it is read."""
    with tempfile.NamedTemporaryFile(dir=passing(workspace.settings.data), suffix=".zip", delete=False) as file:
        file.write(data)
    return Path(file.name)
