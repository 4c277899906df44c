"""Chunks and vectors of another program's collection into one of ours.

Such a collection has no whole documents. The chunks of one source, as their metadata name it, are joined by
blank lines and are the document; a chunk that names no source is a document alone.
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
        made = (
            ", made by Rankscope" if self.ours else f", embedded with {self.stated_model}" if self.stated_model else ""
        )
        return f"{self.name}: {self.chunks:,} chunks, {self.dimension} dimensions, {self.metric}{made}"


def is_chroma_folder(path: Path) -> bool:
    """Whether a folder is Chroma's."""
    return (path / CHROMA_FILE).is_file()


@contextmanager
def open_chroma_copy(folder: Path) -> Iterator[VectorStore]:
    """Open a copy of Chroma's ``folder``, which itself stays as it is.

    Raises ExchangeError where it cannot be copied, StoreError where Chroma cannot read it.
    """
    with tempfile.TemporaryDirectory(prefix="rankscope-") as place:
        copy = Path(place) / "chroma"
        try:
            _copy(folder, copy)
        except (OSError, shutil.Error) as error:
            raise ExchangeError(
                f"{folder} cannot be copied to look into it ({error}): is there room on the disk, and may you read it?"
            ) from error
        store = VectorStore(copy)
        try:
            yield store
        finally:
            store.close()


def _copy(folder: Path, copy: Path) -> None:
    """Chroma's database with its journal, and the folders of its vectors."""
    copy.mkdir()
    for file in folder.glob(f"{CHROMA_FILE}*"):
        shutil.copyfile(file, copy / file.name)
    for vectors in folder.iterdir():
        if (vectors / "header.bin").is_file():
            shutil.copytree(vectors, copy / vectors.name, copy_function=shutil.copyfile)


def collection_info(store: VectorStore, collection: Collection) -> ChromaCollectionInfo:
    """Return what can be told of a collection before it is brought in."""
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
    """Return the collection ``name`` of a foreign folder, for None the only one that there is.

    Raises CollectionNotFound; SettingsError, with what there is, where one must be named; and ExchangeError for one
    that was made by Rankscope, which has more to it than Chroma holds.
    """
    there = store.collections()
    choices = "; ".join(collection_info(store, collection).line for collection in there) or "nothing"
    if name is None and len(there) > 1:
        raise SettingsError(f"{about} holds {len(there)} collections: choose one with --from. There are {choices}")
    found = next((collection for collection in there if name in (None, collection.name)), None)
    if found is None:
        raise CollectionNotFound(
            f"{about} holds no collection {name!r}: there is {choices}" if name else f"{about} holds no collections"
        )
    if not found.foreign:
        raise ExchangeError(
            f"{about}: {found.name!r} was made by Rankscope. Export it there with 'python -m core "
            "export', and import that file"
        )
    return found


SOURCES = ("source", "document", "file", "file_name", "filename", "file_path")  # keys that name a chunk's document
JOINT = "\n\n"
SAMPLE = 8  # texts embedded to see whether the model is the one
ALIKE = 0.9  # cosine below which it hardly is


@dataclass
class _Gathered:
    """A document in the making: the texts of one source, and the chunks that they are."""

    name: str
    texts: list[str] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    named: bool = True

    def document(self) -> Document:
        text = JOINT.join(self.texts)
        return Document(self.name, text, size=len(text.encode()), metadata={"source": self.name} if self.named else {})

    def spans(self) -> Iterator[tuple[str, int, int]]:
        """Chunk id, start and end."""
        start = 0
        for chunk_id, text in zip(self.ids, self.texts, strict=True):
            yield chunk_id, start, start + len(text)
            start += len(text) + len(JOINT)


@dataclass
class _Adopted:
    """A document, and the spans of its chunks by their ids."""

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

    ``store`` may be the workspace's own. ``model`` is the bi-encoder that made the vectors. Raises SettingsError where
    it is not named, ModelMismatch with both numbers where its vectors have another length, ExchangeError for one
    without texts, CollectionExists, BadName, and Cancelled where ``report`` raises it.
    """
    workspace.check_name_is_free(name)
    encoder = _encoder(workspace, store, origin, model)
    adopted, left_out = _gather(store, origin)
    notes = [_doubt(store, origin, encoder)]
    notes.append(f"{plural(left_out, 'chunk')} without a text left out" if left_out else "")
    with workspace.stage_collection(name) as staged:
        with workspace.write_lock():
            made = workspace.store.create(
                staged.temporary_name,
                model=encoder.model,
                revision=encoder.revision,
                dimension=encoder.dimension,
                metric=origin.metric,
                query_prompt=encoder.query_prompt,
                document_prompt=encoder.document_prompt,
            )
        intake = CollectionWriter(
            workspace, made, ImportProgress(report, len(adopted), sum(len(one.spans) for one in adopted))
        )
        too_long = 0
        for group in group_by_chunks(adopted, lambda one: len(one.spans)):
            batch, longer = _chunks(store, origin, group, encoder)
            too_long += longer
            intake.take([Entry(one.document, one.document.name, len(one.spans)) for one in group], [batch])
    notes.append(
        f"{plural(too_long, 'chunk')} longer than the {encoder.budget} tokens that {encoder.model} reads"
        if too_long
        else ""
    )
    return ImportResult(workspace.store.collection(name), len(adopted), notes=tuple(note for note in notes if note))


def _encoder(workspace: Workspace, store: VectorStore, origin: Collection, model: str | None) -> BiEncoder:
    """The model that is said to have made the vectors."""
    seen = collection_info(store, origin)
    if not seen.dimension:
        raise ExchangeError(f"The collection {origin.name!r} is empty: there is nothing to bring in")
    if model is None:
        stated = f"; it says {seen.stated_model!r}" if seen.stated_model else ""
        raise SettingsError(
            f"The collection {origin.name!r} needs the model that made its vectors ({seen.dimension} "
            f"dimensions, {seen.metric}{stated}): name it with --model"
        )
    encoder = workspace.models.get(model)
    if encoder.dimension != seen.dimension:
        raise ModelMismatch(
            f"The collection {origin.name!r} has vectors of {seen.dimension} dimensions, and {model} "
            f"makes vectors of {encoder.dimension}: "
            "name the model that made them"
        )
    return encoder


def _gather(store: VectorStore, origin: Collection) -> tuple[list[_Adopted], int]:
    """The documents that the chunks are of, one for every text, and how many chunks have no text."""
    sources: dict[str, _Gathered] = {}
    left_out = 0
    for batch in store.batches(origin, vectors=False):
        for chunk_id, text, held in zip(batch.ids, batch.texts, batch.metadatas, strict=True):
            if not text.strip():
                left_out += 1
                continue
            source = next((str(held[key]) for key in SOURCES if held.get(key)), "")
            gathered = sources.setdefault(source or chunk_id, _Gathered(source or chunk_id, named=bool(source)))
            gathered.texts.append(text)
            gathered.ids.append(chunk_id)
    if not sources:
        raise ExchangeError(
            f"The collection {origin.name!r} holds vectors but no texts, and what is found could not "
            "be shown: index the documents here instead"
        )
    adopted: dict[str, _Adopted] = {}
    for gathered in sources.values():
        document = gathered.document()
        spans = {chunk_id: (start, end) for chunk_id, start, end in gathered.spans()}
        adopted.setdefault(document.id, _Adopted(document)).spans.update(spans)
    return list(adopted.values()), left_out


def _chunks(store: VectorStore, origin: Collection, group: Sequence[_Adopted], encoder: BiEncoder) -> tuple[Batch, int]:
    """The chunks of some documents as ours, and how many of them the model did not read whole."""
    homes = {chunk_id: one for one in group for chunk_id in one.spans}
    held = store.chunks_by_id(origin, list(homes))
    if len(held.ids) != len(homes):
        raise ExchangeError(f"The collection {origin.name!r} was changed meanwhile: try again")
    tokens = [int(count) for count in encoder.tokens.count(held.texts)]
    chunks = []
    for chunk_id, text, metadata, count in zip(held.ids, held.texts, held.metadatas, tokens, strict=True):
        home = homes[chunk_id]
        start, end = home.spans[chunk_id]
        if home.document.text[start:end] != text:
            raise ExchangeError(f"The collection {origin.name!r} was changed meanwhile: try again")
        chunks.append(Chunk(chunk_id, home.document.id, start, end, text, count, metadata=_plain(metadata)))
    names = {one.document.id: one.document.name for one in group}
    return Batch.from_chunks(chunks, held.vectors, names), sum(count > encoder.budget for count in tokens)


def _plain(metadata: Mapping[str, object]) -> Metadata:
    """Metadata of another program as ours: lists become text."""
    plain: dict[str, Value] = {}
    for key, value in metadata.items():
        if isinstance(value, Value):
            plain[key] = value
        elif isinstance(value, list):
            plain[key] = ", ".join(map(str, value))
    return plain


def _doubt(store: VectorStore, origin: Collection, encoder: BiEncoder) -> str:
    """A warning where the model makes other vectors of the first texts than those that are there."""
    sample = store.first_chunks(origin, SAMPLE)
    pairs = [(text, vector) for text, vector in zip(sample.texts, sample.vectors, strict=True) if text.strip()]
    if not pairs:
        return ""
    held = np.stack([vector for _, vector in pairs])
    made = encoder.encode_documents([text for text, _ in pairs])
    alike = float(np.mean(pairwise_similarity("cosine", held, made)))
    if alike >= ALIKE:
        return ""
    return (
        f"{encoder.model} makes other vectors of the first texts (mean cosine {alike:.2f} to those that are there): "
        "is it the right model?"
    )
