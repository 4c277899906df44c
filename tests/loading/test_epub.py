"""EPUB e-books: chapters in and out of the spine, and what is said of those that are not read."""

from __future__ import annotations

import io
import zipfile

import pytest

from core.loading.loader import load
from core.records.document import Document

XHTML = "application/xhtml+xml"


def page(body: str, head: str = "") -> bytes:
    return f'<?xml version="1.0"?>{head}<html xmlns="http://www.w3.org/1999/xhtml"><head><title/></head><body>{body}</body></html>'.encode()


def book(items: list[tuple[str, str, bytes | None, str]], spine: list[str], encryption: str = "") -> Document:
    """The e-book of (path, media type, content or None if the part is missing, attributes) with this spine."""
    manifest = "".join(
        f'<item id="i{index}" href="{path}" media-type="{kind}" {more}/>'
        for index, (path, kind, _, more) in enumerate(items)
    )
    references = "".join(f'<itemref idref="{entry}" linear="no"/>' for entry in spine)
    package = (
        '<package xmlns="http://www.idpf.org/2007/opf"><metadata/>'
        f"<manifest>{manifest}</manifest><spine>{references}</spine></package>"
    )
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("META-INF/container.xml", '<c><rootfile full-path="b/x.opf"/></c>')
        archive.writestr("b/x.opf", package)
        for path, _, content, _ in items:
            if content is not None:
                archive.writestr(f"b/{path}", content)
        if encryption:
            archive.writestr("META-INF/encryption.xml", encryption)
    return load("a.epub", stream.getvalue())


def test_a_chapter_that_the_spine_forgets_comes_last_and_the_contents_stay_out() -> None:
    document = book(
        [
            ("1.xhtml", XHTML, page("<p>One</p>"), ""),
            ("notes.xhtml", XHTML, page("<p>Notes</p>"), ""),
            ("nav.xhtml", XHTML, page("<p>Contents</p>"), 'properties="nav"'),
            ("2.xhtml", XHTML, page("<p>Two</p>"), ""),
        ],
        ["i2", "i0", "i3", "i0"],
    )
    assert document.text == "One\n\nTwo\n\nNotes\n"
    assert document.notes == ()


def test_what_the_book_lacks_is_said() -> None:
    document = book(
        [
            ("cover.xhtml", XHTML, page('<img src="c.png"/>'), ""),
            ("1.xhtml", XHTML, page("<p>One</p>"), ""),
            ("lost%20page.xhtml", XHTML, None, ""),
            ("plate.jpg", "image/jpeg", b"\xff\xd8\xff\xe0", ""),
            ("fixed.xhtml", XHTML, page('<img src="p2.png"/>'), ""),
            ("map.svg", "image/svg+xml", b'<svg xmlns="http://www.w3.org/2000/svg"><text>Harbour</text></svg>', ""),
        ],
        ["i0", "i1", "i2", "i3", "i4", "i5", "gone"],
    )
    assert document.text == "One\n\nHarbour\n"
    assert document.notes == (
        "2 parts that the book lists but does not hold: lost page.xhtml, gone",
        "2 chapters without text, only pictures",
    )


def test_entities_and_elements_closed_in_their_own_tag() -> None:
    head = '<!DOCTYPE html [<!ENTITY port "Emden">]>'
    body = '<script src="x"/><div class="hr"/><p>&port;&nbsp;and<a id="p1"/> <![CDATA[A & B]]></p>'
    body += '<p>wo<span epub:type="pagebreak">12</span>rd</p>'
    assert book([("1.xhtml", XHTML, page(body, head), "")], ["i0"]).text == "Emden\xa0and A & B\n\nword\n"


def test_chapters_in_other_encodings() -> None:
    latin = '<?xml version="1.0" encoding="iso-8859-1"?><html><body><p>Café</p></body></html>'.encode("latin-1")
    wide = "<html><body><p>Größe</p></body></html>".encode("utf-16")
    assert (
        book([("1.html", "text/html", latin, ""), ("2.html", XHTML, wide, "")], ["i0", "i1"]).text == "Café\n\nGröße\n"
    )


@pytest.mark.parametrize("algorithm", ["http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC"])
def test_scrambled_fonts_are_no_rights_management(algorithm: str) -> None:
    encryption = f'<encryption><EncryptedData><EncryptionMethod Algorithm="{algorithm}"/></EncryptedData></encryption>'
    chapter = ("one.xhtml", XHTML, page("<p>Red boats</p>"), "")
    assert book([chapter], ["i0"], encryption).text.strip() == "Red boats"
