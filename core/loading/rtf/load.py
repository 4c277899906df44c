"""Rich Text Format: paragraphs, tables, lists and notes as Markdown; headings by styles and outline levels."""

from __future__ import annotations

from core.loading._detection import damaged_file, wrong_file_type
from core.loading._encoding import clean_text
from core.loading._markdown import markdown_document
from core.loading._metadata import file_metadata
from core.loading.rtf._reader import RtfReader
from core.records.document import Document
from core.util.formatting import plural


def load_rtf(name: str, data: bytes) -> Document:
    """Return an RTF document: its text, then text boxes where they hang, footnotes, comments and headers at the end.

    Raises WrongFileType, DamagedFile or NoText.
    """
    if not data.lstrip().startswith(b"{\\rtf"):
        raise wrong_file_type(name, data, "an RTF document")
    reader = RtfReader(data.decode("latin-1"))
    if reader.open_groups and not data.rstrip(b"\0 \t\r\n").endswith(b"}"):
        raise damaged_file(name, "its end is missing")
    footnotes = list(filter(None, reader.footnotes))
    comments = list(filter(None, reader.comments))
    parts = [reader.body.finish(), *footnotes, *comments, *reader.headers]
    info = {key: clean_text(value) for key, value in reader.info.items()}
    metadata = file_metadata(info.get("title"), info.get("author"), info.get("creatim", "").rstrip("-"))
    text = clean_text("\n\n".join(filter(None, parts)))
    return markdown_document(name, data, text, metadata, notes=_notes(reader, footnotes, comments))


def _notes(reader: RtfReader, footnotes: list[str], comments: list[str]) -> tuple[str, ...]:
    """Return what differs from what the document shows."""
    hidden, deleted = (len(flow.finish().split()) for flow in (reader.hidden, reader.deleted))
    pictures = max(reader.pictures - reader.described, 0)
    notes = [
        (len(footnotes), f"{_are(len(footnotes), 'footnote')} at the end"),
        (len(comments), f"{_are(len(comments), 'comment')} at the end"),
        (len(reader.headers), f"{_are(len(reader.headers), 'header or footer', 'headers and footers')} at the end"),
        (hidden, f"{plural(hidden, 'hidden word')} left out"),
        (deleted, f"{plural(deleted, 'deleted word')} left out"),
        (pictures, f"{plural(pictures, 'picture')} without a description"),
        (reader.objects, f"{plural(reader.objects, 'embedded object')} not read"),
        (reader.unread, f"{plural(reader.unread, 'character')} could not be read and are marked \ufffd"),
        (reader.open_groups, "its end may be missing: not all of its groups are closed"),
    ]
    return tuple(note for count, note in notes if count)


def _are(count: int, noun: str, many: str = "") -> str:
    return f"{plural(count, noun, many)} {'is' if count == 1 else 'are'}"
