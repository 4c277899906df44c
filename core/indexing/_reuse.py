"""Reuse stored vectors of chunks with the same content.

The document store records which chunks have which content. A fetched chunk's content is fingerprinted again, so that
an outdated record costs an embedding, never a wrong vector.
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

    ``contents`` are fingerprints that content_fingerprint made for ``collection``.
    """
    vectors: dict[bytes, Float32Array] = {}
    lenders = {other.key: other for other in workspace.store.collections() if _can_lend(other, collection)}
    chunk_ids_by_collection: dict[str, list[str]] = defaultdict(list)
    for key, chunk_id, _ in workspace.document_store.chunks_with_content(contents, list(lenders)):
        chunk_ids_by_collection[key].append(chunk_id)
    for key, chunk_ids in chunk_ids_by_collection.items():
        vectors.update(_fetch(workspace, lenders[key], chunk_ids))
    return vectors


def _can_lend(other: Collection, collection: Collection) -> bool:
    """Return whether vectors of ``other`` fit ``collection``: cosine collections may store them at another length."""
    same = (other.model, other.revision, other.document_prompt, other.dimension)
    fits = same == (collection.model, collection.revision, collection.document_prompt, collection.dimension)
    return fits and not other.foreign and (other.metric != "cosine" or collection.metric == "cosine")


def _fetch(workspace: Workspace, lender: Collection, chunk_ids: list[str]) -> dict[bytes, Float32Array]:
    try:
        batch = workspace.store.chunks_by_id(lender, chunk_ids)
    except CollectionNotFound:  # deleted a moment ago
        return {}
    read_texts = (
        as_read(str(metadata.get("carried", "")), text)
        for text, metadata in zip(batch.texts, batch.metadatas, strict=True)
    )
    return {content_fingerprint(lender, read): vector for read, vector in zip(read_texts, batch.vectors, strict=True)}
