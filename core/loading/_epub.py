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
from core.loading._encoding import decode
from core.loading._html import html_to_markdown
from core.loading._markdown import markdown_document
from core.loading._metadata import dublin_core, parse_xml
from core.records.document import Document

_CONTAINER = "META-INF/container.xml"
_CHAPTER_TYPES = ("application/xhtml+xml", "text/html")
_ENCODING = re.compile(rb"<\?xml[^>]*encoding=[\"']([\w-]+)")
_FONT_ALGORITHMS = ("obfuscation", "RC")  # used for embedded fonts only, the text stays readable


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
    chapters = (html_to_markdown(html).strip() for html in _chapters(name, data, package_path, root))
    return markdown_document(name, data, "\n\n".join(filter(None, chapters)), dublin_core(package))


def _reject_drm(name: str, data: bytes) -> None:
    encryption = parse_xml(read_part(data, "META-INF/encryption.xml"))
    for method in encryption.iter("{*}EncryptionMethod") if encryption is not None else ():
        if not str(method.get("Algorithm")).rstrip("/").endswith(_FONT_ALGORITHMS):
            raise EncryptedFile(f"{name} is locked by its seller's rights management: bring a copy without it")


def _chapters(name: str, data: bytes, package_path: str, package: etree._Element) -> Iterator[str]:
    """Yield the chapters in the order of the spine, without the table of contents. Raises WrongFileType."""
    items = {str(item.get("id")): item for item in package.iter("{*}item")}
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = set(archive.namelist())
        for reference in package.iter("{*}itemref"):
            item = items.get(str(reference.get("idref")))
            if item is None or item.get("media-type") not in _CHAPTER_TYPES:
                continue
            if "nav" in str(item.get("properties") or "").split():
                continue
            href = str(item.get("href") or "").partition("#")[0]
            folder = posixpath.dirname(package_path)
            paths = (posixpath.normpath(posixpath.join(folder, path)) for path in (unquote(href), href))
            path = next((path for path in paths if path in parts), None)
            html = archive.read(path) if path else b""
            if html.strip():
                encoding = _ENCODING.match(html)
                yield decode(name, html, encoding[1].decode() if encoding else None).text
