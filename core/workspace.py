"""One data folder, opened: its collections, documents, judgments and models, and the lock for writing.

Writers in all processes take turns through a lock file, which is held only while something is stored, never while
models compute. Whatever a process left unfinished when it died is removed when a folder is opened.
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

from core.errors import CollectionNotFound, ModelMismatch, StoreBusy, StoreError
from core.models.bi_encoder import BiEncoder
from core.models.registry import Loader, ModelRegistry, RerankerLoader
from core.records.document import short_hash
from core.records.search import Collection, CollectionOptions, StoredDocument
from core.settings import Settings
from core.store.conversion import CHROMA_FILE, STAGING_PREFIX
from core.store.documents import DOCUMENTS_FILE, DocumentStore
from core.store.judgments import JudgmentStore
from core.store.vector_store import VectorStore

WRITE_TIMEOUT = 60.0  # seconds to wait for another writer, each of which holds the lock for a moment only
STAGING_FOLDER = "arriving"


@dataclass(frozen=True)
class StagedCollection:
    """A collection that is being filled, and not listed until it is complete."""

    name: str  # when it is complete
    folder: Path  # for temporary files; deleted at the end

    @property
    def temporary_name(self) -> str:
        """The name under which it is filled."""
        return STAGING_PREFIX + self.folder.name


@dataclass(frozen=True)
class Workspace:
    """The stores and models of one data folder: what a search or an indexing run needs."""

    settings: Settings
    store: VectorStore
    document_store: DocumentStore
    models: ModelRegistry
    judgments: JudgmentStore

    @classmethod
    def open(
        cls, settings: Settings, loader: Loader | None = None, reranker_loader: RerankerLoader | None = None
    ) -> Workspace:
        """Open the data folder and remove what is unfinished in it. Tests pass loaders that return fake models.

        Raises StoreError if the folder cannot be used.
        """
        workspace = cls(
            settings,
            VectorStore(settings.data),
            DocumentStore(settings.data / DOCUMENTS_FILE),
            ModelRegistry(settings, loader, reranker_loader),
            JudgmentStore(settings.data / DOCUMENTS_FILE),
        )
        workspace.remove_unfinished()
        return workspace

    def close(self) -> None:
        """Close all files."""
        self.document_store.close()
        self.judgments.close()
        self.store.close()

    @contextmanager
    def write_lock(self, timeout: float = WRITE_TIMEOUT) -> Iterator[None]:
        """Let nobody else write. Raises StoreBusy if another writer does not finish within ``timeout`` seconds."""
        try:
            with FileLock(self.settings.data / "rankscope.lock", timeout=timeout):
                yield
        except Timeout as error:
            raise StoreBusy(
                f"Another process is writing into {self.settings.data}: try again when it is done"
            ) from error

    def remove_unfinished(self) -> None:
        """Remove what processes left unfinished when they died; do nothing while somebody writes."""
        if not self.document_store.unfinished() and not self._staging_folders():
            return
        try:
            with self.write_lock(timeout=0):
                self._remove_unfinished_documents()
                self._remove_abandoned_collections()
        except StoreBusy:
            return

    def _remove_unfinished_documents(self) -> None:
        unfinished: dict[str, list[str]] = defaultdict(list)
        for key, document_id in self.document_store.unfinished():
            unfinished[key].append(document_id)
        collections = {collection.key: collection for collection in self.store.collections()}
        for key, document_ids in unfinished.items():
            if key in collections:
                self.store.remove_documents(collections[key], document_ids)
            self.document_store.remove(key, document_ids)

    def _remove_abandoned_collections(self) -> None:
        for folder in self._staging_folders():
            try:
                with FileLock(folder / "lock", timeout=0):
                    self._discard_staged(folder)
            except Timeout:  # the process that fills it is alive
                continue
            shutil.rmtree(folder, ignore_errors=True)

    # Collections

    def encoder(self, collection: Collection) -> BiEncoder:
        """Return the bi-encoder that ``collection`` was built with.

        Raises ModelMismatch, naming both, if the installed model is another one.
        """
        if collection.foreign or not collection.model:
            raise ModelMismatch(
                f"The collection {collection.name!r} was made by another program and does not say with which model: "
                "index its documents here to search them"
            )
        encoder = self.models.get(collection.model)
        if (encoder.revision, encoder.dimension) != (collection.revision, collection.dimension):
            raise ModelMismatch(
                f"The collection {collection.name!r} was built with {collection.model} revision {collection.revision} "
                f"({collection.dimension} dimensions), but the one here is revision {encoder.revision} "
                f"({encoder.dimension} dimensions): index its documents again"
            )
        return encoder

    def create(self, name: str, options: CollectionOptions | None = None) -> Collection:
        """Create an empty collection; by default with the model of the settings, cosine, and chunks of 200 tokens.

        Raises SettingsError for chunks longer than the model reads, BadName, CollectionExists, and ModelError if the
        model cannot be loaded.
        """
        options = options or CollectionOptions()
        encoder = self.models.get(options.model or self.settings.model)
        chunking = options.chunking(encoder.model, encoder.budget)
        with self.write_lock():
            return self.store.create(
                name,
                model=encoder.model,
                revision=encoder.revision,
                dimension=encoder.dimension,
                metric=options.metric or "cosine",
                chunking=chunking,
                query_prompt=encoder.query_prompt,
                document_prompt=encoder.document_prompt,
            )

    def open_or_create(self, name: str, options: CollectionOptions | None = None) -> Collection:
        """Return the collection ``name``, created with these options if it is missing.

        Raises SettingsMismatch if it exists with other settings than ``options``.
        """
        try:
            collection = self.store.collection(name)
        except CollectionNotFound:
            return self.create(name, options)
        (options or CollectionOptions()).check(collection)
        return collection

    def reload(self, collection: Collection) -> Collection:
        """Return a collection as it is now, perhaps under another name. Raises CollectionNotFound if it was deleted."""
        return self.collection_by_key(collection.key, collection.name)

    def collection_by_key(self, key: str, name: str) -> Collection:
        """Return the collection with that key, whose last known name is ``name``. Raises CollectionNotFound."""
        try:
            candidates = [self.store.collection(name)]
        except CollectionNotFound:
            candidates = []
        name_in_use = bool(candidates)
        if not candidates or candidates[0].key != key:
            candidates = self.store.collections()
        for collection in candidates:
            if collection.key == key:
                return collection
        raise CollectionNotFound(
            f"The collection {name!r} was deleted meanwhile"
            + (", and the one of that name is another" if name_in_use else "")
            + ": index the files again"
        )

    def check_name_is_free(self, name: str) -> None:
        """Raise BadName for an impossible collection name, CollectionExists for one in use."""
        self.store.check_name_is_free(name)

    def version(self, collection: Collection) -> str:
        """Return a text that changes whenever a searchable chunk is added, changed or deleted: a key for caches.

        Raises StoreError.
        """
        hidden = sorted(self.document_store.hidden(collection.key))
        return f"{self.store.version(collection)} {short_hash(*hidden)}"

    def rename(self, old: str, new: str) -> Collection:
        """Rename a collection; its documents, chunks and judgments stay as they are.

        Raises CollectionNotFound, CollectionExists, BadName, ForeignCollection.
        """
        with self.write_lock():
            return self.store.rename(self.store.collection(old), new)

    def delete_collection(self, name: str) -> None:
        """Delete a collection with its documents. Raises CollectionNotFound."""
        with self.write_lock():
            self._delete(self.store.collection(name))

    def _delete(self, collection: Collection) -> None:
        """Delete a collection, its documents and its own judgments. The caller has the lock."""
        self.store.delete(collection)
        self.document_store.remove(collection.key)
        self.judgments.remove(collection.key)

    def size_on_disk(self, collection: Collection) -> int:
        """Return an estimate of the bytes that ``collection`` takes on the disk, since collections share files.

        Counted are the files of its HNSW index, as far as Chroma has written them; its share, by number of chunks, of
        Chroma's database, which holds texts, metadata, their word index and the newest vectors; and its documents'
        texts, in full even if other collections have them too. Raises StoreError if the database cannot be read.
        """
        total_chunks = sum(other.chunks for other in self.store.collections())
        share = collection.chunks / total_chunks if total_chunks else 0.0
        database = sum(file.stat().st_size for file in self.settings.data.glob(f"{CHROMA_FILE}*"))
        index = sum(file.stat().st_size for folder in self.store.index_folders(collection) for file in folder.glob("*"))
        return index + round(share * database) + self.document_store.size(collection.key)

    # Documents

    def documents(self, collection: Collection) -> list[StoredDocument]:
        """Return the documents of a collection, sorted by name."""
        return self.document_store.documents(collection.key)

    def delete_documents(self, collection: Collection, document_ids: Sequence[str]) -> None:
        """Delete documents of a collection: hide them in one step, then remove their chunks."""
        with self.write_lock():
            self.document_store.finish(collection.key, [], document_ids)
            self.store.remove_documents(collection, document_ids)
            self.document_store.remove(collection.key, document_ids)

    # Staging: a collection that is filled over a longer time appears when it is complete

    @contextmanager
    def stage_collection(self, name: str) -> Iterator[StagedCollection]:
        """Let the body create and fill the collection ``temporary_name``, then rename it to ``name``.

        The collection is deleted if the body fails, and by the next process that opens the folder if this one dies.
        Raises BadName, CollectionExists, and StoreError if the folder cannot be written.
        """
        self.check_name_is_free(name)
        with self.write_lock():
            folder = self._make_staging_folder()
            lock = FileLock(folder / "lock", timeout=0)
            lock.acquire()
        try:
            staged = StagedCollection(name, folder)
            yield staged
            self.rename(staged.temporary_name, name)
        finally:
            with self.write_lock():
                self._discard_staged(folder)
            lock.release()
            shutil.rmtree(folder, ignore_errors=True)

    def _staging_folders(self) -> list[Path]:
        parent = self.settings.data / STAGING_FOLDER
        return [folder for folder in parent.iterdir() if folder.is_dir()] if parent.is_dir() else []

    def _make_staging_folder(self) -> Path:
        folder = self.settings.data / STAGING_FOLDER / uuid.uuid4().hex
        try:
            folder.mkdir(parents=True)
        except OSError as error:
            raise StoreError(
                f"The folder {folder} cannot be made ({error.strerror}): "
                "is the disk full, or the data folder write-protected?"
            ) from error
        return folder

    def _discard_staged(self, folder: Path) -> None:
        try:
            self._delete(self.store.collection(STAGING_PREFIX + folder.name))
        except CollectionNotFound:  # it was never created, or has its final name by now
            return
