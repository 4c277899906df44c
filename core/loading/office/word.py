"""Word documents (WordprocessingML, ECMA-376 Part 1, chapter 17): every word that their reader sees, once.

Footnotes, comments, headers and footers stand at the end of the text. Deleted and hidden text is left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy

from lxml import etree

from core.errors import LoadingError
from core.loading._detection import damaged_file
from core.loading._encoding import clean_text
from core.loading._markdown import markdown_document
from core.loading.loader import load
from core.loading.office._blocks import Block, cell_text, markdown
from core.loading.office._ooxml import Package, attribute, child, children, is_on, kind, relationship_id, suffix
from core.loading.office._word_story import Story, WordContext
from core.records.document import Document

_MOST_EMBEDDED = 3  # documents inside one another
_EMBEDDED = {
    ".htm": ".html",
    ".html": ".html",
    ".xhtml": ".html",
    ".rtf": ".rtf",
    ".txt": ".txt",
    ".mht": ".eml",  # a page in the parts of a mail, as html-docx-js writes it
    ".mhtml": ".eml",
}


def load_docx(name: str, data: bytes) -> Document:
    """Return a Word document. Raises LoadingError."""
    package = Package(name, data, "a Word document (.docx)", "word/")
    try:
        text, notes = _read(package, 0)
    except RecursionError as error:
        raise damaged_file(name, "its parts lie inside one another without end") from error
    return markdown_document(name, data, text, package.metadata(), notes=notes)


def _read(package: Package, depth: int) -> tuple[str, tuple[str, ...]]:
    """Return a document's text and notes; ``depth`` counts the documents that it is embedded in."""
    main, root = package.main("word/document.xml", "text part")
    body = child(root, "w:body")
    if body is None:
        raise damaged_file(package.name, "it has no text part")
    said: list[str] = []

    def embedded(name: str, data: bytes) -> str:
        """Return the text of a document of another format that is part of this one."""
        try:
            text, notes = _embedded(name, data, depth)
        except LoadingError:
            said.append(f"the embedded document {name[:60] or 'without a part'} could not be read")
            return ""
        said.extend(notes)
        return text

    context = WordContext(package, main, embedded)
    story = Story(context, main)
    blocks = list(story.blocks(body))
    if story.has_open_field:
        said.clear()
        package.forget_uses()
        context = WordContext(package, main, embedded)
        blocks = list(Story(context, main, ignores_fields=True).blocks(body))
    blocks += _notes_and_comments(context)
    blocks += _headers_and_footers(context, root)
    return clean_text(markdown(blocks)), (*said, *context.omissions.notes())


def _embedded(name: str, data: bytes, depth: int) -> tuple[str, tuple[str, ...]]:
    if data.startswith(b"PK"):
        if depth >= _MOST_EMBEDDED:
            raise damaged_file(name, "it lies inside too many documents")
        return _read(Package(name, data, "a Word document", "word/"), depth + 1)
    head = data[:1000].lstrip(b"\xef\xbb\xbf \r\n\t").lower()
    if head.startswith(b"mime-version:"):
        guess = ".eml"
    else:
        guess = ".rtf" if head.startswith(b"{\\rtf") else ".html" if b"<html" in head or b"<body" in head else ".txt"
    document = load(f"{name}{_EMBEDDED.get(suffix(name), guess)}", data)
    return document.text.strip(), document.notes


def _whole_story(context: WordContext, part: str, parent: etree._Element, is_margin: bool = False) -> list[Block]:
    """Return the blocks of a note, comment or margin, once more where a field in it does not end."""
    before = deepcopy(context.omissions)
    story = Story(context, part, is_margin)
    blocks = list(story.blocks(parent))
    if story.has_open_field:
        context.omissions = before
        blocks = list(Story(context, part, is_margin, ignores_fields=True).blocks(parent))
    return blocks


def _notes_and_comments(context: WordContext) -> Iterator[Block]:
    """Yield the footnotes and endnotes that the text refers to, and the comments."""
    notes: dict[tuple[str, str], tuple[str, etree._Element | None]] = {}
    for what in ("footnote", "endnote"):
        for part in context.package.related_parts(context.main, f"{what}s"):
            for note in children(context.package.xml(part), f"w:{what}"):
                notes[what, attribute(note, "id")] = part, note
    written: list[tuple[str, str]] = []
    while len(written) < len(context.marks):  # a note may refer to another
        fresh = list(context.marks)[len(written) :]
        written += fresh
        for key in fresh:
            part, note = notes.get(key, ("", None))
            text = cell_text(_whole_story(context, part, note)) if note is not None else ""
            if text:
                context.omissions.add(key[0], "at the end")
                yield Block(f"{context.mark(*key)} {text}")
    for part in context.package.related_parts(context.main, "comments"):
        for comment in children(context.package.xml(part), "w:comment"):
            text = cell_text(_whole_story(context, part, comment))
            author = " ".join(attribute(comment, "author").split())
            if text:
                context.omissions.add("comment", "at the end")
                yield Block(f"Comment by {author}: {text}" if author else f"Comment: {text}")


def _headers_and_footers(context: WordContext, root: etree._Element) -> Iterator[Block]:
    """Yield the headers and footers that some page shows, equal ones once."""
    parts = context.package.related(context.main)
    settings = [context.package.xml(part) for part in context.package.related_parts(context.main, "settings")]
    has_even = any(is_on(child(found, "w:evenAndOddHeaders")) for found in settings)
    seen: set[str] = set()
    for what in ("header", "footer"):
        for section in root.iter("{*}sectPr"):
            if kind(section.getparent()) == "w:sectPrChange":  # as the section was before a tracked change
                continue
            has_first = is_on(child(section, "w:titlePg"))
            for reference in children(section, f"w:{what}Reference"):
                shown = {"first": has_first, "even": has_even}.get(attribute(reference, "type"), True)
                to = parts.get(relationship_id(reference))
                story = context.package.xml(to.target) if to and shown else None
                if to is None or story is None or to.target in seen:
                    continue
                seen.add(to.target)
                text = markdown(_whole_story(context, to.target, story, is_margin=True))
                if text and text not in seen:
                    seen.add(text)
                    context.omissions.add(what, "at the end")
                    yield Block(text)
