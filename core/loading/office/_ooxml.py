"""Packages of Office Open XML (ECMA-376, ISO/IEC 29500): parts, relationships, and XML under short names."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from posixpath import dirname, join, normpath, splitext
from urllib.parse import unquote

from lxml import etree

from core.loading._detection import ZIP_ERRORS, check_zip, damaged_file
from core.loading._metadata import dublin_core
from core.loading.office._xml import parse_part
from core.records.document import Metadata

# Namespaces by the prefix that the standard gives them. Those of the strict variant, which begin with
# http://purl.oclc.org/ooxml/, have the same paths without the year.
_PREFIXES = {
    "wordprocessingml/main": "w",
    "presentationml/main": "p",
    "spreadsheetml/main": "s",
    "drawingml/main": "a",
    "drawingml/wordprocessingDrawing": "wp",
    "drawingml/spreadsheetDrawing": "xdr",
    "drawingml/chart": "c",
    "drawingml/chartDrawing": "cdr",
    "drawingml/diagram": "dgm",
    "drawingml/picture": "pic",
    "officeDocument/relationships": "r",
    "officeDocument/math": "m",
    "package/relationships": "rel",
    "markup-compatibility": "mc",
    "urn:schemas-microsoft-com:vml": "v",
    "urn:schemas-microsoft-com:office:office": "o",
    "urn:schemas-microsoft-com:office:excel": "x",
    "http://schemas.microsoft.com/office/drawing/2014/chartex": "cx",
    "http://schemas.microsoft.com/office/word/2010/wordprocessingShape": "wps",
}
_HOST = re.compile(r"http://(?:schemas\.openxmlformats\.org|purl\.oclc\.org/ooxml)/")
_YEAR = re.compile(r"(?:/\d{4})(?=/|$)")
GENERATED_NAME = re.compile(r"\S+\.(?:png|jpe?g|gif|bmp|svg|emf|wmf|tiff?|webp)", re.IGNORECASE)
# What shows something: a choice without any of them is one for programs that draw ink or effects.
_SHOWN = {"w:t", "a:t", "m:t", "w:txbxContent", "pic:pic", "p:pic", "xdr:pic", "c:chart", "cx:chart", "dgm:relIds"}
_SHOWN |= {"v:textpath", "v:imagedata", "o:OLEObject", "p:oleObj", "w:sym", "a:tbl", "p:sp", "p:cxnSp", "xdr:sp"}


@lru_cache(maxsize=4096)
def _short_name(tag: str) -> str:
    namespace, _, local = tag[1:].rpartition("}") if tag.startswith("{") else ("", "", tag)
    path = _YEAR.sub("", _HOST.sub("", namespace))
    return f"{_PREFIXES.get(path, '')}:{local}"


def kind(element: etree._Element) -> str:
    """Return an element's name under the standard's prefix, ``w:p``; ``:name`` in other namespaces, else empty."""
    tag = element.tag
    return _short_name(tag) if isinstance(tag, str) else ""


def attribute(element: etree._Element, name: str, default: str = "") -> str:
    """Return the value of an attribute by its local name, those without a namespace first."""
    value = element.get(name)
    if value is not None:
        return str(value)
    suffix = "}" + name
    return next((str(found) for key, found in element.attrib.items() if str(key).endswith(suffix)), default)


def relationship_id(element: etree._Element, name: str = "id") -> str:
    """Return the id of the relationship that an element refers to."""
    for key, value in element.attrib.items():
        if _short_name(str(key)) == f"r:{name}":
            return str(value)
    return ""


def is_on(element: etree._Element | None, default: bool = False) -> bool:
    """Return the value of a toggle such as ``w:vanish``: ``default`` where it is missing, on where it has no value."""
    if element is None:
        return default
    return attribute(element, "val", "true").lower() not in ("0", "false", "off", "none")


def child(element: etree._Element | None, *path: str) -> etree._Element | None:
    """Return the first element at a path of short names, None if there is none."""
    for name in path:
        element = next((found for found in element if kind(found) == name), None) if element is not None else None
    return element


def children(element: etree._Element | None, name: str) -> Iterator[etree._Element]:
    """Yield the children of a short name."""
    yield from (found for found in element if kind(found) == name) if element is not None else ()


def descendants(element: etree._Element, *names: str) -> Iterator[etree._Element]:
    """Yield the descendants of short names in order, without the alternatives that are not shown."""
    for found in shown_children(element):
        if kind(found) in names:
            yield found
        yield from descendants(found, *names)


def shown_children(element: etree._Element) -> Iterator[etree._Element]:
    """Yield the children of an element, of alternatives (mc:AlternateContent) the content of the one that is shown."""
    for found in element:
        name = kind(found)
        if name == "mc:AlternateContent":
            yield from _alternative(found)
        elif name:
            yield found


def _alternative(content: etree._Element) -> Iterator[etree._Element]:
    choices = list(children(content, "mc:Choice"))
    fallback = child(content, "mc:Fallback")
    chosen = next((one for one in choices if any(kind(found) in _SHOWN for found in one.iter())), fallback)
    if chosen is None and choices:
        chosen = choices[0]
    if chosen is not None:
        yield from shown_children(chosen)


def described(properties: etree._Element | None) -> str:
    """Return the description of a picture or shape; empty where a program wrote the name of the picture's file."""
    if properties is None:
        return ""
    texts = (" ".join(attribute(properties, name).split()) for name in ("title", "descr"))
    return ": ".join(dict.fromkeys(text for text in texts if text and not GENERATED_NAME.fullmatch(text)))


def is_decorative(properties: etree._Element | None) -> bool:
    """Return whether a picture is marked as decoration."""
    return properties is not None and any(is_on(found) for found in properties.iter() if kind(found) == ":decorative")


@dataclass(frozen=True, slots=True)
class Relationship:
    """A part that another refers to, by the last word of the relationship's type; empty if outside the package."""

    kind: str
    target: str


class Package:
    """The parts of a package that was checked."""

    def __init__(self, name: str, data: bytes, expected: str, folder: str) -> None:
        """Open the package ``data``; raises LoadingError if it is not ``expected``, with its parts in ``folder``."""
        check_zip(name, data, expected, folder)
        self.name = name
        self._zip = zipfile.ZipFile(io.BytesIO(data))
        self._related: dict[str, dict[str, Relationship]] = {}
        self._used: set[str] = set()
        self._members = {self._key(member): member for member in self._zip.namelist()}

    @staticmethod
    def _key(part: str) -> str:
        return part.replace("\\", "/").lstrip("/").lower()

    def read(self, part: str) -> bytes:
        """Return a part's bytes, empty if there is none of that name. Raises DamagedFile."""
        member = self._members.get(self._key(part))
        if member is None:
            return b""
        try:
            return self._zip.read(member)
        except ZIP_ERRORS as error:
            raise damaged_file(self.name, f"its part {part} cannot be unpacked") from error

    def xml(self, part: str) -> etree._Element | None:
        """Return a part's root element, None if there is no such part. Raises DamagedFile for broken XML."""
        return parse_part(self.name, part, self.read(part) if part else b"")

    def main(self, default: str, content: str) -> tuple[str, etree._Element]:
        """Return the path and the root of the document's main part, which has its ``content``. Raises DamagedFile."""
        found = next((to.target for to in self.related("").values() if to.kind == "officeDocument"), "")
        path = found if self._key(found) in self._members else default
        root = self.xml(path)
        if root is None:
            raise damaged_file(self.name, f"it has no {content}")
        return path, root

    def related(self, part: str) -> dict[str, Relationship]:
        """Return the relationships of a part by their ids."""
        if part not in self._related:
            self._related[part] = self._read_relationships(part)
        return self._related[part]

    def is_first_use(self, part: str) -> bool:
        """Return whether a part is used for the first time: one that is used without end is read once."""
        is_first = part not in self._used
        self._used.add(part)
        return is_first

    def forget_uses(self) -> None:
        """Begin anew with what ``is_first_use`` returns."""
        self._used.clear()

    def _read_relationships(self, part: str) -> dict[str, Relationship]:
        folder, base = dirname(part), part.rpartition("/")[2]
        root = self.xml(join(folder, "_rels", f"{base}.rels"))
        return {
            attribute(found, "Id"): Relationship(attribute(found, "Type").rpartition("/")[2], _target(folder, found))
            for found in (root if root is not None else ())
            if kind(found) == "rel:Relationship"
        }

    def related_parts(self, part: str, *kinds: str) -> list[str]:
        """Return the parts that a part refers to by relationships of these kinds."""
        return [to.target for to in self.related(part).values() if to.kind in kinds and to.target]

    def metadata(self) -> Metadata:
        """Return title, author and date from the core properties."""
        part = next(iter(self.related_parts("", "core-properties")), "docProps/core.xml")
        return dublin_core(self.read(part))


def _target(folder: str, relationship: etree._Element) -> str:
    target = unquote(attribute(relationship, "Target")).replace("\\", "/")
    if attribute(relationship, "TargetMode") == "External":
        return ""
    return normpath(join(folder, target) if not target.startswith("/") else target).lstrip("/")


def suffix(part: str) -> str:
    """Return the ending of a part's name, lower case, with its dot."""
    return splitext(part)[1].lower()
