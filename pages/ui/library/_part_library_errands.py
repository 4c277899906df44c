"""Copies and exports, made in the background: for all visitors, whatever tab is closed."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import streamlit as st

from core._part_wanted import Wanted
from core.background import Task
from core.exchange.bundle import take_out
from core.exchange.copying import copy
from core.exchange.importer import bring_any
from core.records.search import Collection
from core.util.formatting import file_size
from core.util.progress import Cancelled, Progress, Report
from core.workspace import Workspace
from pages.ui._part_notices import show_error

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


def begin_copy(workspace: Workspace, collection: Collection, name: str, wanted: Wanted) -> None:
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
            return bring_any(workspace, path, name or None, Wanted(model=model or None), origin or None, report)
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
    button.button("Cancel", key=f"stop-{id(errand)}", disabled=errand.stop.is_set(), on_click=errand.stop.set, width="stretch")
    st.progress(min(errand.progress.share, 1.0))


def _draw_over(errand: Errand) -> None:
    head, get, button = st.columns([4, 1, 1], vertical_alignment="center")
    failed = errand.task.error if errand.task else ""
    size = f", {file_size(errand.file.stat().st_size)}" if errand.file and errand.file.exists() else ""
    head.text(f"{errand.title}: {'not done' if failed else 'done'}{size}")
    if errand.file and size:
        name = errand.title.removeprefix("Exporting ")
        get.download_button("Download", errand.file.read_bytes, f"{name}.zip", "application/zip", icon=":material/download:", on_click="ignore", key=f"get-{id(errand)}", width="stretch")
    if button.button("Dismiss", key=f"drop-{id(errand)}", width="stretch"):
        errands().remove(errand)
        if errand.file:
            errand.file.unlink(missing_ok=True)
        st.rerun()
    if failed:
        show_error(failed)
