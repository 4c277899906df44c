"""Read the chunks of a collection for the map, and cache them on disk with their vectors memory-mapped."""

from __future__ import annotations

import hashlib
import json
import shutil
import zipfile
from collections.abc import Collection as Ids
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from core.errors import MapError
from core.projection._files import FOLDER, atomic_map_write, discard
from core.projection.records import Points
from core.records.search import Collection, Metric
from core.util.arrays import Float32Array, Int64Array

if TYPE_CHECKING:  # it imports chromadb, which the worker must not
    from core.workspace import Workspace

CURRENT = "current.json"
_ABOUT = ("collection", "key", "digest", "metric", "model")
_BLOCK = 8192  # vectors hashed at once
ATTEMPTS = 5  # at reading a collection that another process is writing


def points_folder(data: Path, key: str) -> Path:
    """Return the folder of the points of the collection ``key`` in the data folder ``data``."""
    return data / FOLDER / "points" / key


def points_digest(chunk_ids: Sequence[str], vectors: Float32Array, metric: Metric) -> str:
    """Return a hash of chunk ids, vectors and metric."""
    digest = hashlib.blake2b(digest_size=16)
    digest.update("\n".join((metric, str(vectors.shape), *chunk_ids)).encode())
    for first in range(0, len(vectors), _BLOCK):
        digest.update(np.ascontiguousarray(vectors[first : first + _BLOCK]).data)
    return digest.hexdigest()


def is_saved(data: Path, points: Points) -> bool:
    """Whether these points have been written to the data folder."""
    return all(path.exists() for path in _paths(points_folder(data, points.key), points.digest))


def save_points(data: Path, points: Points, version: str = "") -> Points:
    """Write points, and return them with their vectors mapped from the disk.

    With the ``version`` of the collection they become its current points, and other points of it are removed.
    Raises MapError where they cannot be written.
    """
    folder = points_folder(data, points.key)
    if not is_saved(data, points):
        _write(folder, points)
    if version:
        with atomic_map_write(folder / CURRENT) as temporary:
            temporary.write_text(json.dumps({"version": version, "digest": points.digest}), encoding="utf-8")
        for path in folder.glob("*.*"):
            if path.stem != points.digest and path.name != CURRENT and not path.name.startswith("."):
                discard(path)
    return load_points(data, points.key, points.digest)


def load_points(data: Path, key: str, digest: str) -> Points:
    """Return saved points, their vectors mapped from the disk.

    Raises MapError where they are gone or damaged; damaged files are removed.
    """
    vectors, table = _paths(points_folder(data, key), digest)
    try:
        with np.load(table) as arrays:
            columns = {name: arrays[name] for name in arrays.files}
        return _points(columns, np.load(vectors, mmap_mode="r" if len(columns["start"]) else None))
    except (OSError, ValueError, KeyError, TypeError, IndexError, EOFError, zipfile.BadZipFile) as error:
        for path in (vectors, table):
            discard(path)
        raise MapError(
            f"The chunks of this collection as the map keeps them are gone or damaged ({error}): open the map again"
        ) from error


def load_current_points(data: Path, key: str, version: str) -> Points | None:
    """Return the saved points of this version of a collection, None where there are none."""
    try:
        current = json.loads((points_folder(data, key) / CURRENT).read_text(encoding="utf-8"))
        return load_points(data, key, current["digest"]) if current["version"] == version else None
    except (OSError, ValueError, KeyError, TypeError, MapError):
        return None


def delete_other_points(data: Path, keys: Ids[str]) -> None:
    """Remove the points of collections that are not among ``keys``."""
    for folder in (data / FOLDER / "points").glob("*"):
        if folder.name not in keys:
            shutil.rmtree(folder, ignore_errors=True)


def _paths(folder: Path, digest: str) -> tuple[Path, Path]:
    """Return the paths of the vectors and of the table with everything else."""
    return folder / f"{digest}.npy", folder / f"{digest}.npz"


def _write(folder: Path, points: Points) -> None:
    """Write the vectors, then the table, whose presence says that the vectors are complete."""
    vectors, table = _paths(folder, points.digest)
    with atomic_map_write(vectors) as temporary, temporary.open("wb") as file:
        np.save(file, np.ascontiguousarray(points.vectors, dtype=np.float32))
    documents = list(zip(points.document_ids, points.documents, strict=True))
    number = {document: index for index, document in enumerate(dict.fromkeys(documents))}
    about = {name: getattr(points, name) for name in _ABOUT}
    about |= {"chunk_ids": points.chunk_ids, "documents": list(number)}
    document = np.array([number[document] for document in documents], dtype=np.int64)
    encoded = np.frombuffer(json.dumps(about).encode(), dtype=np.uint8)
    with atomic_map_write(table) as temporary, temporary.open("wb") as file:
        np.savez(file, about=encoded, start=points.starts, end=points.ends, tokens=points.tokens, document=document)


def _points(columns: dict[str, Int64Array], vectors: Float32Array) -> Points:
    """Return the points of a table. Raises ValueError where the columns have different lengths."""
    about = json.loads(columns["about"].tobytes())
    ids = about["chunk_ids"]
    starts, ends, tokens, document = (columns[name] for name in ("start", "end", "tokens", "document"))
    if not len(vectors) == len(ids) == len(starts) == len(ends) == len(tokens) == len(document):
        raise ValueError(f"{len(vectors)} vectors for {len(ids)} chunks")
    document_ids, names = (
        np.array([pair[item] for pair in about["documents"]], dtype=object)[document].tolist() for item in (0, 1)
    )
    return Points(
        **{name: about[name] for name in _ABOUT},
        chunk_ids=tuple(ids),
        document_ids=tuple(document_ids),
        documents=tuple(names),
        starts=starts,
        ends=ends,
        tokens=tokens,
        vectors=vectors,
    )


def read_points(workspace: Workspace, collection: Collection) -> Points:
    """Return every visible chunk of a collection, sorted by chunk id, with vectors mapped from the disk.

    They are read through Chroma only if any process has changed the collection since they were saved.
    Raises ForeignCollection for chunks without spans, CollectionNotFound, and MapError where another process does not
    stop writing, or the points cannot be saved.
    """
    data = workspace.settings.data
    for _ in range(ATTEMPTS):
        version = workspace.version(collection)
        points = load_current_points(data, collection.key, version)
        if points is None:
            points = _read(workspace, collection)
            if workspace.version(collection) != version:  # changed while it was read
                continue
            delete_other_points(data, {other.key for other in workspace.store.collections()})
            points = save_points(data, points, version)
        return _named(points, workspace, collection)
    raise MapError(
        f"The collection {collection.name!r} is being written without a break: open its map when that is done"
    )


def _read(workspace: Workspace, collection: Collection) -> Points:
    """Return all visible chunks: their spans from the metadata, their vectors through Chroma."""
    hidden = set(workspace.document_store.hidden(collection.key))
    locations = workspace.store.chunk_locations(collection)
    ids = sorted(chunk_id for chunk_id, location in locations.items() if location[0] not in hidden)
    row_of = {chunk_id: row for row, chunk_id in enumerate(ids)}
    vectors = np.empty((len(ids), collection.dimension), dtype=np.float32)
    for block_ids, block in workspace.store.vectors(collection):
        if vectors.shape[1] != block.shape[1]:  # a collection of another program does not record its dimension
            vectors = np.empty((len(ids), block.shape[1]), dtype=np.float32)
        pairs = [(row_of[chunk_id], row) for row, chunk_id in enumerate(block_ids) if chunk_id in row_of]
        if pairs:
            rows, block_rows = np.array(pairs).T
            vectors[rows] = block[block_rows]
    starts, ends, tokens = (
        np.array([locations[chunk_id][column] for chunk_id in ids], dtype=np.int64) for column in (2, 3, 4)
    )
    return Points(
        collection=collection.name,
        key=collection.key,
        digest=points_digest(ids, vectors, collection.metric),
        metric=collection.metric,
        model=collection.model,
        chunk_ids=tuple(ids),
        document_ids=tuple([locations[chunk_id][0] for chunk_id in ids]),
        documents=tuple([locations[chunk_id][1] for chunk_id in ids]),
        starts=starts,
        ends=ends,
        tokens=tokens,
        vectors=vectors,
    )


def _named(points: Points, workspace: Workspace, collection: Collection) -> Points:
    """Return ``points`` with the current names of the collection and its documents, which may change on their own."""
    names = workspace.document_store.names(collection.key)
    named = zip(points.document_ids, points.documents, strict=True)
    documents = tuple([names.get(document_id, name) for document_id, name in named])
    return replace(points, collection=collection.name, model=collection.model, documents=documents)
