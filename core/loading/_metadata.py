"""Read title, author and date from a file's own metadata."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from datetime import date, datetime

import yaml
from lxml import etree
from turbohtml.saxparse import SaxHandler, sax_parse

from core.records.document import Value

LONGEST_VALUE = 500  # characters of a title: what is longer is none
_LARGEST_NUMBER = 10**LONGEST_VALUE
LONGEST_HEAD = 200_000  # characters of a page in which its head is looked for
_DATE = re.compile(
    r"(?:D:)?(?P<y>\d{4})(?P<sign>[-/.]?)(?P<m>\d\d)(?P=sign)(?P<d>\d\d)(?!\d{1,5}(?!\d))(?:[T\s\d+Z].*)?", re.DOTALL
)
_EUROPEAN = re.compile(r"(?P<d>\d{1,2})\.(?P<m>\d{1,2})\.(?P<y>\d{4})")
_FRONT_MATTER = re.compile(r"(---|\+\+\+)[ \t]*\n(.{0,100000}?\n)?(?:\1|(?<!\+)\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_KEY_LINE = re.compile(r"\s*(?:#[^\n]*\n\s*)*[\w\"'.-]+[ \t]*[:=](?:[ \t\n]|$)")
_AUTHORS = ("author", "article:author", "dc.creator", "dcterms.creator", "citation_author")
_DATES = ("date", "dcterms.date", "dc.date", "dcterms.created", "article:published_time", "citation_date")
_XML = {"resolve_entities": False, "no_network": True, "recover": True, "remove_comments": True, "remove_pis": True}


def file_metadata(title: object = None, author: object = None, dated: object = None) -> dict[str, Value]:
    """Return those of title, author and date (as YYYY-MM-DD) that say something."""
    fields = {"title": _line(title), "author": _line(author), "date": iso_date(_line(dated)) or ""}
    return {name: value for name, value in fields.items() if value}


def _line(value: object) -> str:
    if isinstance(value, list):  # of authors; lists inside it, which YAML can nest without bound, say nothing
        people = (person.get("name") if isinstance(person, Mapping) else person for person in value)
        value = ", ".join(filter(None, (_line(person) for person in people if not isinstance(person, list))))
    kept = isinstance(value, (str, int, float, date)) and not isinstance(value, bool)
    if isinstance(value, int) and abs(value) >= _LARGEST_NUMBER:  # Python writes none of more than 4300 digits
        kept = False
    line = " ".join(str(value).split()) if kept else ""
    line = "".join(sign for sign in line if sign.isprintable())
    return line if len(line) <= LONGEST_VALUE else ""


def iso_date(text: str) -> str | None:
    """Return a date as YYYY-MM-DD, None where ``text`` is none that can be read in one way only.

    Read are ISO dates with or without a time, 2024/03/01, 1.3.2024, 20240301 with a PDF's mark.
    """
    text = text.strip()
    match = _EUROPEAN.fullmatch(text) or _DATE.fullmatch(text)
    if not match or (match.re is _DATE and not match["sign"] and not text.startswith("D:")):
        return None
    try:
        return date(int(match["y"]), int(match["m"]), int(match["d"])).isoformat()
    except ValueError:  # the 31st of February
        return None


def dublin_core(xml: bytes) -> dict[str, Value]:
    """Return what the elements title, creator and date (or created) of an XML part say, wherever they stand."""
    root = parse_xml(xml)
    values: dict[str, list[str]] = {}
    for element in (
        root.iter("{*}title", "{*}creator", "{*}initial-creator", "{*}date", "{*}created", "{*}creation-date")
        if root is not None
        else ()
    ):
        values.setdefault(etree.QName(element).localname, []).append("".join(element.itertext()))
    when = [text for name in ("created", "creation-date", "date") for text in values.get(name, ())]
    return file_metadata(
        values.get("title", [""])[0], values.get("initial-creator") or values.get("creator"), when[0] if when else ""
    )


def parse_xml(xml: bytes) -> etree._Element | None:
    """Return the root of an XML part, mended where it can be, None where not; nothing outside it is read."""
    try:
        return etree.fromstring(xml, etree.XMLParser(**_XML))
    except (etree.LxmlError, ValueError):
        return None


class _HeadReader(SaxHandler):
    """Collects the text of the first <title> and the contents of the <meta> elements by their names."""

    def __init__(self) -> None:
        self.title: str | None = None
        self.values: dict[str, str] = {}
        self._open: list[str] = []

    def start_element(self, tag: str, attrs: tuple[tuple[str, str | None], ...]) -> None:
        """Note a <meta> element, and where a title begins."""
        self._open.append(tag)
        if tag == "meta":
            fields = dict(attrs)
            name = (fields.get("name") or fields.get("property") or "").lower()
            self.values.setdefault(name, fields.get("content") or "")

    def end_element(self, tag: str) -> None:  # noqa: ARG002 - elements end in order
        """End the element that began last; after a title no other counts."""
        if self._open.pop() == "title" and "svg" not in self._open and self.title is None:
            self.title = ""

    def characters(self, data: str) -> None:
        """Take the text of the title."""
        if self._open and self._open[-1] == "title" and "svg" not in self._open and self.title is None:
            self.title = data


def html_metadata(markup: str) -> dict[str, Value]:
    """Return what a page's head says in <title> and <meta>."""
    head = _HeadReader()
    sax_parse(markup[:LONGEST_HEAD], head)
    first = {
        what: next((head.values[name] for name in names if head.values.get(name)), "")
        for what, names in (("author", _AUTHORS), ("date", _DATES))
    }
    title = head.title if (head.title or "").strip() else head.values.get("og:title")
    return file_metadata(title, first["author"], first["date"])


def front_matter(text: str) -> dict[str, Value]:
    """Return what the YAML or TOML head of a Markdown text says; nothing where it has none or a broken one."""
    front = _read_front_matter(text)
    if not isinstance(front, Mapping):
        return {}
    when = front.get("date")
    return file_metadata(
        front.get("title"),
        front.get("author") or front.get("authors"),
        when.date() if isinstance(when, datetime) else when,
    )


def front_matter_end(text: str) -> int:
    """Return where the head of a Markdown text ends, 0 if it has none: a rule above a text is none."""
    head = _FRONT_MATTER.match(text)
    if not head:
        return 0
    front = _read_front_matter(text)
    is_head = isinstance(front, Mapping) or (front is None and bool(_KEY_LINE.match(head[2] or "")))
    return head.end() if is_head else 0


def _read_front_matter(text: str) -> object:
    """Return the value of a text's head, None where it has none or a broken one."""
    head = _FRONT_MATTER.match(text)
    if not head or not head[2]:
        return None
    try:
        return tomllib.loads(head[2]) if head[1] == "+++" else yaml.safe_load(head[2])
    except (yaml.YAMLError, ValueError, RecursionError):  # the second from a date such as 2024-02-31
        return None
    except (LookupError, AttributeError, TypeError):  # PyYAML's from a tag that its value does not fit: !!bool x
        return None
