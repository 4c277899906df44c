"""Decide what each incoming file is to a collection: new, unchanged, a new version, or a copy of another document."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from core.records.search import OnChange, StoredDocument
from core.util.progress import Status


@dataclass(frozen=True, slots=True)
class KnownDocument:
    """The name of a document of the collection, its number of chunks, and what its text lacks."""

    name: str
    chunks: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Placement:
    """The name that a new document gets; ``replaced_id`` is the id of the document that had it before."""

    name: str
    status: Status
    replaced_id: str | None = None


class Reconciler:
    """The names and documents of one collection during one run.

    Two files of one name in one run are not versions of each other: ``settled_names`` are those that this run, or the
    part of it before it was interrupted, has settled.
    """

    def __init__(
        self, stored: Sequence[StoredDocument], on_change: OnChange, settled_names: Iterable[str] = ()
    ) -> None:
        self._on_change = on_change
        self._ids = {document.name: document.document_id for document in stored}
        self._documents = {
            document.document_id: KnownDocument(document.name, document.chunks, document.notes) for document in stored
        }
        self._aliases = {name: document.document_id for document in stored for name in document.also}
        self._settled_names = set(settled_names)
        self._duplicates: dict[str, list[str]] = {}  # document id: names of this run's files that have its text

    def find(self, document_id: str) -> KnownDocument | None:
        """Return a document of the collection, None if it has none of that id."""
        return self._documents.get(document_id)

    def is_unchanged(self, name: str, document_id: str) -> bool:
        """Return whether the file ``name`` became this known document before; if so, its name is settled."""
        known_name = self._documents[document_id].name
        was_kept_beside = (self._on_change == "keep" or name in self._settled_names) and _is_version(name, known_name)
        if name == known_name or was_kept_beside:
            self._settled_names |= {name, known_name}
            return True
        return False

    def add_duplicate(self, name: str, document_id: str) -> str | None:
        """Note that the file ``name`` has the text of a known document.

        Return the id of the document that the file was before, which loses its name; None if there is none.
        """
        self._duplicates.setdefault(document_id, []).append(name)
        self._aliases[name] = document_id
        return self._release(name) if self._replaces(name) else None

    def add(
        self, name: str, document_id: str, chunks: int, notes: tuple[str, ...] = (), *, settles: bool = True
    ) -> Placement:
        """Add a document that is not known, and return the name that it gets.

        ``settles`` is whether the file of that name was read in this run.
        """
        placement = self._placement(name)
        self._aliases.pop(placement.name, None)
        self._ids[placement.name] = document_id
        self._documents[document_id] = KnownDocument(placement.name, chunks, notes)
        if settles:
            self._settled_names |= {name, placement.name}
        return placement

    def note(self, document_id: str, notes: tuple[str, ...]) -> KnownDocument:
        """Replace what a known document's text lacks."""
        self._documents[document_id] = replace(self._documents[document_id], notes=notes)
        return self._documents[document_id]

    def take_duplicate(self, document_id: str) -> str | None:
        """Return a file of this run that has the text of a document which lost its name, None if there is none."""
        names = self._duplicates.pop(document_id, [])
        return names[0] if names else None

    def take_alias(self, document_id: str) -> str | None:
        """Return a file of an earlier run that had the text of a document which lost its name, None if there is none.

        The names of files that this run has read already are left out: those have other texts now.
        """
        names = (name for name, alias_of in self._aliases.items() if alias_of == document_id)
        free = (name for name in names if name not in self._settled_names and name not in self._ids)
        return next(free, None)

    def _replaces(self, name: str) -> bool:
        return self._on_change == "replace" and name in self._ids and name not in self._settled_names

    def _release(self, name: str) -> str:
        document_id = self._ids.pop(name)
        del self._documents[document_id]
        return document_id

    def _placement(self, name: str) -> Placement:
        if self._replaces(name):
            return Placement(name, "replaced", self._release(name))
        if name not in self._ids:
            return Placement(name, "indexed")
        stem, dot, suffix = name.rpartition(".")
        for number in range(2, len(self._ids) + 3):
            version = f"{stem} ({number}).{suffix}" if dot else f"{name} ({number})"
            if version not in self._ids:
                return Placement(version, "kept beside")
        raise AssertionError("one of n + 1 names is free among n")


def _is_version(name: str, other: str) -> bool:
    """Return whether ``other`` is the name that a version of ``name`` got when it was kept beside it."""
    stem, dot, suffix = name.rpartition(".")
    head, tail = (f"{stem} (", f").{suffix}") if dot else (f"{name} (", ")")
    return other.startswith(head) and other.endswith(tail) and other[len(head) : len(other) - len(tail)].isdigit()
