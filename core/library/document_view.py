"""A stored document to be read with its chunks, a window of its text at a time."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import regex

from core.records.document import Document, Metadata
from core.records.search import Chunk, Collection, UnknownText
from core.store.conversion import own_metadata
from core.text.words import character_start
from core.workspace import Workspace

WINDOW = 6000  # characters: some 30 kB of HTML
CHUNKS = 50  # in a window at most, about: each brings markup of its own
_OFTEN_UNKNOWN = regex.compile(r"[[\p{L}\p{So}]--\p{Latin}]|\S{101}", regex.V1)
_BREAKS = ("\n\n", "\n", " ")  # where a window may end, the best first


@dataclass(frozen=True, slots=True)
class Window:
    """The characters that are read at once; ``page`` where the document has pages."""

    start: int
    end: int
    page: int | None = None


@dataclass(frozen=True)
class Opened:
    """A document with its chunks in one collection, by place; ``metadata`` is what its file there says of itself."""

    document: Document
    chunks: tuple[Chunk, ...]
    metadata: Metadata = field(default_factory=dict, hash=False)

    @cached_property
    def windows(self) -> list[Window]:
        """The windows of its text, without gaps: a page each, or less where a page is long."""
        document, most = self.document, WINDOW
        if self.chunks:
            most = max(min(WINDOW, CHUNKS * len(document.text) // len(self.chunks)), 200)
        starts = [page.start for page in document.pages]
        bounds = [0, *starts[1:], len(document.text)] if starts else [0, len(document.text)]
        numbers: list[int | None] = [page.number for page in document.pages] or [None]
        return [
            Window(begin, end, number)
            for number, start, stop in zip(numbers, bounds[:-1], bounds[1:], strict=True)
            for begin, end in _parts(document.text, start, stop, most)
        ]


def open_document(workspace: Workspace, collection: Collection, name_or_id: str) -> Opened:
    """Return the document with that name or id, with its chunks in ``collection``. Raises DocumentNotFound."""
    stored = workspace.document_store.find(collection.key, name_or_id)
    document = replace(workspace.document_store.document(stored.document_id), name=stored.name, notes=stored.notes)
    chunks = [
        _chunk(document, chunk_id, dict(metadata))
        for batch in workspace.store.batches(collection, [stored.document_id], vectors=False)
        for chunk_id, metadata in zip(batch.ids, batch.metadatas, strict=True)
    ]
    return Opened(document, tuple(sorted(chunks, key=lambda chunk: (chunk.start, chunk.end))), stored.metadata)


def unknown_in_chunks(workspace: Workspace, collection: Collection, opened: Opened) -> list[UnknownText | None]:
    """Return for every chunk of a document what of it the collection's bi-encoder does not know, None for nothing.

    The model is loaded only for words that models often lack: in other scripts than Latin, or overlong. Raises what
    loading it raises.
    """
    texts = [chunk.read for chunk in opened.chunks]
    if not any(_OFTEN_UNKNOWN.search(text) for text in texts):
        return [None] * len(texts)
    return workspace.encoder(collection).tokens.unknown(texts)


def _chunk(document: Document, chunk_id: str, metadata: dict[str, Any]) -> Chunk:
    """Return a chunk of ``document`` from what is stored with it."""
    start, end = metadata["start"], metadata["end"]
    return Chunk(
        chunk_id,
        document.id,
        start,
        end,
        document.text[start:end],
        metadata["tokens"],
        metadata.get("page"),
        metadata.get("heading"),
        metadata.get("carried", ""),
        own_metadata(metadata),
    )


def _parts(text: str, start: int, stop: int, most: int) -> list[tuple[int, int]]:
    """Split ``start`` to ``stop`` into parts of at most ``most`` characters, at the last paragraph, line or word."""
    found = []
    while stop - start > most:
        breaks = (text.rfind(sign, start + most // 2, start + most) for sign in _BREAKS)
        end = next((at + 1 for at in breaks if at >= 0), max(character_start(text, start + most), start + 1))
        found.append((start, end))
        start = end
    return [*found, (start, stop)]
