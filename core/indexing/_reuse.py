"""Vectors that are stored already, found by what they were computed from.

The document store says where a chunk with the same content may be. What is fetched from there is compared with
the content itself, so that a wrong note costs an embedding, never a wrong vector.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable

from core.errors import CollectionNotFound
from core.records.search import Collection, as_read
from core.util.arrays import Float32Array
from core.workspace import Workspace


def content_fingerprint(collection: Collection, read: str) -> bytes:
    """Return the fingerprint of what a vector depends on: the model, its prompt for documents, and the text it read."""
    parts = (collection.model, collection.revision, collection.document_prompt, read)
    return hashlib.sha256(repr(parts).encode("utf-8", "surrogatepass")).digest()[:16]


def reusable_vectors(
    workspace: Workspace, collection: Collection, contents: Iterable[bytes]
) -> dict[bytes, Float32Array]:
    """Return the vectors, shape (dimension,), of those contents that a chunk of any collection here has.

    ``contents`` are fingerprints that content_print made for ``collection``.
    """
    found: dict[bytes, Float32Array] = {}
    lenders = {other.key: other for other in workspace.store.collections() if _lends(other, collection)}
    places: dict[str, list[str]] = defaultdict(list)
    for key, chunk_id, _ in workspace.document_store.chunks_with_content(contents, list(lenders)):
        places[key].append(chunk_id)
    for key, chunk_ids in places.items():
        found.update(_fetch(workspace, lenders[key], chunk_ids))
    return found


def _lends(other: Collection, collection: Collection) -> bool:
    """Whether vectors of ``other`` are those that ``collection`` needs: cosine alone does not mind a vector's length."""
    same = (other.model, other.revision, other.document_prompt, other.dimension)
    fits = same == (collection.model, collection.revision, collection.document_prompt, collection.dimension)
    return fits and not other.foreign and (other.metric != "cosine" or collection.metric == "cosine")


def _fetch(workspace: Workspace, lender: Collection, chunk_ids: list[str]) -> dict[bytes, Float32Array]:
    try:
        batch = workspace.store.chunks_by_id(lender, chunk_ids)
    except CollectionNotFound:  # deleted a moment ago
        return {}
    reads = (
        as_read(str(held.get("carried", "")), text) for text, held in zip(batch.texts, batch.metadatas, strict=True)
    )
    return {content_fingerprint(lender, read): vector for read, vector in zip(reads, batch.vectors, strict=True)}
