"""One data folder, opened: its collections, documents and models, and who may write.

Writers of all processes take turns through a lock file, held only while something is stored, never
while models compute. Whatever a killed process left half done is removed when a folder is opened.
"""

from __future__ import annotations

import shutil
import uuid
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from core.errors import CollectionExists, CollectionNotFound, ModelMismatch, StoreBusy, StoreError
from core.models.bi_encoder import BiEncoder
from core.models.registry import Loader, ModelRegistry, RerankerLoader
from core.records.document import short_hash
from core.records.search import Collection, CollectionOptions, StoredDocument
from core.settings import Settings
from core.store.conversion import ARRIVING, CHROMA_FILE, chroma_name
from core.store.documents import DOCUMENTS_FILE, DocumentStore
from core.store.judgments import JudgmentStore
from core.store.vector_store import VectorStore, vector_folders

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
        raise StoreError(
            f"The folder {folder} cannot be made ({error.strerror}): is the disk full, or the data folder write-protected?"
        ) from error
    return folder


def _discard(workspace: Workspace, folder: Path) -> None:
    try:
        workspace.remove(workspace.store.collection(ARRIVING + folder.name))
    except CollectionNotFound:  # it was never made, or has its own name by now
        return


PATIENCE = 60.0  # seconds to wait for another writer: each holds the lock for a moment only


@dataclass(frozen=True)
class Workspace:
    """Everything that a search or an indexing run needs."""

    settings: Settings
    store: VectorStore
    shelf: DocumentStore
    catalog: ModelRegistry
    judgments: JudgmentStore

    @classmethod
    def open(
        cls, settings: Settings, loader: Loader | None = None, reranker_loader: RerankerLoader | None = None
    ) -> Workspace:
        """Open the data folder and tidy it up. The loaders load models, for tests.

        Raises StoreError where the folder cannot be used.
        """
        store = VectorStore.open(settings.data)
        shelf = DocumentStore(settings.data / DOCUMENTS_FILE)
        workspace = cls(
            settings,
            store,
            shelf,
            ModelRegistry(settings, loader, reranker_loader),
            JudgmentStore(settings.data / DOCUMENTS_FILE),
        )
        workspace.tidy()
        return workspace

    def close(self) -> None:
        """Let go of the files."""
        self.shelf.close()
        self.judgments.close()
        self.store.close()

    @contextmanager
    def writing(self, patience: float = PATIENCE) -> Iterator[None]:
        """Be the only writer. Raises StoreBusy if another one does not finish within ``patience`` seconds."""
        try:
            with FileLock(self.settings.data / "rankscope.lock", timeout=patience):
                yield
        except Timeout as error:
            raise StoreBusy(
                f"Another process is writing into {self.settings.data}: try again when it is done"
            ) from error

    def tidy(self) -> None:
        """Remove what was half done when a process died; leave it if a writer is at work right now."""
        if not self.shelf.unfinished() and not stranded(self):
            return
        try:
            with self.writing(patience=0):
                self._remove_unfinished()
                remove_stranded(self)
        except StoreBusy:
            return

    def _remove_unfinished(self) -> None:
        half_done: dict[str, list[str]] = defaultdict(list)
        for key, document_id in self.shelf.unfinished():
            half_done[key].append(document_id)
        there = {collection.key: collection for collection in self.store.collections()}
        for key, document_ids in half_done.items():
            if key in there:
                self.store.remove_documents(there[key], document_ids)
            self.shelf.forget(key, document_ids)

    def version(self, collection: Collection) -> str:
        """Return a text that changes whenever a chunk that can be found comes, changes or goes: the key of a cache.

        Raises StoreError.
        """
        hidden = sorted(self.shelf.hidden(collection.key))
        return f"{self.store.version(collection)} {short_hash(*hidden)}"

    def encoder(self, collection: Collection) -> BiEncoder:
        """Return the bi-encoder that ``collection`` was built with.

        Raises ModelMismatch, naming both, if the model to be had is another one.
        """
        if collection.foreign or not collection.model:
            raise ModelMismatch(
                f"The collection {collection.name!r} was made by another program and does not say with which model: "
                "index its documents here to search them"
            )
        encoder = self.catalog.get(collection.model)
        ours, theirs = (encoder.revision, encoder.dimension), (collection.revision, collection.dimension)
        if ours != theirs:
            raise ModelMismatch(
                f"The collection {collection.name!r} was built with {collection.model} revision {theirs[0]} "
                f"({theirs[1]} dimensions), but the one here is revision {ours[0]} ({ours[1]} dimensions): "
                "index its documents again"
            )
        return encoder

    def create(self, name: str, wanted: CollectionOptions | None = None) -> Collection:
        """Make an empty collection; what is not asked for gets the setting's model, cosine, chunks of 200 tokens.

        Raises SettingsError for chunks longer than the model reads, BadName, CollectionExists, and
        ModelError where the model cannot be loaded.
        """
        wanted = wanted or CollectionOptions()
        encoder = self.catalog.get(wanted.model or self.settings.model)
        chunking = wanted.chunking(encoder.model, encoder.budget)
        with self.writing():
            return self.store.create(
                name,
                model=encoder.model,
                revision=encoder.revision,
                dimension=encoder.dimension,
                metric=wanted.metric or "cosine",
                chunking=chunking,
                query_prompt=encoder.query_prompt,
                document_prompt=encoder.document_prompt,
            )

    def open_or_create(self, name: str, wanted: CollectionOptions | None = None) -> Collection:
        """Return the collection ``name``, made if it is missing; what is not asked for follows it, or the defaults.

        Raises SettingsMismatch if it exists with other settings than those asked for.
        """
        try:
            there = self.store.collection(name)
        except CollectionNotFound:
            return self.create(name, wanted)
        (wanted or CollectionOptions()).check(there)
        return there

    def current(self, collection: Collection) -> Collection:
        """Return a collection as it is now, which may be under another name. Raises CollectionNotFound if it was deleted."""
        return self.by_key(collection.key, collection.name)

    def by_key(self, key: str, name: str) -> Collection:
        """Return the collection of that key, which was called ``name`` when it was last seen. Raises CollectionNotFound."""
        try:
            there = [self.store.collection(name)]
        except CollectionNotFound:
            there = []
        for collection in there if there and there[0].key == key else self.store.collections():
            if collection.key == key:
                return collection
        raise CollectionNotFound(
            f"The collection {name!r} was deleted meanwhile"
            + (", and the one of that name is another" if there else "")
            + ": index the files again"
        )

    def documents(self, collection: Collection) -> list[StoredDocument]:
        """Return the documents of a collection, sorted by name."""
        return self.shelf.documents(collection.key)

    def delete_collection(self, name: str) -> None:
        """Delete a collection with its documents. Raises CollectionNotFound."""
        with self.writing():
            self.remove(self.store.collection(name))

    def remove(self, collection: Collection) -> None:
        """Delete a collection with its documents and the judgments that are its own. The caller is the only writer."""
        self.store.delete(collection)
        self.shelf.forget(collection.key)
        self.judgments.forget(collection.key)

    def rename(self, old: str, new: str) -> Collection:
        """Give a collection another name; documents, chunks and judgments stay as they are.

        Raises CollectionNotFound, CollectionExists, BadName, ForeignCollection.
        """
        with self.writing():
            return self.store.rename(self.store.collection(old), new)

    def delete_documents(self, collection: Collection, document_ids: Sequence[str]) -> None:
        """Delete documents of a collection: out of sight in one step, then removed."""
        with self.writing():
            self.shelf.finish(collection.key, [], document_ids)
            self.store.remove_documents(collection, document_ids)
            self.shelf.forget(collection.key, document_ids)


def size_on_disk(workspace: Workspace, collection: Collection) -> int:
    """Return the bytes that ``collection`` takes: an estimate, since collections share files.

    Its vectors' own files, where Chroma has written them yet; its share by chunks of Chroma's database, which holds texts,
    metadata, their word index and the newest vectors; and its documents' texts. A text that several collections hold
    counts in each. Raises StoreError where Chroma's database cannot be read.
    """
    folder = workspace.settings.data
    everything = sum(other.chunks for other in workspace.store.collections())
    share = collection.chunks / everything if everything else 0.0
    database = sum(file.stat().st_size for file in folder.glob(f"{CHROMA_FILE}*"))
    vectors = sum(
        file.stat().st_size for name in vector_folders(folder, collection.key) for file in (folder / name).glob("*")
    )
    return vectors + round(share * database) + workspace.shelf.size(collection.key)
