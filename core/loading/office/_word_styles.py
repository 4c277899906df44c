"""What a Word document's styles and lists say of a paragraph: its heading level, number, and whether it is hidden."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from lxml import etree

from core.loading.office._ooxml import Package, attribute, child, children, is_on, kind

# Programs other than Word may write the names of its headings in their own language.
_HEADING_NAME = re.compile(
    r"(?:heading|überschrift|titre|título|titulo|titolo|kop|rubrik|overskrift|otsikko|nagłówek|nadpis|заголовок|標題"
    r"|标题|見出し|제목)\s*([1-9])",
    re.IGNORECASE,
)
_MOST_LEVELS = 9
_MOST_BASES = 50  # styles based on one another
_ROMAN = {1000: "m", 900: "cm", 500: "d", 400: "cd", 100: "c", 90: "xc", 50: "l", 40: "xl", 10: "x", 9: "ix", 5: "v",
          4: "iv", 1: "i"}  # fmt: skip
_PLACE = re.compile(r"%([1-9])")


@dataclass(frozen=True, slots=True)
class ListItem:
    """A paragraph's place in a list: its level from 0, and its number, empty for a bullet."""

    level: int
    number: str


class Styles:
    """The paragraph and character styles of a document."""

    def __init__(self, package: Package, part: str) -> None:
        """Read the styles that the document in ``part`` has."""
        self._styles: dict[str, etree._Element] = {}
        self._default = ""
        self._levels: dict[str, int] = {}
        self._hidden: dict[str, bool | None] = {}
        for styles in package.related_parts(part, "styles"):
            root = package.xml(styles)
            for style in children(root, "w:style"):
                identity = attribute(style, "styleId")
                self._styles[identity] = style
                if attribute(style, "type") == "paragraph" and attribute(style, "default") in ("1", "true", "on"):
                    self._default = identity

    def _chain(self, identity: str) -> Iterator[etree._Element]:
        """Yield a style and those that it is based on."""
        seen: set[str] = set()
        while identity in self._styles and identity not in seen and len(seen) < _MOST_BASES:
            seen.add(identity)
            style = self._styles[identity]
            yield style
            base = child(style, "w:basedOn")
            identity = attribute(base, "val") if base is not None else ""

    def of(self, properties: etree._Element | None, name: str = "w:pStyle") -> str:
        """Return the id of the style that paragraph or run properties name, or of the default one for paragraphs."""
        found = child(properties, name)
        return attribute(found, "val") if found is not None else self._default if name == "w:pStyle" else ""

    def heading_level(self, properties: etree._Element | None) -> int:
        """Return the level of a heading, 1 to 6, 0 for other paragraphs."""
        own = child(properties, "w:outlineLvl")
        if own is not None:
            return _outline_level(own)
        identity = self.of(properties)
        if identity not in self._levels:
            self._levels[identity] = self._style_level(identity)
        return self._levels[identity]

    def _style_level(self, identity: str) -> int:
        for style in self._chain(identity):
            level = child(style, "w:pPr", "w:outlineLvl")
            if level is not None:
                return _outline_level(level)
            named = child(style, "w:name")
            name = attribute(named, "val").strip() if named is not None else ""
            match = _HEADING_NAME.fullmatch(name)
            if match or name.lower() == "title":
                return min(int(match[1]), 6) if match else 1
        return 0

    def is_hidden(self, run: etree._Element | None, paragraph_style: str) -> bool:
        """Return whether a run with these properties, in a paragraph of that style, is hidden text."""
        own = child(run, "w:vanish")
        if own is not None:
            return is_on(own)
        for identity in (self.of(run, "w:rStyle") if run is not None else "", paragraph_style):
            if identity not in self._hidden:
                self._hidden[identity] = self._style_hides(identity)
            hides = self._hidden[identity]
            if hides is not None:
                return hides
        return False

    def _style_hides(self, identity: str) -> bool | None:
        for style in self._chain(identity):
            vanish = child(style, "w:rPr", "w:vanish")
            if vanish is not None:
                return is_on(vanish)
        return None

    def numbering(self, properties: etree._Element | None) -> tuple[str, int]:
        """Return the list that a paragraph is in, empty if none, and its level there from 0."""
        identity, level = "", -1
        sources = [properties, *(child(style, "w:pPr") for style in self._chain(self.of(properties)))]
        for source in sources:
            found = child(source, "w:numPr")
            if found is None:
                continue
            number, depth = child(found, "w:numId"), child(found, "w:ilvl")
            if level < 0 and depth is not None:
                level = _whole(attribute(depth, "val"))
            if number is not None:
                identity = attribute(number, "val")
                break
        return ("" if identity == "0" else identity), min(max(level, 0), _MOST_LEVELS - 1)


def _outline_level(element: etree._Element) -> int:
    level = _whole(attribute(element, "val", "9"))
    return min(level + 1, 6) if level < _MOST_LEVELS else 0


def _whole(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 10 else 0


@dataclass(frozen=True, slots=True)
class _Level:
    format: str
    text: str
    start: int


class Numbering:
    """The lists of a document, and how far each is counted."""

    def __init__(self, package: Package, part: str) -> None:
        """Read the lists that the document in ``part`` has."""
        self._levels: dict[str, dict[int, _Level]] = {}
        self._abstract: dict[str, str] = {}
        self._restarts: dict[str, dict[int, int]] = {}
        self._counts: dict[str, dict[int, int]] = {}
        self._begun: set[str] = set()
        self._of_style: dict[str, tuple[str, int]] = {}
        abstract: dict[str, dict[int, _Level]] = {}
        for numbering in package.related_parts(part, "numbering"):
            root = package.xml(numbering)
            linked: dict[str, dict[int, _Level]] = {}
            for definition in children(root, "w:abstractNum"):
                identity = attribute(definition, "abstractNumId")
                abstract[identity] = dict(_read_level(level) for level in children(definition, "w:lvl"))
                link = child(definition, "w:styleLink")
                if link is not None:
                    linked[attribute(link, "val")] = abstract[identity]
                for level in children(definition, "w:lvl"):
                    style = child(level, "w:pStyle")
                    if style is not None:
                        self._of_style[attribute(style, "val")] = (identity, _whole(attribute(level, "ilvl")))
            for definition in children(root, "w:abstractNum"):
                link = child(definition, "w:numStyleLink")
                if link is not None:
                    abstract[attribute(definition, "abstractNumId")] = linked.get(attribute(link, "val"), {})
            for number in children(root, "w:num"):
                self._read_number(number, abstract)

    def _read_number(self, number: etree._Element, abstract: dict[str, dict[int, _Level]]) -> None:
        identity, base = attribute(number, "numId"), child(number, "w:abstractNumId")
        self._abstract[identity] = attribute(base, "val") if base is not None else ""
        levels = dict(abstract.get(self._abstract[identity], {}))
        restarts: dict[int, int] = {}
        for override in children(number, "w:lvlOverride"):
            depth, start = _whole(attribute(override, "ilvl")), child(override, "w:startOverride")
            levels.update(_read_level(level) for level in children(override, "w:lvl"))
            if start is not None:
                restarts[depth] = _whole(attribute(start, "val"))
        self._levels[identity], self._restarts[identity] = levels, restarts

    def item(self, identity: str, depth: int, style: str) -> ListItem | None:
        """Count one more paragraph of a list and return its place there, None if the list is not known."""
        levels = self._levels.get(identity)
        if levels is None:
            return None
        abstract, own = self._of_style.get(style, ("", 0))
        depth = own if abstract and abstract == self._abstract[identity] else depth
        level = levels.get(depth, _Level("bullet", "", 1))
        counts = self._counts.setdefault(self._abstract[identity] or identity, {})
        if identity not in self._begun:
            self._begun.add(identity)
            for restarted in self._restarts[identity]:
                counts.pop(restarted, None)
        start = self._restarts[identity].get(depth, level.start)
        counts[depth] = counts[depth] + 1 if depth in counts else start
        for deeper in [other for other in counts if other > depth]:
            del counts[deeper]
        if level.format in ("bullet", "none") and not _PLACE.search(level.text):
            return ListItem(depth, level.text if level.format == "none" else "")
        text = _PLACE.sub(lambda match: self._number(levels, counts, int(match[1]) - 1), level.text)
        return ListItem(depth, text.strip())

    @staticmethod
    def _number(levels: dict[int, _Level], counts: dict[int, int], depth: int) -> str:
        level = levels.get(depth, _Level("decimal", "", 1))
        return counted(counts.get(depth, level.start), level.format)


def _read_level(level: etree._Element) -> tuple[int, _Level]:
    values = {kind(found): attribute(found, "val") for found in level}
    start = values.get("w:start", "1")
    shown = _Level(values.get("w:numFmt", "decimal"), values.get("w:lvlText", ""), _whole(start))
    return _whole(attribute(level, "ilvl")), shown


def counted(number: int, style: str) -> str:
    """Return a number of a list as its format writes it: 3 as ``3``, ``c``, ``III`` or ``03``."""
    if style in ("lowerLetter", "upperLetter") and number > 0:
        letters = chr(97 + (number - 1) % 26) * min((number - 1) // 26 + 1, 10)
        return letters.upper() if style == "upperLetter" else letters
    if style in ("lowerRoman", "upperRoman") and 0 < number < 4000:
        roman, left = "", number
        for value, digits in _ROMAN.items():
            roman += digits * (left // value)
            left %= value
        return roman.upper() if style == "upperRoman" else roman
    return "" if style == "none" else f"{number:02}" if style == "decimalZero" else str(number)
