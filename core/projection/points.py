"""The chunks of a collection as the map needs them: read through Chroma once, then kept beside it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from core.errors import MapError
from core.projection._part_projection_kept_points import current_points, digest_of, forget_others, keep_points
from core.projection.records import Points
from core.records.document import short_hash
from core.records.search import Collection
from core.workspace import Workspace

ATTEMPTS = 5  # while another process writes


def read_points(workspace: Workspace, collection: Collection) -> Points:
    """Return every chunk of a collection that can be found, sorted by chunk id, vectors mapped from the disk.

    Through Chroma they are read only where the collection has changed since the last time, by whoever it was.
    Raises ForeignCollection for chunks that do not say where they stand, CollectionNotFound, and MapError where others do not
    stop writing, or nothing can be kept.
    """
    data = workspace.settings.data
    for _ in range(ATTEMPTS):
        version = _version(workspace, collection)
        points = current_points(data, collection.key, version)
        if points is None:
            points = _read(workspace, collection)
            if _version(workspace, collection) != version:  # what was read is neither the old nor the new
                continue
            forget_others(data, {other.key for other in workspace.store.collections()})
            points = keep_points(data, points, version)
        return _named(points, workspace, collection)
    raise MapError(f"The collection {collection.name!r} is being written without a break: open its map when that is done")


def _version(workspace: Workspace, collection: Collection) -> str:
    hidden = sorted(workspace.shelf.hidden(collection.key))
    return f"{workspace.store.version(collection)} {short_hash(*hidden)}"


def _read(workspace: Workspace, collection: Collection) -> Points:
    """Read it all: where chunks stand from the file, their vectors through Chroma."""
    hidden = set(workspace.shelf.hidden(collection.key))
    spots = workspace.store.spots(collection)
    ids = sorted(chunk_id for chunk_id, spot in spots.items() if spot[0] not in hidden)
    place_of = {chunk_id: place for place, chunk_id in enumerate(ids)}
    vectors = np.empty((len(ids), collection.dimension), dtype=np.float32)
    for some, block in workspace.store.vectors(collection):
        if vectors.shape[1] != block.shape[1]:  # another program's collection does not say
            vectors = np.empty((len(ids), block.shape[1]), dtype=np.float32)
        seen = [(place_of[chunk_id], at) for at, chunk_id in enumerate(some) if chunk_id in place_of]
        if seen:
            places, rows = np.array(seen).T
            vectors[places] = block[rows]
    documents, names = (tuple([spots[chunk_id][at] for chunk_id in ids]) for at in (0, 1))
    starts, ends, tokens = (np.array([spots[chunk_id][at] for chunk_id in ids], dtype=np.int64) for at in (2, 3, 4))
    digest, metric, model = digest_of(ids, vectors, collection.metric), collection.metric, collection.model
    return Points(collection.name, collection.key, digest, metric, model, tuple(ids), documents, names, starts, ends, tokens, vectors)


def _named(points: Points, workspace: Workspace, collection: Collection) -> Points:
    """The points with the collection's and the documents' names of today: those may change without a chunk changing."""
    names = workspace.shelf.names(collection.key)
    held = zip(points.document_ids, points.documents, strict=True)
    documents = tuple([names.get(document_id, name) for document_id, name in held])
    return replace(points, collection=collection.name, model=collection.model, documents=documents)
