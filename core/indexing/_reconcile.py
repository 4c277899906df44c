"""Which documents a collection holds while files are brought into it, and what a file's arrival means for them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from core.records.search import OnChange, StoredDocument
from core.util.progress import Status


@dataclass(frozen=True, slots=True)
class KnownDocument:
    """The name under which a document is held, and its number of chunks."""

    name: str
    chunks: int


@dataclass(frozen=True, slots=True)
class Placement:
    """What a file's document will be called; ``old`` is the id of the document that had the name before."""

    name: str
    status: Status
    old: str | None = None


class Reconciler:
    """The names and documents of one collection during one run.

    Two files of one name in one run are not versions of each other: ``brought`` are the names that this
    run, or the part of it before it was broken off, has settled.
    """

    def __init__(self, held: Sequence[StoredDocument], on_change: OnChange, brought: Iterable[str] = ()) -> None:
        self._on_change = on_change
        self._ids = {document.name: document.document_id for document in held}
        self._held = {document.document_id: KnownDocument(document.name, document.chunks) for document in held}
        self._brought = set(brought)
        self._copies: dict[str, list[str]] = {}  # names of this run's files that have a held document's text

    def find(self, document_id: str) -> KnownDocument | None:
        """Return how a document is held, None if it is not."""
        return self._held.get(document_id)

    def same(self, name: str, document_id: str) -> bool:
        """Whether a held document is what the file ``name`` became before: then nothing has changed."""
        held = self._held[document_id].name
        stood_beside = (self._on_change == "keep" or name in self._brought) and _beside(name, held)
        if name == held or stood_beside:
            self._brought |= {name, held}
            return True
        return False

    def copy(self, name: str, document_id: str) -> str | None:
        """Note that the file ``name`` has the text of a held document.

        Returns the id of the document that it was before, which is its no more.
        """
        self._copies.setdefault(document_id, []).append(name)
        return self._release(name) if self._replaces(name) else None

    def place(self, name: str, document_id: str, chunks: int) -> Placement:
        """Take in a document that is not held, and return what it will be called."""
        place = self._choose(name)
        self._ids[place.name] = document_id
        self._held[document_id] = KnownDocument(place.name, chunks)
        self._brought |= {name, place.name}
        return place

    def heir(self, document_id: str) -> str | None:
        """Return the file of this run that has the text of a document which lost its name, None if none has."""
        names = self._copies.pop(document_id, [])
        return names[0] if names else None

    def _replaces(self, name: str) -> bool:
        return self._on_change == "replace" and name in self._ids and name not in self._brought

    def _release(self, name: str) -> str:
        document_id = self._ids.pop(name)
        del self._held[document_id]
        return document_id

    def _choose(self, name: str) -> Placement:
        if self._replaces(name):
            return Placement(name, "replaced", self._release(name))
        if name not in self._ids:
            return Placement(name, "indexed")
        stem, dot, ending = name.rpartition(".")
        for number in range(2, len(self._ids) + 3):
            beside = f"{stem} ({number}).{ending}" if dot else f"{name} ({number})"
            if beside not in self._ids:
                return Placement(beside, "kept beside")
        raise AssertionError("one of n + 1 names is free among n")


def _beside(name: str, other: str) -> bool:
    """Whether ``other`` is the name that a version of ``name`` got when it was kept beside it."""
    stem, dot, ending = name.rpartition(".")
    head, tail = (f"{stem} (", f").{ending}") if dot else (f"{name} (", ")")
    return other.startswith(head) and other.endswith(tail) and other[len(head) : len(other) - len(tail)].isdigit()
