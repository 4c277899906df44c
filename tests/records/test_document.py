"""Documents: identity, and the pages and headings on their spans."""

from __future__ import annotations

from core.records.document import Document, Heading, Page


def test_pages_and_headings_hang_on_spans() -> None:
    text = "intro\n# A\nx\n## B\ny\n# C\nz"
    headings = tuple(
        Heading(text.index(f"{sign} {title}"), text.index(f"{sign} {title}") + 3, len(sign), title)
        for sign, title in (("#", "A"), ("##", "B"), ("#", "C"))
    )
    document = Document("a", text, (Page(0, 12, 1), Page(12, len(text), 2)), headings)
    assert [document.heading_at(text.index(mark)) for mark in ("intro", "x", "y", "z")] == [None, "A", "A › B", "C"]
    assert [document.page_at(offset) for offset in (0, 11, 12, len(text) - 1)] == [1, 1, 2, 2]
    assert Document("b", "unpaged").page_at(3) is None


def test_a_documents_id_is_its_content() -> None:
    assert Document("a", "text").id == Document("b", "text").id != Document("a", "text ").id
    assert len(Document("a", "text").id) == 32
