"""Where files come from: a browser's upload, a path, a folder to be walked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from core.errors import DamagedFile, UnsupportedFile
from core.loading._part_archives import Member, is_archive, members
from core.loading.loader import TableOptions, is_supported, load
from core.records.search import Document


class Source(Protocol):
    """A file to be indexed."""

    @property
    def name(self) -> str:
        """What the document will be called."""
        ...

    @property
    def size(self) -> int:
        """Bytes of the file."""
        ...

    def read(self) -> bytes:
        """Return the file's bytes. Raises LoadingError."""
        ...


@dataclass(frozen=True)
class Upload:
    """A file whose bytes are at hand. ``tables`` says what becomes of its columns, if it has any."""

    name: str
    data: bytes
    tables: TableOptions | None = None

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return len(self.data)

    def read(self) -> bytes:
        """Return the file's bytes."""
        return self.data


@dataclass(frozen=True)
class PathSource:
    """A file on disk, called by its path relative to the folder that was named."""

    path: Path
    name: str

    @property
    def size(self) -> int:
        """Bytes of the file, 0 where it cannot be seen."""
        try:
            return self.path.stat().st_size
        except OSError:
            return 0

    def read(self) -> bytes:
        """Return the file's bytes. Raises DamagedFile where the system does not give them."""
        try:
            return self.path.read_bytes()
        except OSError as error:
            raise DamagedFile(f"{self.name} cannot be read: {error.strerror}. Check that it is there and that you may read it") from error


@dataclass(frozen=True)
class Ready:
    """A document that needs no loading: it is stored already, or was read from a data set. ``size`` in bytes."""

    name: str
    size: int
    document: Callable[[], Document]

    def read(self) -> bytes:
        """Return the document's text."""
        return self.document().text.encode()


def expanded(sources: Iterable[Source]) -> Iterator[Source]:
    """Yield ``sources`` with each ZIP archive replaced by what is in it."""
    for source in sources:
        if is_archive(source.name) and not isinstance(source, Ready):
            yield from members(source, source.path if isinstance(source, PathSource) else None)
        else:
            yield source


def table_options(source: Source) -> TableOptions | None:
    """Return what is to become of a source's columns, None where nobody chose: an upload says it, and an upload that was put by."""
    options = getattr(source, "tables", None)
    return options if isinstance(options, TableOptions) else None


def loaded(source: Source, data: bytes | None = None) -> Document:
    """Return a source's document; one from disk says in its metadata where it lies. Raises LoadingError.

    ``data`` are its bytes, if they were read already.
    """
    if isinstance(source, Ready):
        return source.document()
    document = load(source.name, source.read() if data is None else data, table_options(source))
    place = source.path.as_posix() if isinstance(source, PathSource) else source.source if isinstance(source, Member) else ""
    return replace(document, metadata={**document.metadata, "source": place}) if place else document


def walk(paths: Iterable[Path]) -> Iterator[PathSource]:
    """Yield the files of ``paths``, folders walked in sorted order.

    In folders, hidden files and kinds that we do not read are passed over; ZIP archives are yielded whole. A file that is named
    itself is always yielded. Raises UnsupportedFile for a path that does not exist.
    """
    for path in paths:
        if path.is_dir():
            for file in sorted(path.rglob("*")):
                inside = file.relative_to(path)
                hidden = any(part.startswith(".") for part in inside.parts)
                if file.is_file() and not hidden and (is_supported(file.name) or is_archive(file.name)):
                    yield PathSource(file, inside.as_posix())
        elif path.exists():
            yield PathSource(path, path.name)
        else:
            raise UnsupportedFile(f"There is no file or folder {str(path)!r}: check the path")
