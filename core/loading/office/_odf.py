"""Packages of OpenDocument (ISO/IEC 26300): parts, elements by their local names, and what styles say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from posixpath import normpath

from lxml import etree

from core.loading._detection import check_zip, damaged_file, encrypted_file, read_part
from core.loading._metadata import dublin_core
from core.loading._omissions import Omissions
from core.loading.office._xml import parse_part
from core.records.document import Metadata

_MOST_PARENTS = 20  # of a style
_LENGTH = re.compile(r"(-?[\d.]+)\s*(cm|mm|in|pt|pc|px)?")
_UNITS = {"cm": 1.0, "mm": 0.1, "in": 2.54, "pt": 2.54 / 72, "pc": 2.54 / 6, "px": 2.54 / 96}


@lru_cache(maxsize=4096)
def _local(name: str) -> str:
    return name.rpartition("}")[2]


def tag(element: etree._Element) -> str:
    """Return an element's name without its namespace, empty for a comment."""
    return _local(element.tag) if isinstance(element.tag, str) else ""


def attribute(element: etree._Element, name: str) -> str:
    """Return the value of an attribute in any namespace, empty if the element does not have it."""
    return next((str(value) for key, value in element.attrib.items() if _local(str(key)) == name), "")


def number(element: etree._Element, name: str, limit: int) -> int:
    """Return an attribute as a number of at most ``limit``, 1 where it is none."""
    value = attribute(element, name)
    return min(int(value), limit) if value.isdecimal() and len(value) < 19 else limit if value.isdecimal() else 1


def child(element: etree._Element | None, *path: str) -> etree._Element | None:
    """Return the first element at a path of local names, None if there is none."""
    for name in path:
        element = next((found for found in element if tag(found) == name), None) if element is not None else None
    return element


def length(element: etree._Element, name: str) -> float:
    """Return a length in centimetres, 0 where there is none."""
    match = _LENGTH.fullmatch(attribute(element, name).strip())
    try:
        return float(match[1]) * _UNITS[match[2] or "cm"] if match else 0.0
    except ValueError:
        return 0.0


class OpenDocument:
    """A document's parts and styles, and counts of what its text lacks."""

    def __init__(self, name: str, data: bytes, expected: str) -> None:
        """Open a document that must be ``expected``. Raises LoadingError."""
        check_zip(name, data, expected, "content.xml")
        if b"encryption-data" in read_part(data, "META-INF/manifest.xml"):
            raise encrypted_file(name)
        self.name = name
        self._data = data
        self.omissions = Omissions()
        self._controls: dict[str, etree._Element] | None = None
        self.used: set[str] = set()  # objects that were read: one that is used without end is read once
        content = self.xml("content.xml")
        body = child(content, "body")
        if body is None:
            raise damaged_file(name, "it has no body")
        self.body = body
        self.page_styles = self.xml("styles.xml")
        self._styles: dict[tuple[str, str], etree._Element] = {}
        self._properties: dict[tuple[str, str, str, str], str] = {}
        for root in (self.page_styles, content):
            for group in ("styles", "automatic-styles"):
                self._read_styles(child(root, group))

    def _read_styles(self, group: etree._Element | None) -> None:
        for style in group if group is not None else ():
            family = tag(style) if tag(style) in ("list-style", "outline-style") else attribute(style, "family")
            self._styles[family, attribute(style, "name") if family != "outline-style" else ""] = style

    def xml(self, part: str) -> etree._Element | None:
        """Return a part's root element, None if there is no such part. Raises DamagedFile."""
        return parse_part(self.name, part, read_part(self._data, normpath(part).lstrip("/")))

    def control_text(self, identity: str) -> str:
        """Return what a form's control shows: its label, and what was typed or chosen."""
        if self._controls is None:
            self._controls = {
                attribute(found, "id"): found
                for forms in self.body.iter()
                if tag(forms) == "forms"
                for found in forms.iter()
                if attribute(found, "id")
            }
        control = self._controls.get(identity)
        if control is None or tag(control) in ("hidden", "password"):
            return ""
        texts = [attribute(control, "label")]
        if tag(control) not in ("checkbox", "radio", "button", "image"):  # whose value is for programs
            texts.append(attribute(control, "current-value") or attribute(control, "value"))
        texts += [" ".join(map(str, found.itertext())) for found in control if tag(found) == "p"]
        texts += [attribute(found, "label") for found in control if tag(found) == "option" and _is_chosen(found)]
        return " ".join(" ".join(texts).split())

    def metadata(self) -> Metadata:
        """Return title, author and date."""
        return dublin_core(read_part(self._data, "meta.xml"))

    def style(self, family: str, name: str) -> etree._Element | None:
        """Return a style by its family and name."""
        return self._styles.get((family, name))

    def properties(self, family: str, name: str, group: str, wanted: str) -> str:
        """Return a property of a style or of the nearest of its parents that has it, empty if none has."""
        key = (family, name, group, wanted)
        if key not in self._properties:
            self._properties[key] = next(self._values(*key), "")
        return self._properties[key]

    def _values(self, family: str, name: str, group: str, wanted: str) -> Iterator[str]:
        for style in self._parents(family, name):
            for properties in style:
                value = attribute(properties, wanted) if tag(properties) == group else ""
                if value:
                    yield value

    def _parents(self, family: str, name: str) -> Iterator[etree._Element]:
        for _ in range(_MOST_PARENTS):
            style = self._styles.get((family, name))
            if style is None:
                return
            yield style
            name = attribute(style, "parent-style-name")

    def is_hidden_text(self, family: str, element: etree._Element) -> bool:
        """Return whether the style of a paragraph or span hides its text."""
        name = attribute(element, "style-name")
        return bool(name) and self.properties(family, name, "text-properties", "display") == "none"


def _is_chosen(option: etree._Element) -> bool:
    return "true" in (attribute(option, "current-selected"), attribute(option, "selected"))
