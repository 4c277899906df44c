"""EPUB e-books: their chapters in reading order, each a web page."""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
from collections import Counter
from collections.abc import Iterator
from urllib.parse import unquote

from lxml import etree

from core.errors import EncryptedFile
from core.loading._detection import check_zip, damaged_file, read_part
from core.loading._encoding import decode
from core.loading._markdown import markdown_document
from core.loading._metadata import dublin_core, parse_xml
from core.loading._omissions import first_names
from core.loading.html.load import convert_html, page_notes
from core.records.document import Document
from core.util.formatting import plural

_CONTAINER = "META-INF/container.xml"
_CHAPTER_TYPES = ("application/xhtml+xml", "text/html")
# Pictures, PDFs, sound and fonts, which a spine may name in place of pages.
_NO_MARKUP = (b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"RIFF", b"%PDF", b"ID3", b"OggS", b"OTTO", b"wOF", b"\0\1\0\0")
_PICTURE = re.compile(r"<(?:\w+:)?(?:img|image|svg|object)\b", re.IGNORECASE)
_ENCODING = re.compile(rb"(?:\xef\xbb\xbf)?\s*<\?xml[^>]*encoding=[\"']([\w-]+)")
# Of EPUB and of Adobe, used for embedded fonts only: the text stays readable.
_FONT_ALGORITHMS = ("2008/embedding", "obfuscation", "RC")


def load_epub(name: str, data: bytes) -> Document:
    """Return an e-book's text. Raises LoadingError."""
    check_zip(name, data, "an e-book (.epub)", _CONTAINER)
    _reject_drm(name, data)
    container = parse_xml(read_part(data, _CONTAINER))
    roots = container.iter("{*}rootfile") if container is not None else iter(())
    package_path = next((str(root.get("full-path") or "") for root in roots), "")
    package = read_part(data, package_path)
    root = parse_xml(package)
    if root is None:
        raise damaged_file(name, f"it has no readable list of its parts ({package_path or 'none is named'})")
    chapters = _Chapters(name, data, package_path, root)
    texts = list(chapters.texts())
    return markdown_document(
        name, data, "\n\n".join(filter(None, texts)), dublin_core(package), notes=tuple(chapters.notes())
    )


def _reject_drm(name: str, data: bytes) -> None:
    encryption = parse_xml(read_part(data, "META-INF/encryption.xml"))
    for method in encryption.iter("{*}EncryptionMethod") if encryption is not None else ():
        if not str(method.get("Algorithm")).rstrip("/").endswith(_FONT_ALGORITHMS):
            raise EncryptedFile(f"{name} is locked by its seller's rights management: bring a copy without it")


class _Chapters:
    """The chapters of a book in the order of its spine, and what could not be read of them."""

    def __init__(self, name: str, data: bytes, package_path: str, package: etree._Element) -> None:
        self._name = name
        self._data = data
        self._folder = posixpath.dirname(package_path)
        self._items = {str(item.get("id")): item for item in package.iter("{*}item")}
        self._spine = [str(reference.get("idref")) for reference in package.iter("{*}itemref")]
        self._counts: Counter[str] = Counter()
        self._notes: dict[str, None] = {}
        self._missing: list[str] = []
        self._blank = 0

    def texts(self) -> Iterator[str]:
        """Yield the text of each chapter; the table of contents is left out. Raises WrongFileType."""
        with zipfile.ZipFile(io.BytesIO(self._data)) as archive:
            parts = set(archive.namelist())
            read: set[str] = set()
            for index, identifier in enumerate(self._spine):
                item = self._items.get(identifier)
                if item is None:
                    self._missing.append(identifier)
                    continue
                path = self._path(item, parts)
                if path is None:
                    self._missing.append(unquote(str(item.get("href") or identifier)))
                elif path not in read and "nav" not in str(item.get("properties") or "").split():
                    read.add(path)  # a chapter that the spine names twice is read once
                    yield self._text(archive, path, index)
            for item in self._items.values():  # notes and the like, which links lead to
                path = self._path(item, parts)
                properties = str(item.get("properties") or "").split()
                if path and path not in read and item.get("media-type") in _CHAPTER_TYPES and "nav" not in properties:
                    read.add(path)
                    yield self._text(archive, path, len(self._spine))

    def notes(self) -> Iterator[str]:
        """Yield what the text lacks, once it was read."""
        yield from self._notes
        if self._missing:
            names = first_names(self._missing)
            yield f"{plural(len(self._missing), 'part')} that the book lists but does not hold: {names}"
        if self._blank:
            yield f"{plural(self._blank, 'chapter')} without text, only pictures"
        yield from page_notes(self._counts)

    def _path(self, item: etree._Element, parts: set[str]) -> str | None:
        href = str(item.get("href") or "").partition("#")[0]
        paths = (posixpath.normpath(posixpath.join(self._folder, path)) for path in (unquote(href), href))
        return next((path for path in paths if path in parts), None)

    def _text(self, archive: zipfile.ZipFile, path: str, index: int) -> str:
        """Return a part's text. A cover, the first part, may be a picture alone."""
        html = archive.read(path)
        if html.startswith(_NO_MARKUP):
            self._blank += index > 0
            return ""
        if not html.strip():
            return ""
        declared = _ENCODING.match(html)
        decoded = decode(self._name, html, declared[1].decode() if declared else None)
        self._notes |= dict.fromkeys(decoded.notes)
        page = convert_html(decoded.text, xml=True)
        text = page.text.strip()
        if not text and _PICTURE.search(decoded.text):
            self._blank += index > 0
        elif text:
            self._counts.update(page.counts)
        return text
