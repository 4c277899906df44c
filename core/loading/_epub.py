"""EPUB e-books: their chapters in reading order, each a web page."""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
from collections.abc import Iterator
from urllib.parse import unquote

from lxml import etree

from core.errors import EncryptedFile
from core.loading._detection import check_zip, damaged_file, read_part
from core.loading._metadata import dublin_core, parse_xml
from core.loading._office import convert_to_markdown, markdown_document
from core.loading._text import decode
from core.records.document import Document

_CONTAINER = "META-INF/container.xml"
_PAGES = ("application/xhtml+xml", "text/html")
_ENCODING = re.compile(rb"<\?xml[^>]*encoding=[\"']([\w-]+)")
_FONT_LOCKS = ("obfuscation", "RC")  # of fonts only; they lock no text


def load_epub(name: str, data: bytes) -> Document:
    """Return an e-book's text. Raises LoadingError."""
    check_zip(name, data, "an e-book (.epub)", _CONTAINER)
    _refuse_locked(name, data)
    container = parse_xml(read_part(data, _CONTAINER))
    roots = container.iter("{*}rootfile") if container is not None else iter(())
    package = next((str(root.get("full-path") or "") for root in roots), "")
    listing = read_part(data, package)
    chapters = [convert_to_markdown(name, page, ".html").strip() for page in _pages(name, data, package, parse_xml(listing))]
    return markdown_document(name, data, "\n\n".join(filter(None, chapters)), dublin_core(listing))


def _refuse_locked(name: str, data: bytes) -> None:
    locks = parse_xml(read_part(data, "META-INF/encryption.xml"))
    for method in locks.iter("{*}EncryptionMethod") if locks is not None else ():
        if not str(method.get("Algorithm")).rstrip("/").endswith(_FONT_LOCKS):
            raise EncryptedFile(f"{name} is locked by its seller's rights management: bring a copy without it")


def _pages(name: str, data: bytes, package: str, listing: etree._Element | None) -> Iterator[bytes]:
    """The chapters as UTF-8, in the order of the spine, without the table of contents. Raises DamagedFile."""
    if listing is None:
        raise damaged_file(name, f"it has no readable list of its parts ({package or 'none is named'})")
    items = {str(item.get("id")): item for item in listing.iter("{*}item")}
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        there = set(archive.namelist())
        for reference in listing.iter("{*}itemref"):
            item = items.get(str(reference.get("idref")))
            if (
                item is None
                or item.get("media-type") not in _PAGES
                or "nav" in str(item.get("properties") or "").split()
            ):
                continue
            href = str(item.get("href") or "").partition("#")[0]
            paths = (
                posixpath.normpath(posixpath.join(posixpath.dirname(package), path)) for path in (unquote(href), href)
            )
            path = next((path for path in paths if path in there), None)
            if path:
                page = archive.read(path)
                declared = _ENCODING.match(page)
                yield (
                    decode(name, page, declared[1].decode() if declared else None).encode("utf-8", "ignore")
                    if page.strip()
                    else b""
                )
