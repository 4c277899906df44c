"""A collection that comes from elsewhere is found complete, or not at all.

While it is filled it goes by a name of its own, beside a folder for what must be unpacked; the last
step gives it the name that was asked for. The filler holds a lock in that folder. A folder whose lock
is free was left by a process that died: whoever opens the data folder next removes what came with it.
"""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from core.errors import CollectionExists, CollectionNotFound, StoreError
from core.store._part_names import ARRIVING, chroma_name

if TYPE_CHECKING:
    from core.workspace import Workspace

FOLDER = "arriving"


@dataclass(frozen=True)
class Arrival:
    """A collection on its way in."""

    name: str  # that it shall have
    folder: Path  # for what must be unpacked; removed at the end

    @property
    def title(self) -> str:
        """The name by which it goes until it is complete."""
        return ARRIVING + self.folder.name


@contextmanager
def arrival(workspace: Workspace, name: str) -> Iterator[Arrival]:
    """Let the body make and fill the collection ``arrival.title``; then it is called ``name``, or removed if the body fails.

    Raises BadName, CollectionExists, and StoreError where the folder cannot be written.
    """
    refuse_taken(workspace, name)
    with workspace.writing():
        folder = _make_folder(workspace)
        lock = FileLock(folder / "lock", timeout=0)
        lock.acquire()
    try:
        coming = Arrival(name, folder)
        yield coming
        workspace.rename(coming.title, name)
    finally:
        with workspace.writing():
            _discard(workspace, folder)
        lock.release()
        shutil.rmtree(folder, ignore_errors=True)


def refuse_taken(workspace: Workspace, name: str) -> None:
    """Raise BadName for an impossible name, CollectionExists for one that a collection has."""
    chroma_name(name)
    if name in {collection.name for collection in workspace.store.collections()}:
        raise CollectionExists(f"There is a collection {name!r} already: choose another name or delete it first")


def remove_stranded(workspace: Workspace) -> None:
    """Remove what dead processes left half done. The caller is the only writer."""
    for folder in _folders(workspace):
        try:
            with FileLock(folder / "lock", timeout=0):
                _discard(workspace, folder)
        except Timeout:  # its filler is alive
            continue
        shutil.rmtree(folder, ignore_errors=True)


def stranded(workspace: Workspace) -> bool:
    """Whether there is anything that may have to be removed."""
    return bool(_folders(workspace))


def _folders(workspace: Workspace) -> list[Path]:
    place = workspace.settings.data / FOLDER
    return [folder for folder in place.iterdir() if folder.is_dir()] if place.is_dir() else []


def _make_folder(workspace: Workspace) -> Path:
    folder = workspace.settings.data / FOLDER / uuid.uuid4().hex
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise StoreError(f"The folder {folder} cannot be made ({error.strerror}): is the disk full, or the data folder write-protected?") from error
    return folder


def _discard(workspace: Workspace, folder: Path) -> None:
    try:
        workspace.remove(workspace.store.collection(ARRIVING + folder.name))
    except CollectionNotFound:  # it was never made, or has its own name by now
        return
