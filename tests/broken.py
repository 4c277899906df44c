"""Files broken on purpose, each as (name, bytes, the error it deserves, words of its message)."""

from __future__ import annotations

import io
import random
import zipfile
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from core.errors import DamagedFile, EmptyFile, EncryptedFile, LoadingError, NoText, UnsupportedFile, WrongFileType
from tests.pdf_maker import make_pdf

FILES = Path(__file__).parent / "files"
ADVICE = ("rename it", "bring", "save", "export it", "run text recognition", "download", "nothing to index", "type it up")


class Broken(NamedTuple):
    """One broken file; ``says`` stands in its message."""

    what: str
    name: str
    data: bytes
    error: type[LoadingError]
    says: str


def _read(name: str) -> bytes:
    return (FILES / name).read_bytes()


def with_part(name: str, part: str, content: bytes | None) -> bytes:
    """The ZIP archive ``name`` with the content of one part replaced, or with None without that part."""
    stream = io.BytesIO()
    with zipfile.ZipFile(FILES / name) as old, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as new:
        for member in old.namelist():
            written = content if member == part else old.read(member)
            if written is not None:
                new.writestr(member, written)
    return stream.getvalue()


def zipped(**members: bytes) -> bytes:
    """A ZIP archive of text files."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.txt", content)
    return stream.getvalue()


def with_flipped_byte(name: str, member: str) -> bytes:
    """The ZIP archive ``name`` with one byte of a member's packed content changed."""
    data = bytearray(_read(name))
    with zipfile.ZipFile(FILES / name) as archive:
        info = archive.getinfo(member)
    at = info.header_offset + 30 + len(info.filename) + info.compress_size // 2
    data[at] ^= 0xFF
    return bytes(data)


def marked_as_encrypted(name: str) -> bytes:
    """The ZIP archive ``name`` with every member flagged as encrypted, as a ZIP with a password has them."""
    data = bytearray(_read(name))
    for signature, flag in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = data.find(signature)
        while at >= 0:
            data[at + flag] |= 1
            at = data.find(signature, at + 4)
    return bytes(data)


def zip_bomb() -> bytes:
    """An archive whose directory promises more than a gigabyte."""
    data = bytearray(_read("guide.docx"))
    at = data.find(b"PK\x01\x02")
    data[at + 24 : at + 28] = (2_000_000_000).to_bytes(4, "little")
    return bytes(data)


PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(64))
NOISE = random.Random(7).randbytes(4000)
PDF, DOCX = _read("handbook.pdf"), _read("guide.docx")
WORD, SHEET, SLIDE = "word/document.xml", "xl/worksheets/sheet1.xml", "ppt/slides/slide2.xml"
EMPTY_WORD = b'<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body><w:p/></w:body></w:document>'


def _empty_book() -> bytes:
    stream = io.BytesIO()
    pd.DataFrame().to_excel(stream, engine="openpyxl", header=False, index=False)
    return stream.getvalue()


CASES = [
    Broken("no bytes", "empty.txt", b"", EmptyFile, "is empty"),
    Broken("no bytes", "empty.pdf", b"", EmptyFile, "is empty"),
    Broken("white space only", "blank.md", b" \n\t\r\n", EmptyFile, "is empty"),
    Broken("a byte order mark only", "mark.txt", b"\xef\xbb\xbf", EmptyFile, "nothing but white space"),
    Broken("white space in UTF-16", "blank16.txt", "\ufeff \n ".encode("utf-16-le"), EmptyFile, "nothing but white space"),
    Broken("unknown ending", "song.mp3", b"ID3 la la la", UnsupportedFile, "(.mp3)"),
    Broken("old Word format", "guide.doc", _read("guide.doc"), UnsupportedFile, "save it as .docx"),
    Broken("old Excel format", "book.XLS", b"\xd0\xcf\x11\xe0", UnsupportedFile, "save it as .xlsx"),
    Broken("PDF cut in half", "half.pdf", PDF[: len(PDF) // 2], DamagedFile, "is damaged"),
    Broken("PDF of its header only", "head.pdf", b"%PDF-1.7\n", DamagedFile, "is damaged"),
    Broken("PDF without pages", "pageless.pdf", make_pdf(), DamagedFile, "is damaged"),
    Broken("noise named .pdf", "noise.pdf", NOISE, WrongFileType, "is not a PDF"),
    Broken("PNG named .pdf", "picture.pdf", PNG, WrongFileType, "but a PNG picture"),
    Broken("Word named .pdf", "guide.pdf", DOCX, WrongFileType, "but a ZIP archive or an Office file"),
    Broken("PDF with a password", "locked.pdf", _read("locked.pdf"), EncryptedFile, "protected by a password"),
    Broken("scan", "scan.pdf", _read("scan.pdf"), NoText, "no text on its 1 page, so"),
    Broken("blank pages", "blank.pdf", make_pdf([], []), NoText, "no text on its 2 pages"),
    Broken("Word with a password", "locked.docx", _read("locked.docx"), EncryptedFile, "protected by a password"),
    Broken("ZIP with a password", "zipped.docx", marked_as_encrypted("guide.docx"), EncryptedFile, "protected by a password"),
    Broken("another ZIP named .docx", "letters.docx", zipped(a=b"dear", b=b"sir"), WrongFileType, "another kind of ZIP"),
    Broken("PDF named .docx", "handbook.docx", PDF, WrongFileType, "but a PDF"),
    Broken("old Word named .docx", "old.docx", _read("guide.doc"), WrongFileType, "an old Microsoft Office file"),
    Broken("text named .docx", "text.docx", b"Dear Sir", WrongFileType, "but something else"),
    Broken("Word cut in half", "half.docx", DOCX[: len(DOCX) // 2], DamagedFile, "cannot be unpacked"),
    Broken("Word with a flipped byte", "flipped.docx", with_flipped_byte("guide.docx", WORD), DamagedFile, "is damaged"),
    Broken("Word with broken XML", "xml.docx", with_part("guide.docx", WORD, b"<w:document><unclosed>"), DamagedFile, "its content cannot be read"),
    Broken("Word without its text", "bodiless.docx", with_part("guide.docx", WORD, None), DamagedFile, "is damaged"),
    Broken("Word without a word", "wordless.docx", with_part("guide.docx", WORD, EMPTY_WORD), NoText, "holds no text"),
    Broken("ZIP bomb", "bomb.docx", zip_bomb(), DamagedFile, "unpack to 2000.0 MB"),
    Broken("Excel named .pptx", "levels.pptx", _read("levels.xlsx"), WrongFileType, "another kind of ZIP"),
    Broken("PowerPoint cut short", "short.pptx", _read("slides.pptx")[:-200], DamagedFile, "is damaged"),
    Broken("PowerPoint with a broken slide", "slide.pptx", with_part("slides.pptx", SLIDE, b"<p:sld"), DamagedFile, "is damaged"),
    Broken("Excel with a broken sheet", "sheet.xlsx", with_part("levels.xlsx", SHEET, b"\xff\xfe<"), DamagedFile, "is damaged"),
    Broken("Excel without a cell", "cells.xlsx", _empty_book(), NoText, "holds no text"),
    Broken("binary named .html", "noise.html", NOISE, WrongFileType, "not text in any encoding"),
    Broken("picture named .html", "picture.html", PNG, WrongFileType, "but a PNG picture"),
    Broken("HTML without tags", "plain.html", b"Dear Sir", WrongFileType, "it has no tags"),
    Broken("HTML of pictures", "pictures.html", b"<html><body><img src='a.png'></body></html>", NoText, "holds no text"),
    Broken("binary named .txt", "noise.txt", NOISE, WrongFileType, "not text in any encoding"),
    Broken("program named .md", "program.md", b"\x7fELF\x02\x01\x01" + bytes(200), WrongFileType, "but a program"),
    Broken("archive without ending", "archive", b"\x1f\x8b\x08\x00" + NOISE, WrongFileType, "but a gzip archive"),
    Broken("NULs named .log", "nuls.log", bytes(500), WrongFileType, "not text in any encoding"),
]
