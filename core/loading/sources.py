"""Sources of files to index: uploads, files and folders on disk, and the members of ZIP archives."""

from __future__ import annotations

import hashlib
import io
import logging
import os
import re
import stat
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import metadata
from pathlib import Path, PurePosixPath
from typing import IO, Protocol

from core.errors import (
    DamagedFile,
    EmptyFile,
    EncryptedFile,
    LoadingError,
    NoText,
    RankscopeError,
    UnsupportedFile,
)
from core.loading._detection import EMPTY_ZIP, ENCRYPTED, MAX_UNPACKED_BYTES, ZIP, ZIP_ERRORS, wrong_file_type
from core.loading._zip_names import distinct_names, member_names
from core.loading.loader import ARCHIVE_SUFFIX, SUPPORTED_FORMATS, is_supported, load
from core.loading.skipped import SkippedSource, kinds
from core.loading.tables import TableOptions
from core.records.document import Document
from core.util.formatting import file_size

PARSER_LIBRARIES = (
    "chardet",
    "lxml",
    "pylatexenc",
    "pypdfium2",
    "pyromark",
    "PyYAML",
    "turbohtml",
)


def file_fingerprint(name: str, data: bytes, *options: object) -> str:
    """Return the fingerprint of a file, of the ``options`` it is loaded with, and of the code that loads it.

    Files of the same fingerprint load into the same document. The folder that the file is in does not matter.
    """
    digest = hashlib.sha256(
        repr((_loading_code_fingerprint(), PurePosixPath(name).name, options)).encode("utf-8", "surrogatepass")
    )
    digest.update(data)
    return digest.hexdigest()


@cache
def _loading_code_fingerprint() -> str:
    """Return the fingerprint of our code and the libraries that load files: if it changes, files are read again."""
    core, digest = Path(__file__).parents[1], hashlib.sha256()
    for file in [core / "records" / "document.py", *sorted((core / "loading").rglob("*.py"))]:
        digest.update(file.read_bytes())
    for library in PARSER_LIBRARIES:
        digest.update(metadata.version(library).encode())
    return digest.hexdigest()


MAX_MEMBERS = 100_000  # of an archive with all those inside it
MAX_NESTING = 3  # archives inside one another
_LONGEST_END = 22 + 65_535  # bytes of the record that ends an archive, with its comment
_ZIP64_OFFSET = 0xFFFFFFFF
_JUNK = ("__MACOSX", "Thumbs.db", "desktop.ini")
UNNAMED = "unnamed file"  # a member of an archive whose name is empty
LINKED_FOLDER = "is a link to a folder and is not followed: name the folder itself to index what is in it"
_DRIVE = re.compile(r"^[A-Za-z]:")


@dataclass(frozen=True)
class UnreadableSource:
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
        """Return the members. Raises BadZipFile also where the end is cut off and the directory that is found last is
        that of an archive inside this one: it counts from the beginning of that, not of the file."""
        with zipfile.ZipFile(self.file) as archive:
            entries = archive.infolist()
            first = min((entry.header_offset for entry in entries), default=0)
            if first and archive.fp and _directory_offset(archive.fp) not in (None, archive.start_dir):
                raise zipfile.BadZipFile("its end is missing")
            return entries

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
class ArchiveMember:
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
            raise EncryptedFile(
                f"{self.name} is protected by the archive's password: unpack the archive and bring the file itself"
            )
        try:
            return self.archive.read(self.entry)
        except NotImplementedError as error:
            raise UnsupportedFile(
                f"{self.name} is packed in a way that cannot be read ({error}): "
                "unpack the archive and bring the file itself"
            ) from error
        except ZIP_ERRORS as error:
            raise DamagedFile(
                f"{self.name} cannot be unpacked ({_reason(error)}): bring the file itself, or make the archive again"
            ) from error


@dataclass
class _UnpackLimits:
    """What an archive, with the archives inside it, may still unpack to."""

    unpacked: int = field(default_factory=lambda: MAX_UNPACKED_BYTES)  # bytes
    members: int = field(default_factory=lambda: MAX_MEMBERS)


def is_archive(name: str) -> bool:
    """Return whether the name is that of a ZIP archive."""
    return PurePosixPath(name).suffix.lower() == ARCHIVE_SUFFIX


def archive_members(source: Source, path: Path | None = None) -> Iterator[Source]:
    """Yield the files in the archive ``source``, which lies at ``path`` if on disk, called ``archive.zip/folder/name``.

    In the order of their names, each name once. Hidden files and the junk of operating systems are passed over,
    archives inside are opened too. What cannot be read is yielded as UnreadableSource, kinds that are not read as
    SkippedSource.
    """
    yield from _expand(source, path, str(path) if path else "", _UnpackLimits(), 1)


def _expand(source: Source, path: Path | None, place: str, limits: _UnpackLimits, depth: int) -> Iterator[Source]:
    try:
        if depth > MAX_NESTING:
            raise UnsupportedFile(
                f"{source.name} is an archive {depth} deep in others: unpack it and bring what is inside"
            )
        archive = _Archive(path or io.BytesIO(source.read()))
        inside = _members(source.name, archive, place, limits)
    except LoadingError as error:
        yield UnreadableSource(source.name, source.size, error)
        return
    for member in inside:
        if isinstance(member, ArchiveMember) and is_archive(member.name):
            yield from _expand(member, None, member.source, limits, depth + 1)
        else:
            yield member


def _members(name: str, archive: _Archive, place: str, limits: _UnpackLimits) -> list[ArchiveMember | SkippedSource]:
    """Return the files of an archive. Raises LoadingError, also if none is supported or they unpack to too much."""
    _check_is_zip(name, archive.file)
    try:
        entries = archive.entries()
    except ZIP_ERRORS as error:
        raise DamagedFile(
            f"{name} is damaged (it cannot be opened: {_reason(error)}): download or make the archive again"
        ) from error
    limits.unpacked -= sum(entry.file_size for entry in entries)
    limits.members -= len(entries)
    if limits.unpacked < 0 or limits.members < 0:
        limit = file_size(MAX_UNPACKED_BYTES) if limits.unpacked < 0 else f"{MAX_MEMBERS:,} files"
        raise DamagedFile(
            f"{name} would unpack to more than {limit}: unpack it yourself and bring the files that you need"
        )
    named_entries = sorted(
        (
            (_inner_name(raw) or UNNAMED, entry)
            for raw, entry in zip(member_names(entries), entries, strict=True)
            if not entry.filename.endswith("/") and not _is_link(entry)
        ),
        key=lambda named_entry: named_entry[0],
    )
    shown = [(inner, entry) for inner, entry in named_entries if not _is_junk(inner)]
    members: list[ArchiveMember | SkippedSource] = [
        ArchiveMember(archive, entry, f"{name}/{inner}", f"{place}/{inner}" if place else "")
        if _is_readable(inner)
        else SkippedSource(f"{name}/{inner}", size=entry.file_size)
        for inner, (_, entry) in zip(distinct_names([inner for inner, _ in shown]), shown, strict=True)
    ]
    archive.unread = sum(isinstance(member, ArchiveMember) for member in members)
    if not archive.unread:
        raise NoText(f"{name} holds no file of a kind that is read{_held(members)}: bring {SUPPORTED_FORMATS}")
    return members


def _held(members: Sequence[ArchiveMember | SkippedSource]) -> str:
    """What an archive holds instead of files that are read, to be put behind a statement."""
    skipped = [member for member in members if isinstance(member, SkippedSource)]
    return f" ({kinds(member.name for member in skipped)})" if skipped else ""


def _directory_offset(file: IO[bytes]) -> int | None:
    """Return where an archive says that its directory begins, None where it says so in the fields of large archives."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(size - _LONGEST_END, 0))
    end = file.read()
    record = end[end.rfind(b"PK\x05\x06") :]
    offset = int.from_bytes(record[16:20], "little") if len(record) >= 20 else _ZIP64_OFFSET
    return None if offset == _ZIP64_OFFSET else offset


def _check_is_zip(name: str, file: Path | io.BytesIO) -> None:
    try:
        with file.open("rb") if isinstance(file, Path) else io.BytesIO(file.getbuffer()[:64]) as stream:
            start = stream.read(64)
    except OSError as error:
        raise DamagedFile(
            f"{name} cannot be read: {error.strerror}. Check that it is there and that you may read it"
        ) from error
    if not start:
        raise EmptyFile(f"{name} is empty: there is nothing to index in it")
    if not start.startswith((ZIP, EMPTY_ZIP)):
        raise wrong_file_type(name, start, "a ZIP archive")


def _inner_name(name: str) -> str:
    """A member's path in the archive, without what would lead out of it or cannot be seen."""
    parts = _DRIVE.sub("", name.replace("\\", "/")).split("/")
    cleaned = ("".join(sign for sign in part if sign.isprintable()) for part in parts)
    return "/".join(part for part in cleaned if part not in ("", ".", ".."))


def _is_link(entry: zipfile.ZipInfo) -> bool:
    """Return whether a member is a symbolic link."""
    return stat.S_ISLNK(entry.external_attr >> 16)


def _is_junk(inner: str) -> bool:
    return any(part.startswith(".") or part in _JUNK for part in inner.split("/"))


def _is_readable(name: str) -> bool:
    return is_supported(name) or is_archive(name)


def _reason(error: Exception) -> str:
    return str(error).rstrip(".") or type(error).__name__


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
            raise DamagedFile(
                f"{self.name} cannot be read: {error.strerror}. Check that it is there and that you may read it"
            ) from error


@dataclass(frozen=True)
class PreparedSource:
    """A document that needs no loading: it is stored already, or was read from a data set. ``size`` in bytes."""

    name: str
    size: int
    document: Callable[[], Document]

    def read(self) -> bytes:
        """Return the document's text."""
        return self.document().text.encode()


def expand_archives(sources: Iterable[Source]) -> Iterator[Source]:
    """Yield ``sources`` with each ZIP archive replaced by what is in it."""
    for source in sources:
        if is_archive(source.name) and not isinstance(source, PreparedSource):
            yield from archive_members(source, source.path if isinstance(source, PathSource) else None)
        else:
            yield source


def table_options(source: Source) -> TableOptions | None:
    """Return which columns of a source are text and metadata, None unless an upload, queued or not, names them."""
    options = getattr(source, "tables", None)
    return options if isinstance(options, TableOptions) else None


def load_source(source: Source, data: bytes | None = None) -> Document:
    """Return a source's document; one from disk says in its metadata where it lies. Raises LoadingError.

    ``data`` are its bytes, if they were read already.
    """
    if isinstance(source, PreparedSource):
        return source.document()
    data = source.read() if data is None else data
    try:
        document = load(source.name, data, table_options(source))
    except RankscopeError:
        raise
    except Exception as error:  # a fault of the reader: whatever it is, the other files are none the worse for it
        logging.getLogger(__name__).exception("The reader of %s failed", source.name)
        raise DamagedFile(
            f"{source.name} cannot be read, its reader failed ({type(error).__name__}: {str(error)[:200]}): "
            "save it again in its own program or in another format, and bring that"
        ) from error
    place = (
        source.path.as_posix()
        if isinstance(source, PathSource)
        else source.source
        if isinstance(source, ArchiveMember)
        else ""
    )
    return replace(document, metadata={**document.metadata, "source": shown_path(place)}) if place else document


def shown_path(path: str) -> str:
    """Return a path with the bytes of it that are no UTF-8, as older systems wrote them, as ``\\xe4``.

    Python gives such a byte as half a character, which nothing can store. Two paths never become the same.
    """
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def walk(paths: Iterable[Path]) -> Iterator[PathSource | SkippedSource | UnreadableSource]:
    """Yield the files of ``paths``, folders walked in sorted order.

    In folders, hidden files are passed over, and a ZIP archive is yielded as one file. Files of kinds that are not
    read and links to folders, which are not followed, are yielded as SkippedSource, folders that cannot be opened as
    UnreadableSource. A file that is named itself is always yielded. Raises UnsupportedFile for a path that does not
    exist.
    """
    for path in paths:
        if path.is_dir():
            yield from sorted(_walk_folder(path), key=lambda source: PurePosixPath(source.name).parts)
        elif path.exists():
            yield PathSource(path, shown_path(path.name))
        else:
            raise UnsupportedFile(f"There is no file or folder {str(path)!r}: check the path")


def _walk_folder(folder: Path) -> Iterator[PathSource | SkippedSource | UnreadableSource]:
    unreadable: list[OSError] = []
    for parent, folders, files in os.walk(folder, onerror=unreadable.append):
        inside = Path(parent).relative_to(folder)
        for name in folders:
            if not _is_junk(name) and os.path.islink(os.path.join(parent, name)):  # noqa: PTH114, PTH118  quick
                yield SkippedSource(shown_path((inside / name).as_posix()), LINKED_FOLDER)
        folders[:] = [name for name in folders if not _is_junk(name)]
        for name in files:
            if not _is_junk(name):
                yield _file(Path(parent, name), shown_path((inside / name).as_posix()))
    for error in unreadable:
        place = shown_path(Path(error.filename).relative_to(folder).as_posix())
        message = f"{place} cannot be read: {error.strerror}. Check that it is there and that you may read it"
        yield UnreadableSource(place, 0, DamagedFile(message))


def _file(path: Path, name: str) -> PathSource | SkippedSource:
    """A file in a folder: as it is if its kind is read; links to nothing and devices never are."""
    if not path.is_file():
        return SkippedSource(name, "is a link to nothing" if path.is_symlink() else "is no ordinary file")
    return PathSource(path, name) if _is_readable(path.name) else SkippedSource(name)
