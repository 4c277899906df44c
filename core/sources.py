"""Where files come from: a browser's upload, a path, a folder to be walked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from core.errors import DamagedFile, UnsupportedFile
from core.loading import is_supported


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
    """A file whose bytes are at hand."""

    name: str
    data: bytes

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


def walk(paths: Iterable[Path]) -> Iterator[PathSource]:
    """Yield the files of ``paths``, folders walked in sorted order.

    In folders, hidden files and kinds that we do not read are passed over; a file that is named
    itself is always yielded. Raises UnsupportedFile for a path that does not exist.
    """
    for path in paths:
        if path.is_dir():
            for file in sorted(path.rglob("*")):
                inside = file.relative_to(path)
                hidden = any(part.startswith(".") for part in inside.parts)
                if file.is_file() and not hidden and is_supported(file.name):
                    yield PathSource(file, inside.as_posix())
        elif path.exists():
            yield PathSource(path, path.name)
        else:
            raise UnsupportedFile(f"There is no file or folder {str(path)!r}: check the path")
