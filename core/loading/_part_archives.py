"""ZIP archives among the sources: each file inside becomes a source of its own, read when its turn comes.

Nothing is unpacked to disk. An archive that cannot be read, or a part of it, is a source that says so
when it is read: the others go on.
"""

from __future__ import annotations

import io
import re
import stat
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from core.errors import DamagedFile, EmptyFile, EncryptedFile, LoadingError, NoText, UnsupportedFile, WrongFileType
from core.loading._detection import ENCRYPTED, MOST_UNPACKED, ZIP_ERRORS
from core.loading._part_loading_sniff import EMPTY_ZIP, ZIP, looks_like
from core.loading.loader import ARCHIVE, KINDS, is_supported
from core.util.formatting import file_size

if TYPE_CHECKING:
    from core.loading.sources import Source

MOST_MEMBERS = 100_000  # of an archive with all those inside it
DEEPEST = 3  # archives inside one another
_JUNK = ("__MACOSX", "Thumbs.db", "desktop.ini")
_UTF8 = 0x800  # a member's flag: its name is UTF-8
_DRIVE = re.compile(r"^[A-Za-z]:")


@dataclass(frozen=True)
class Unreadable:
    """A file that is known to be unreadable before its turn comes."""

    name: str
    size: int
    error: LoadingError

    def read(self) -> bytes:
        """Raise the error."""
        raise self.error


@dataclass
class _Archive:
    """An archive on disk or in memory, open from the first of its members that is read to the last."""

    file: Path | io.BytesIO
    unread: int = 0
    _open: zipfile.ZipFile | None = None

    def entries(self) -> list[zipfile.ZipInfo]:
        with zipfile.ZipFile(self.file) as archive:
            return archive.infolist()

    def read(self, entry: zipfile.ZipInfo) -> bytes:
        self._open = self._open or zipfile.ZipFile(self.file)
        try:
            return self._open.read(entry)
        finally:
            self.unread -= 1
            if self.unread <= 0:
                self._open.close()
                self._open = None


@dataclass(frozen=True)
class Member:
    """One file of an archive. ``source`` is where it lies on disk, empty for an upload's."""

    archive: _Archive
    entry: zipfile.ZipInfo
    name: str
    source: str = ""

    @property
    def size(self) -> int:
        """Bytes of the file, unpacked."""
        return self.entry.file_size

    def read(self) -> bytes:
        """Return the file's bytes. Raises EncryptedFile, UnsupportedFile or DamagedFile."""
        if self.entry.flag_bits & ENCRYPTED:
            raise EncryptedFile(f"{self.name} is protected by the archive's password: unpack the archive and bring the file itself")
        try:
            return self.archive.read(self.entry)
        except NotImplementedError as error:
            raise UnsupportedFile(f"{self.name} is packed in a way that cannot be read ({error}): unpack the archive and bring the file itself") from error
        except ZIP_ERRORS as error:
            raise DamagedFile(f"{self.name} cannot be unpacked ({_reason(error)}): bring the file itself, or make the archive again") from error


@dataclass
class _Room:
    """What an archive, with all those inside it, may still unpack to."""

    unpacked: int = field(default_factory=lambda: MOST_UNPACKED)  # bytes
    members: int = field(default_factory=lambda: MOST_MEMBERS)


def is_archive(name: str) -> bool:
    """Whether the name is a ZIP archive's."""
    return PurePosixPath(name).suffix.lower() == ARCHIVE


def members(source: Source, path: Path | None = None) -> Iterator[Source]:
    """Yield the files in the archive ``source``, which lies at ``path`` if on disk, called ``archive.zip/folder/name``.

    In the order of their names. Hidden files, the junk of operating systems and kinds that are not read
    are passed over, archives inside are opened too. What cannot be read is yielded as Unreadable.
    """
    yield from _opened(source, path, str(path) if path else "", _Room(), 1)


def _opened(source: Source, path: Path | None, place: str, room: _Room, depth: int) -> Iterator[Source]:
    try:
        if depth > DEEPEST:
            raise UnsupportedFile(f"{source.name} is an archive {depth} deep in others: unpack it and bring what is inside")
        archive = _Archive(path or io.BytesIO(source.read()))
        inside = _members(source.name, archive, place, room)
    except LoadingError as error:
        yield Unreadable(source.name, source.size, error)
        return
    for member in inside:
        if is_archive(member.name):
            yield from _opened(member, None, member.source, room, depth + 1)
        else:
            yield member


def _members(name: str, archive: _Archive, place: str, room: _Room) -> list[Member]:
    """The files of an archive that are to be read, if there is room for all that it would unpack to. Raises LoadingError."""
    _refuse_other_kind(name, archive.file)
    try:
        entries = archive.entries()
    except ZIP_ERRORS as error:
        raise DamagedFile(f"{name} is damaged (it cannot be opened: {_reason(error)}): download or make the archive again") from error
    room.unpacked -= sum(entry.file_size for entry in entries)
    room.members -= len(entries)
    if room.unpacked < 0 or room.members < 0:
        limit = file_size(MOST_UNPACKED) if room.unpacked < 0 else f"{MOST_MEMBERS:,} files"
        raise DamagedFile(f"{name} would unpack to more than {limit}: unpack it yourself and bring the files that you need")
    named = sorted(((_inner_name(entry), entry) for entry in entries if not entry.is_dir() and not _is_link(entry)), key=lambda found: found[0])
    found = [Member(archive, entry, f"{name}/{inner}", f"{place}/{inner}" if place else "") for inner, entry in named if _is_wanted(inner)]
    if not found:
        raise NoText(f"{name} holds no file of a kind that is read: bring {KINDS}")
    archive.unread = len(found)
    return found


def _refuse_other_kind(name: str, file: Path | io.BytesIO) -> None:
    try:
        with file.open("rb") if isinstance(file, Path) else io.BytesIO(file.getbuffer()[:64]) as stream:
            start = stream.read(64)
    except OSError as error:
        raise DamagedFile(f"{name} cannot be read: {error.strerror}. Check that it is there and that you may read it") from error
    if not start:
        raise EmptyFile(f"{name} is empty: there is nothing to index in it")
    if not start.startswith((ZIP, EMPTY_ZIP)):
        raise WrongFileType(f"{name} is not a ZIP archive but {looks_like(start) or 'something else'}: rename it to what it is, or bring another file")


def _inner_name(entry: zipfile.ZipInfo) -> str:
    """A member's path in the archive, without what would lead out of it or cannot be seen."""
    name = entry.filename
    if not entry.flag_bits & _UTF8:  # zipfile took it for DOS's encoding, programs of today write UTF-8
        with suppress(UnicodeError):
            name = name.encode("cp437").decode("utf-8")
    parts = _DRIVE.sub("", name.replace("\\", "/")).split("/")
    cleaned = ("".join(sign for sign in part if sign.isprintable()) for part in parts)
    return "/".join(part for part in cleaned if part not in ("", ".", ".."))


def _is_link(entry: zipfile.ZipInfo) -> bool:
    """Whether a member only points to another file."""
    return stat.S_ISLNK(entry.external_attr >> 16)


def _is_wanted(inner: str) -> bool:
    parts = inner.split("/")
    junk = any(part.startswith(".") or part in _JUNK for part in parts)
    return bool(inner) and not junk and (is_supported(parts[-1]) or is_archive(parts[-1]))


def _reason(error: Exception) -> str:
    return str(error).rstrip(".") or type(error).__name__
