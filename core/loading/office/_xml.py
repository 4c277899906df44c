"""Parse the XML parts of office files."""

from __future__ import annotations

from lxml import etree

from core.errors import DamagedFile
from core.loading._detection import damaged_file


def parse_part(name: str, part: str, content: bytes) -> etree._Element | None:
    """Return the root of a part of the file ``name``, None for an empty one; nothing outside it is read.

    Raises DamagedFile for broken XML.
    """
    if not content.strip():
        return None
    parser = etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True, remove_pis=True)
    try:
        return etree.fromstring(content, parser)
    except (etree.LxmlError, ValueError) as error:
        raise unreadable_part(name, part, error) from error


def unreadable_part(name: str, part: str, error: object) -> DamagedFile:
    """Return the error for a part whose XML is broken."""
    return damaged_file(name, f"its content cannot be read: {part[:60]}: {' '.join(str(error)[:120].split())}")
