"""The chunks of a collection as the map needs them: read through Chroma once, then kept beside it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from core.document import short_hash
from core.errors import MapError
from core.projection.kept_points import current_points, digest_of, forget_others, keep_points
from core.projection.records import Floats, Points
from core.records import Collection
from core.rows import told
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
    """Read it all through Chroma."""
    hidden = set(workspace.shelf.hidden(collection.key))
    ids: list[str] = []
    columns: dict[str, list[Any]] = defaultdict(list)
    blocks: list[Floats] = []
    for batch in workspace.store.batches(collection):
        rows = [told(collection, held) for held in batch.metadatas]
        seen = [at for at, held in enumerate(rows) if held["document_id"] not in hidden]
        ids += [batch.ids[at] for at in seen]
        for name in ("document_id", "document", "start", "end", "tokens"):
            columns[name] += [rows[at][name] for at in seen]
        blocks.append(batch.vectors[seen] if len(seen) < len(rows) else batch.vectors)
    order = sorted(range(len(ids)), key=ids.__getitem__)
    vectors = np.concatenate(blocks)[order] if ids else np.empty((0, collection.dimension), np.float32)
    return _points(collection, [ids[at] for at in order], {name: [values[at] for at in order] for name, values in columns.items()}, vectors)


def _points(collection: Collection, ids: Sequence[str], columns: dict[str, list[Any]], vectors: Floats) -> Points:
    starts, ends, tokens = (np.asarray(columns.get(name, []), dtype=np.int64) for name in ("start", "end", "tokens"))
    return Points(
        collection.name,
        collection.key,
        digest_of(ids, vectors, collection.metric),
        collection.metric,
        collection.model,
        tuple(ids),
        tuple(columns.get("document_id", [])),
        tuple(columns.get("document", [])),
        starts,
        ends,
        tokens,
        vectors,
    )


def _named(points: Points, workspace: Workspace, collection: Collection) -> Points:
    """The points with the collection's and the documents' names of today: those may change without a chunk changing."""
    names = workspace.shelf.names(collection.key)
    held = zip(points.document_ids, points.documents, strict=True)
    documents = tuple([names.get(document_id, name) for document_id, name in held])
    return replace(points, collection=collection.name, model=collection.model, documents=documents)
