"""What another width of the search in Chroma's index (``ef_search``) would find and cost.

It is tried on a copy of the index in a temporary folder, which is the very same graph; the collection itself is only
read. Chroma takes a new ``ef_search`` when the index is loaded, so that the copy is opened anew for every value.
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from core.errors import StoreError
from core.evaluation._part_evaluation_index_check import TOP, Report, ask, checked_query, exact_search, silent
from core.records.search import Collection
from core.store._client import FILE
from core.store._part_disk import vector_folders
from core.store.vector_store import Store
from core.workspace import Workspace

WIDTHS = (10, 20, 50, 100, 200, 400, 800)


@dataclass(frozen=True, slots=True)
class Width:
    """What one ``ef_search`` gives: mean recall, and the median milliseconds of a query."""

    width: int
    recall: float
    ms: float
    own: bool = False  # the collection's


def try_widths(
    workspace: Workspace, collection: Collection, queries: Sequence[str], widths: Sequence[int] = WIDTHS, top: int = TOP, report: Report = silent
) -> list[Width]:
    """Return what each ``ef_search`` would find and cost, the collection's own among them.

    The index looks at ``top`` chunks at least, whatever the width. Raises DataError, and StoreError where there is no room for the copy.
    """
    truth = exact_search(workspace, collection, queries, top)
    hidden, own = workspace.shelf.hidden(collection.key), workspace.store.search_width(collection)
    asked = sorted({*widths, own})
    tried = []
    with _copied(workspace, collection) as folder:
        for at, width in enumerate(asked):
            report(at, len(asked))
            with closing(Store.open(folder)) as store:
                store.set_search_width(collection, width)
            with closing(Store.open(folder)) as store:
                found, ms = ask(store, collection, truth, top, hidden)
            shares = [checked_query("", ids, nearest).recall for ids, nearest in zip(found, truth.nearest, strict=True)]
            tried.append(Width(width, sum(shares) / len(shares), ms, width == own))
    report(len(asked), len(asked))
    return tried


@contextmanager
def _copied(workspace: Workspace, collection: Collection) -> Iterator[Path]:
    """A temporary folder with Chroma's database and this collection's index."""
    try:
        with tempfile.TemporaryDirectory(prefix="rankscope-index-") as place:
            with workspace.writing():  # nobody else may write meanwhile
                _copy(workspace.settings.data, Path(place), collection)
            yield Path(place)
    except (OSError, sqlite3.Error) as error:
        raise StoreError(
            f"The index of {collection.name!r} cannot be copied to try other settings ({error}): is there room in the temporary folder?"
        ) from error


def _copy(data: Path, folder: Path, collection: Collection) -> None:
    address = f"{(data / FILE).absolute().as_uri()}?mode=ro"
    with closing(sqlite3.connect(address, uri=True, timeout=30)) as source, closing(sqlite3.connect(folder / FILE)) as target:
        source.backup(target)
    for name in vector_folders(data, collection.key):
        if (data / name).is_dir():
            shutil.copytree(data / name, folder / name)
