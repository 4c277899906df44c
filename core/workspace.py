"""One data folder, opened: its collections, documents and models, and who may write.

Writers of all processes take turns through a lock file, held only while something is stored, never
while models compute. Whatever a killed process left half done is removed when a folder is opened.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from filelock import FileLock, Timeout

from core._part_arrivals import remove_stranded, stranded
from core._part_wanted import Wanted
from core.errors import CollectionNotFound, ModelMismatch, StoreBusy
from core.models.bi_encoder import BiEncoder
from core.models.registry import Catalog, Loader, RerankerLoader
from core.records.search import Collection, StoredDocument
from core.settings import Settings
from core.store.documents import FILE, Shelf
from core.store.judgments import Judgments
from core.store.vector_store import Store

PATIENCE = 60.0  # seconds to wait for another writer: each holds the lock for a moment only


@dataclass(frozen=True)
class Workspace:
    """Everything that a search or an indexing run needs."""

    settings: Settings
    store: Store
    shelf: Shelf
    catalog: Catalog
    judgments: Judgments

    @classmethod
    def open(cls, settings: Settings, loader: Loader | None = None, reranker_loader: RerankerLoader | None = None) -> Workspace:
        """Open the data folder and tidy it up. The loaders load models, for tests.

        Raises StoreError where the folder cannot be used.
        """
        store = Store.open(settings.data)
        shelf = Shelf(settings.data / FILE)
        workspace = cls(settings, store, shelf, Catalog(settings, loader, reranker_loader), Judgments(settings.data / FILE))
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
            raise StoreBusy(f"Another process is writing into {self.settings.data}: try again when it is done") from error

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

    def create(self, name: str, wanted: Wanted | None = None) -> Collection:
        """Make an empty collection; what is not asked for gets the setting's model, cosine, chunks of 200 tokens.

        Raises SettingsError for chunks longer than the model reads, BadName, CollectionExists, and
        ModelError where the model cannot be loaded.
        """
        wanted = wanted or Wanted()
        encoder = self.catalog.get(wanted.model or self.settings.model)
        chunking = wanted.chunking(encoder)
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

    def open_or_create(self, name: str, wanted: Wanted | None = None) -> Collection:
        """Return the collection ``name``, made if it is missing; what is not asked for follows it, or the defaults.

        Raises SettingsMismatch if it exists with other settings than those asked for.
        """
        try:
            there = self.store.collection(name)
        except CollectionNotFound:
            return self.create(name, wanted)
        (wanted or Wanted()).check(there)
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
            f"The collection {name!r} was deleted meanwhile" + (", and the one of that name is another" if there else "") + ": index the files again"
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
