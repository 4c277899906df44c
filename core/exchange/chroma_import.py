"""Import chunks and vectors from a Chroma collection that another program made.

Such a collection stores no documents. The chunks whose metadata name the same source are joined with blank lines
into one document; a chunk without a source becomes a document of its own.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from core.errors import CollectionNotFound, ExchangeError, ModelMismatch, SettingsError
from core.exchange.writer import CollectionWriter, ImportProgress, ImportResult, group_by_chunks
from core.models.bi_encoder import BiEncoder
from core.records.document import Document, Metadata, Value
from core.records.search import Chunk, Collection, Metric
from core.store.conversion import CHROMA_FILE, Batch
from core.store.documents import Entry
from core.store.vector_store import VectorStore
from core.util.formatting import plural
from core.util.progress import ProgressReport, silent
from core.vectors.similarity import pairwise_similarity
from core.workspace import Workspace


@dataclass(frozen=True, slots=True)
class ChromaCollectionInfo:
    """A collection in a Chroma folder; ``dimension`` is 0 for an empty one."""

    name: str
    chunks: int
    dimension: int
    metric: Metric
    stated_model: str  # the embedding function recorded by its program, or empty
    ours: bool  # made by Rankscope

    def as_json(self) -> dict[str, object]:
        """Return a plain dictionary for ``--json``."""
        return asdict(self)

    @property
    def line(self) -> str:
        """Return a one-line description."""
        origin = (
            ", made by Rankscope" if self.ours else f", embedded with {self.stated_model}" if self.stated_model else ""
        )
        return f"{self.name}: {self.chunks:,} chunks, {self.dimension} dimensions, {self.metric}{origin}"


def is_chroma_folder(path: Path) -> bool:
    """Return whether ``path`` is a folder with a Chroma database."""
    return (path / CHROMA_FILE).is_file()


@contextmanager
def open_chroma_copy(folder: Path) -> Iterator[VectorStore]:
    """Open a temporary copy of the Chroma folder ``folder``, so that Chroma does not change the original.

    Raises ExchangeError if it cannot be copied, and StoreError if Chroma cannot read it.
    """
    with tempfile.TemporaryDirectory(prefix="rankscope-") as temporary:
        copy = Path(temporary) / "chroma"
        try:
            _copy_chroma_files(folder, copy)
        except (OSError, shutil.Error) as error:
            raise ExchangeError(
                f"{folder} cannot be copied to look into it ({error}): is there room on the disk, and may you read it?"
            ) from error
        store = VectorStore(copy)
        try:
            yield store
        finally:
            store.close()


def _copy_chroma_files(folder: Path, copy: Path) -> None:
    """Copy Chroma's database with its journal, and the folders of its vector indexes."""
    copy.mkdir()
    for file in folder.glob(f"{CHROMA_FILE}*"):
        shutil.copyfile(file, copy / file.name)
    for index in folder.iterdir():
        if (index / "header.bin").is_file():
            shutil.copytree(index, copy / index.name, copy_function=shutil.copyfile)


def collection_info(store: VectorStore, collection: Collection) -> ChromaCollectionInfo:
    """Return a summary of a collection that is not imported yet."""
    dimension = store.first_chunks(collection).vectors.shape[1]
    return ChromaCollectionInfo(
        collection.name,
        collection.chunks,
        dimension,
        collection.metric,
        store.stated_model(collection),
        not collection.foreign,
    )


def choose_collection(about: str, store: VectorStore, name: str | None) -> Collection:
    """Return the collection ``name`` in a Chroma folder (None: its only one); ``about`` names the folder in errors.

    Raises CollectionNotFound; SettingsError, with the choices, if ``name`` is None and there are several; and
    ExchangeError for a collection made by Rankscope, because Chroma holds only a part of it.
    """
    collections = store.collections()
    choices = "; ".join(collection_info(store, collection).line for collection in collections) or "nothing"
    if name is None and len(collections) > 1:
        raise SettingsError(
            f"{about} holds {len(collections)} collections: choose one with --from. There are {choices}"
        )
    chosen = next((collection for collection in collections if name in (None, collection.name)), None)
    if chosen is None:
        raise CollectionNotFound(
            f"{about} holds no collection {name!r}: there is {choices}" if name else f"{about} holds no collections"
        )
    if not chosen.foreign:
        raise ExchangeError(
            f"{about}: {chosen.name!r} was made by Rankscope. Export it there with 'python -m core "
            "export', and import that file"
        )
    return chosen


# metadata keys that can name a chunk's document
SOURCE_KEYS = ("source", "document", "file", "file_name", "filename", "file_path")
SEPARATOR = "\n\n"
SAMPLE_SIZE = 8  # chunks embedded to check the model
MIN_SIMILARITY = 0.9  # mean cosine to the stored vectors below which the model is probably another one


@dataclass
class _Source:
    """The chunks of one source, by id and text; ``named`` unless no metadata named a source."""

    name: str
    texts: list[str] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    named: bool = True

    def document(self) -> Document:
        """Return the document that the chunks are joined into."""
        text = SEPARATOR.join(self.texts)
        return Document(self.name, text, size=len(text.encode()), metadata={"source": self.name} if self.named else {})

    def spans(self) -> Iterator[tuple[str, int, int]]:
        """Yield id, start and end (characters in the document) of every chunk."""
        start = 0
        for chunk_id, text in zip(self.ids, self.texts, strict=True):
            yield chunk_id, start, start + len(text)
            start += len(text) + len(SEPARATOR)


@dataclass
class _ImportedDocument:
    """A document with the spans (start, end) of its chunks by chunk id."""

    document: Document
    spans: dict[str, tuple[int, int]] = field(default_factory=dict)


def import_chroma_collection(
    workspace: Workspace,
    store: VectorStore,
    origin: Collection,
    name: str,
    model: str | None = None,
    report: ProgressReport = silent,
) -> ImportResult:
    """Import ``origin``, another program's collection in ``store``, as the collection ``name``; nothing is embedded.

    ``store`` may be the workspace's own. ``model`` is the bi-encoder that made the vectors. Raises SettingsError if
    ``model`` is None, ModelMismatch if its vectors have another dimension, ExchangeError for a collection that is
    empty, has no texts or changes meanwhile, CollectionExists, BadName, and Cancelled if ``report`` raises it.
    """
    workspace.check_name_is_free(name)
    encoder = _load_encoder(workspace, store, origin, model)
    documents, left_out = _join_chunks(store, origin)
    notes = [_model_warning(store, origin, encoder)]
    notes.append(f"{plural(left_out, 'chunk')} without a text left out" if left_out else "")
    with workspace.stage_collection(name) as staged:
        with workspace.write_lock():
            collection = workspace.store.create(
                staged.temporary_name,
                model=encoder.model,
                revision=encoder.revision,
                dimension=encoder.dimension,
                metric=origin.metric,
                query_prompt=encoder.query_prompt,
                document_prompt=encoder.document_prompt,
            )
        writer = CollectionWriter(
            workspace,
            collection,
            ImportProgress(report, len(documents), sum(len(document.spans) for document in documents)),
        )
        too_long = 0
        for group in group_by_chunks(documents, lambda document: len(document.spans)):
            batch, over_budget = _convert_chunks(store, origin, group, encoder)
            too_long += over_budget
            writer.write([Entry(item.document, item.document.name, len(item.spans)) for item in group], [batch])
    notes.append(
        f"{plural(too_long, 'chunk')} longer than the {encoder.budget} tokens that {encoder.model} reads"
        if too_long
        else ""
    )
    return ImportResult(workspace.store.collection(name), len(documents), notes=tuple(note for note in notes if note))


def _load_encoder(workspace: Workspace, store: VectorStore, origin: Collection, model: str | None) -> BiEncoder:
    """Load ``model``. Raises SettingsError if it is None, ModelMismatch if its dimension is not that of the vectors."""
    info = collection_info(store, origin)
    if not info.dimension:
        raise ExchangeError(f"The collection {origin.name!r} is empty: there is nothing to bring in")
    if model is None:
        stated = f"; it says {info.stated_model!r}" if info.stated_model else ""
        raise SettingsError(
            f"The collection {origin.name!r} needs the model that made its vectors ({info.dimension} "
            f"dimensions, {info.metric}{stated}): name it with --model"
        )
    encoder = workspace.models.get(model)
    if encoder.dimension != info.dimension:
        raise ModelMismatch(
            f"The collection {origin.name!r} has vectors of {info.dimension} dimensions, and {model} "
            f"makes vectors of {encoder.dimension}: name the model that made them"
        )
    return encoder


def _join_chunks(store: VectorStore, origin: Collection) -> tuple[list[_ImportedDocument], int]:
    """Join chunks into documents, one per distinct text; also return the number of chunks without text."""
    sources: dict[str, _Source] = {}
    left_out = 0
    for batch in store.batches(origin, vectors=False):
        for chunk_id, text, metadata in zip(batch.ids, batch.texts, batch.metadatas, strict=True):
            if not text.strip():
                left_out += 1
                continue
            name = next((str(metadata[key]) for key in SOURCE_KEYS if metadata.get(key)), "")
            source = sources.setdefault(name or chunk_id, _Source(name or chunk_id, named=bool(name)))
            source.texts.append(text)
            source.ids.append(chunk_id)
    if not sources:
        raise ExchangeError(
            f"The collection {origin.name!r} holds vectors but no texts, and what is found could not "
            "be shown: index the documents here instead"
        )
    documents: dict[str, _ImportedDocument] = {}
    for source in sources.values():
        document = source.document()
        spans = {chunk_id: (start, end) for chunk_id, start, end in source.spans()}
        documents.setdefault(document.id, _ImportedDocument(document)).spans.update(spans)
    return list(documents.values()), left_out


def _convert_chunks(
    store: VectorStore, origin: Collection, group: Sequence[_ImportedDocument], encoder: BiEncoder
) -> tuple[Batch, int]:
    """Return the chunks of ``group`` as a batch, and how many have more tokens than the model reads."""
    documents = {chunk_id: item for item in group for chunk_id in item.spans}
    stored = store.chunks_by_id(origin, list(documents))
    if len(stored.ids) != len(documents):
        raise ExchangeError(f"The collection {origin.name!r} was changed meanwhile: try again")
    tokens = [int(count) for count in encoder.tokens.count(stored.texts)]
    chunks = []
    for chunk_id, text, metadata, count in zip(stored.ids, stored.texts, stored.metadatas, tokens, strict=True):
        item = documents[chunk_id]
        start, end = item.spans[chunk_id]
        if item.document.text[start:end] != text:
            raise ExchangeError(f"The collection {origin.name!r} was changed meanwhile: try again")
        chunks.append(Chunk(chunk_id, item.document.id, start, end, text, count, metadata=_convert_metadata(metadata)))
    names = {item.document.id: item.document.name for item in group}
    return Batch.from_chunks(chunks, stored.vectors, names), sum(count > encoder.budget for count in tokens)


def _convert_metadata(metadata: Mapping[str, object]) -> Metadata:
    """Return the metadata with lists as comma-separated text; other values that are not scalars are dropped."""
    converted: dict[str, Value] = {}
    for key, value in metadata.items():
        if isinstance(value, Value):
            converted[key] = value
        elif isinstance(value, list):
            converted[key] = ", ".join(map(str, value))
    return converted


def _model_warning(store: VectorStore, origin: Collection, encoder: BiEncoder) -> str:
    """Return a warning if the model's vectors of the first texts differ from the stored ones, else an empty string."""
    sample = store.first_chunks(origin, SAMPLE_SIZE)
    pairs = [(text, vector) for text, vector in zip(sample.texts, sample.vectors, strict=True) if text.strip()]
    if not pairs:
        return ""
    stored = np.stack([vector for _, vector in pairs])
    encoded = encoder.encode_documents([text for text, _ in pairs])
    similarity = float(np.mean(pairwise_similarity("cosine", stored, encoded)))
    if similarity >= MIN_SIMILARITY:
        return ""
    return (
        f"{encoder.model} makes other vectors of the first texts (mean cosine {similarity:.2f} to those that are "
        "there): is it the right model?"
    )
