"""Copies, exports and imports of whole collections: started from the Library, run one after the other."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from pathlib import Path

import streamlit as st

from core.background import BackgroundJob, JobQueue, State
from core.exchange.bundle import export_bundle
from core.exchange.copying import copy_collection
from core.exchange.importer import import_collection
from core.exchange.writer import ImportResult
from core.records.search import Collection, CollectionOptions
from core.util.formatting import file_size
from core.util.progress import ProgressReport
from core.workspace import Workspace
from pages.ui.jobs import WAITING, show_progress, watch
from pages.ui.page import show_error

EXPORTS = "exports"  # a folder in the data folder
UNWRITABLE = "The data folder cannot be written ({}): check that there is room on the disk"
CANCELLED = "Cancelled: nothing of it was kept"


class Transfer(BackgroundJob):
    """A copy, an export to ``export``, or an import of a file, which is deleted afterwards if it is ``temporary``."""

    def __init__(
        self,
        title: str,
        work: Callable[[ProgressReport], object],
        export: Path | None = None,
        temporary: Path | None = None,
    ) -> None:
        super().__init__(uuid.uuid4().hex)
        self.title = title
        self.export = export
        self.notes: tuple[str, ...] = ()  # what should be known of the imported or copied collection
        self._work = work
        self._temporary = temporary

    def run(self) -> None:
        """Do the work, which reports its progress, and keep the notes on its result."""
        result = self._work(lambda progress: self.report(progress.share))
        if isinstance(result, ImportResult):
            self.notes = result.notes

    def record_end(self, state: State, error: str) -> None:  # noqa: ARG002  however it ended
        """Delete the temporary file."""
        if self._temporary:
            self._temporary.unlink(missing_ok=True)


@st.cache_resource(show_spinner=False)
def transfers() -> JobQueue[Transfer]:
    """Return the transfers that are under way, or over and not dismissed: one queue for all visitors."""
    return JobQueue("transfers")


@st.cache_resource(show_spinner=False)
def exports_folder(data: Path) -> Path:
    """Return the folder of exports to be downloaded and uploads to be read. Raises OSError.

    The first call removes what an earlier process has left in it.
    """
    folder = data / EXPORTS
    folder.mkdir(parents=True, exist_ok=True)
    for left in folder.glob("*.zip"):
        left.unlink(missing_ok=True)
    return folder


def start_copy(workspace: Workspace, collection: Collection, name: str, options: CollectionOptions) -> None:
    """Copy a collection with other settings."""
    transfers().add(
        Transfer(
            f"Copying {collection.name} to {name}",
            lambda report: copy_collection(workspace, collection.name, name, options, report),
        )
    )


def start_export(workspace: Workspace, collection: Collection) -> None:
    """Write a collection into one file, which is in the data folder until it is dismissed. Raises OSError."""
    file = exports_folder(workspace.settings.data) / f"export-{uuid.uuid4().hex}.zip"
    transfers().add(
        Transfer(
            f"Exporting {collection.name}",
            lambda report: export_bundle(workspace, collection.name, file, report),
            export=file,
        )
    )


def start_import(workspace: Workspace, path: Path, name: str, model: str, origin: str, *, temporary: bool) -> None:
    """Import a collection from a file or folder, which is deleted afterwards if it is ``temporary``."""
    options = CollectionOptions(model=model or None)
    transfers().add(
        Transfer(
            f"Bringing in {name or path.name}",
            lambda report: import_collection(workspace, path, name or None, options, origin or None, report),
            temporary=path if temporary else None,
        )
    )


def show_transfers() -> None:
    """Draw the transfers of all visitors, oldest first."""
    if transfers().all():
        watch(lambda: transfers().all()[::-1], _draw)


def _draw(job: Transfer) -> None:
    with st.container(border=True):
        if job.active:
            text = WAITING if job.state == "waiting" else ""
            show_progress(job, text, key=f"stop-{job.key}", title=job.title)
        else:
            _draw_over(job)


def _draw_over(job: Transfer) -> None:
    text, download, dismiss = st.columns([4, 1, 1], vertical_alignment="center")
    size = f", {file_size(job.export.stat().st_size)}" if job.export and job.export.exists() else ""
    text.text(f"{job.title}: {'done' if job.state == 'done' else 'not done'}{size}")
    if job.export and size:
        download.download_button(
            "Download",
            job.export.read_bytes,
            f"{job.title.removeprefix('Exporting ')}.zip",
            "application/zip",
            icon=":material/download:",
            on_click="ignore",
            key=f"get-{job.key}",
            width="stretch",
        )
    if dismiss.button("Dismiss", key=f"drop-{job.key}", width="stretch"):
        transfers().remove(job)
        if job.export:
            job.export.unlink(missing_ok=True)
        st.rerun()
    if job.notes:
        st.text("\n".join(job.notes))
    if job.state != "done":
        show_error(CANCELLED if job.state == "cancelled" else job.error)
