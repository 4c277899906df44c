"""What other programs keep in Chroma: looked at in a copy of their folder, never written to."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from core.errors import CollectionNotFound, ExchangeError, SettingsError
from core.records.search import Collection, Metric
from core.store._client import FILE
from core.store.vector_store import Store


@dataclass(frozen=True, slots=True)
class Listed:
    """A collection in a folder of Chroma's; ``dimension`` is 0 for an empty one."""

    name: str
    chunks: int
    dimension: int
    metric: Metric
    stated_model: str  # the embedding function that its program noted, empty where it noted none
    ours: bool  # made by Rankscope

    def as_json(self) -> dict[str, object]:
        """Return a plain dictionary for ``--json``."""
        return asdict(self)

    @property
    def line(self) -> str:
        """One line that says it all."""
        made = ", made by Rankscope" if self.ours else f", embedded with {self.stated_model}" if self.stated_model else ""
        return f"{self.name}: {self.chunks:,} chunks, {self.dimension} dimensions, {self.metric}{made}"


def is_chroma(path: Path) -> bool:
    """Whether a folder is Chroma's."""
    return (path / FILE).is_file()


@contextmanager
def open_foreign(folder: Path) -> Iterator[Store]:
    """Open a copy of Chroma's ``folder``, which itself stays as it is.

    Raises ExchangeError where it cannot be copied, StoreError where Chroma cannot read it.
    """
    with tempfile.TemporaryDirectory(prefix="rankscope-") as place:
        copy = Path(place) / "chroma"
        try:
            _copy(folder, copy)
        except (OSError, shutil.Error) as error:
            raise ExchangeError(f"{folder} cannot be copied to look into it ({error}): is there room on the disk, and may you read it?") from error
        store = Store.open(copy)
        try:
            yield store
        finally:
            store.close()


def _copy(folder: Path, copy: Path) -> None:
    """Chroma's database with its journal, and the folders of its vectors."""
    copy.mkdir()
    for file in folder.glob(f"{FILE}*"):
        shutil.copyfile(file, copy / file.name)
    for vectors in folder.iterdir():
        if (vectors / "header.bin").is_file():
            shutil.copytree(vectors, copy / vectors.name, copy_function=shutil.copyfile)


def listed(store: Store, collection: Collection) -> Listed:
    """Return what can be told of a collection before it is brought in."""
    dimension = store.first(collection).vectors.shape[1]
    return Listed(collection.name, collection.chunks, dimension, collection.metric, store.stated_model(collection), not collection.foreign)


def choose(about: str, store: Store, name: str | None) -> Collection:
    """Return the collection ``name`` of a foreign folder, for None the only one that there is.

    Raises CollectionNotFound; SettingsError, with what there is, where one must be named; and ExchangeError for one
    that was made by Rankscope, which has more to it than Chroma holds.
    """
    there = store.collections()
    choices = "; ".join(listed(store, collection).line for collection in there) or "nothing"
    if name is None and len(there) > 1:
        raise SettingsError(f"{about} holds {len(there)} collections: choose one with --from. There are {choices}")
    found = next((collection for collection in there if name in (None, collection.name)), None)
    if found is None:
        raise CollectionNotFound(f"{about} holds no collection {name!r}: there is {choices}" if name else f"{about} holds no collections")
    if not found.foreign:
        raise ExchangeError(f"{about}: {found.name!r} was made by Rankscope. Export it there with 'python -m core export', and import that file")
    return found
