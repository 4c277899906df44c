"""Web pages as Markdown: parsed as browsers do, with what they show, and not what they hide."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from turbohtml.saxparse import sax_parse

from core.errors import WrongFileType
from core.loading._detection import reject_other_format
from core.loading._encoding import clean_text, decode
from core.loading._markdown import markdown_document
from core.loading._metadata import html_metadata
from core.loading.html._elements import INLINE_PREFIX
from core.loading.html._style import StyleSheet
from core.loading.html._walk import PageWalk
from core.loading.html.blocks import Block, join_blocks
from core.records.document import Document
from core.util.formatting import plural

_MAX_EMBEDDING = 2  # pages inside pages (srcdoc) that are read
# HTML's formatting elements. The parser opens them again in each block that follows while they are not closed, which
# lets a page of a few megabytes grow into gigabytes. Under other names they are ordinary elements.
_FORMATTING = re.compile(r"<(/?)(?=(?:a|b|big|code|em|font|i|nobr|s|small|strike|strong|tt|u)[\s/>])", re.IGNORECASE)
# A parser that runs no scripts lets text in a <noscript> of the head come out of it; browsers show none of it.
_NOSCRIPT = re.compile(r"<(/?)noscript(?=[\s/>])", re.IGNORECASE)
_XHTML = re.compile(r"\s*<\?xml\b|<html\b[^>]*\sxmlns\s*=", re.IGNORECASE)
_EMPTY_ELEMENT = re.compile(
    r"<(?!(?:area|base|br|col|embed|hr|img|input|link|meta|param|source|track|wbr|frame)\b)"
    r"([A-Za-z][\w:.-]*+)((?:\s++[\w:.-]++(?:\s*+=\s*+(?:\"[^\"<]*+\"|'[^'<]*+'))?+)*+)\s*+/>",
    re.IGNORECASE,
)
_CDATA = re.compile(r"<!\[CDATA\[((?:(?!\]\]>|<!\[CDATA\[).)*+)\]\]>", re.DOTALL)
_SUBSET = re.compile(r"(<!DOCTYPE[^>\[]{0,1000})\[([^\]]*)\]\s*>", re.IGNORECASE)
_ENTITY = re.compile(r"<!ENTITY\s+([\w.-]+)\s+(?:\"([^\"]{0,1000})\"|'([^']{0,1000})')\s*>")
_REFERENCE = re.compile(r"&([\w.-]{1,100});")
_PREFIX = re.compile(r"\sxmlns:([\w.-]+)\s*=\s*[\"']http://www\.w3\.org/(?:1999/xhtml|2000/svg|1998/Math/MathML)[\"']")
_MAX_EXPANSION = 1_000_000  # characters that entities of a page's own may add


_CHARSET = re.compile(rb"<meta\s[^>]{0,500}?charset\s*=\s*[\"']?\s*([\w.:-]+)", re.IGNORECASE)
_HEAD_BYTES = 10_000  # in which the encoding is looked for


@dataclass(frozen=True, slots=True)
class ConvertedHtml:
    """A web page as Markdown; ``counts`` of what the text lacks can be added up over pages and given to page_notes."""

    text: str
    counts: Counter[str] = field(default_factory=Counter)

    @property
    def notes(self) -> tuple[str, ...]:
        """The notes of what the text lacks, with how much."""
        return page_notes(self.counts)


def load_html(name: str, data: bytes) -> Document:
    """Return a web page without its markup, scripts and styles. Raises LoadingError."""
    reject_other_format(name, data, "a web page")
    decoded = decode(name, data, declared_encoding(data))
    html = decoded.text
    if "<" not in html:
        raise WrongFileType(f"{name} is not a web page, it has no tags: rename it to .txt if it is text")
    page = convert_html(html, xml=name.lower().endswith(".xhtml"))
    return markdown_document(name, data, page.text, html_metadata(html), notes=(*decoded.notes, *page.notes))


def declared_encoding(data: bytes) -> str | None:
    """Return the encoding that a page's <meta> names; none where that is not one of bytes, as browsers do."""
    match = _CHARSET.search(data[:_HEAD_BYTES])
    encoding = match[1].decode("ascii") if match else ""
    return encoding if encoding and not encoding.lower().startswith(("utf-16", "utf-32", "ucs")) else None


def html_to_markdown(html: str) -> str:
    """Return a web page as Markdown, pictures by their descriptions."""
    return convert_html(html).text


def convert_html(html: str, *, xml: bool = False) -> ConvertedHtml:
    """Return the text that a page shows as Markdown, with notes of what is not in it.

    ``xml`` reads the page as XHTML even if it does not begin as such: any element may be closed in its own tag.
    """
    html = html.lstrip("\ufeff")
    if xml or _XHTML.search(html[:5000]):
        html = _xhtml_as_html(html)
    blocks, counts = _read(html)
    if not blocks and counts["hidden words"]:
        blocks, counts = _read(html, show_hidden=True)
        counts["all hidden"] = 1
    return ConvertedHtml(clean_text(join_blocks(blocks)), counts)


def _read(html: str, *, show_hidden: bool = False, depth: int = 0) -> tuple[list[Block], Counter[str]]:
    """Return a page's blocks, those of pages inside it among them, and the counts of what is not in them."""
    counts: Counter[str] = Counter()

    def embedded(markup: str) -> list[Block]:
        if depth >= _MAX_EMBEDDING:
            counts["frame"] += 1
            return []
        blocks, inner = _read(markup, show_hidden=show_hidden, depth=depth + 1)
        counts.update(inner)
        return blocks

    html = _NOSCRIPT.sub(r"<\1template", _FORMATTING.sub(rf"<\1{INLINE_PREFIX}", html))
    walk = PageWalk(StyleSheet.of(html), embedded, show_hidden=show_hidden)
    sax_parse(html, walk)
    return walk.finish(), counts + walk.counts


def page_notes(counts: Mapping[str, int]) -> tuple[str, ...]:
    """Return the notes of what the text of pages lacks, from the counts of ConvertedHtml."""
    notes = []
    if counts.get("picture"):
        notes.append(f"{plural(counts['picture'], 'picture')} without a description")
    if counts.get("frame"):
        notes.append(f"{plural(counts['frame'], 'frame')} with pages that are not in the file")
    media = [
        plural(counts[kind], words)
        for kind, words in (("video", "video"), ("audio", "sound recording"))
        if counts.get(kind)
    ]
    if media:
        notes.append(f"{' and '.join(media)} left out")
    if counts.get("all hidden"):
        notes.append("the page hides all its text until a script runs: it was read all the same")
    elif counts.get("hidden words"):
        notes.append(f"{plural(counts['hidden words'], 'word')} that the page hides left out")
    return tuple(notes)


def _xhtml_as_html(html: str) -> str:
    """Return XHTML as HTML: entities of its own, CDATA, prefixes, and elements that are closed in their own tag."""
    subset = _SUBSET.search(html[:100_000])
    if subset:
        html = html[: subset.start()] + subset[1] + ">" + html[subset.end() :]
        html = _expand_entities(html, {match[1]: match[2] or match[3] or "" for match in _ENTITY.finditer(subset[2])})
    html = _CDATA.sub(lambda match: match[1].replace("&", "&amp;").replace("<", "&lt;"), html)
    for prefix in set(_PREFIX.findall(html[:100_000])):
        html = re.sub(rf"<(/?){re.escape(prefix)}:", r"<\1", html)
    return _EMPTY_ELEMENT.sub(r"<\1\2></\1>", html)


def _expand_entities(html: str, entities: Mapping[str, str]) -> str:
    """Return a page with the entities of its document type replaced once: an entity in an entity stays as it is."""
    left = _MAX_EXPANSION

    def value(match: re.Match[str]) -> str:
        nonlocal left
        if match[1] not in entities or left <= 0:
            return match[0]
        left -= len(entities[match[1]])
        return entities[match[1]]

    return _REFERENCE.sub(value, html) if entities else html
