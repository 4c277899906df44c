"""Files broken on purpose, each as (name, bytes, the error it deserves, words of its message)."""

from __future__ import annotations

import io
import random
import zipfile
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from core.errors import DamagedFile, EmptyFile, EncryptedFile, LoadingError, NoText, UnsupportedFile, WrongFileType
from tests.support.pdf_maker import make_pdf

FILES = Path(__file__).parents[1] / "files"
ADVICE = (
    "rename it",
    "bring",
    "save",
    "export it",
    "run text recognition",
    "download",
    "nothing to index",
    "type it up",
)


class Broken(NamedTuple):
    """One broken file; ``says`` stands in its message."""

    what: str
    name: str
    data: bytes
    error: type[LoadingError]
    says: str


def _read(name: str) -> bytes:
    return (FILES / name).read_bytes()


def with_part(name: str, part: str, content: bytes | None, called: str | None = None) -> bytes:
    """The ZIP archive ``name`` with the content of one part replaced (and its name), or with None without that part."""
    stream = io.BytesIO()
    with zipfile.ZipFile(FILES / name) as old, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as new:
        for member in old.namelist():
            written = content if member == part else old.read(member)
            if written is not None:
                new.writestr(called if called and member == part else member, written)
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
LOCKED_MANIFEST = b"<manifest><file-entry full-path='content.xml'><encryption-data/></file-entry></manifest>"
LOCKED_CHAPTERS = b"<encryption><EncryptedData><EncryptionMethod Algorithm='http://www.w3.org/2001/04/xmlenc#aes128-cbc'/></EncryptedData></encryption>"
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
    Broken(
        "white space in UTF-16", "blank16.txt", "\ufeff \n ".encode("utf-16-le"), EmptyFile, "nothing but white space"
    ),
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
    Broken(
        "ZIP with a password",
        "zipped.docx",
        marked_as_encrypted("guide.docx"),
        EncryptedFile,
        "protected by a password",
    ),
    Broken(
        "another ZIP named .docx", "letters.docx", zipped(a=b"dear", b=b"sir"), WrongFileType, "another kind of ZIP"
    ),
    Broken("PDF named .docx", "handbook.docx", PDF, WrongFileType, "but a PDF"),
    Broken("old Word named .docx", "old.docx", _read("guide.doc"), WrongFileType, "an old Microsoft Office file"),
    Broken("text named .docx", "text.docx", b"Dear Sir", WrongFileType, "but something else"),
    Broken("Word cut in half", "half.docx", DOCX[: len(DOCX) // 2], DamagedFile, "cannot be unpacked"),
    Broken(
        "Word with a flipped byte", "flipped.docx", with_flipped_byte("guide.docx", WORD), DamagedFile, "is damaged"
    ),
    Broken(
        "Word with broken XML",
        "xml.docx",
        with_part("guide.docx", WORD, b"<w:document><unclosed>"),
        DamagedFile,
        "its content cannot be read",
    ),
    Broken("Word without its text", "bodiless.docx", with_part("guide.docx", WORD, None), DamagedFile, "is damaged"),
    Broken("Word without a word", "wordless.docx", with_part("guide.docx", WORD, EMPTY_WORD), NoText, "holds no text"),
    Broken("ZIP bomb", "bomb.docx", zip_bomb(), DamagedFile, "unpack to 2000.0 MB"),
    Broken("Excel named .pptx", "levels.pptx", _read("levels.xlsx"), WrongFileType, "another kind of ZIP"),
    Broken("PowerPoint cut short", "short.pptx", _read("slides.pptx")[:-200], DamagedFile, "is damaged"),
    Broken(
        "PowerPoint with a broken slide",
        "slide.pptx",
        with_part("slides.pptx", SLIDE, b"<p:sld"),
        DamagedFile,
        "is damaged",
    ),
    Broken(
        "Excel with a broken sheet",
        "sheet.xlsx",
        with_part("levels.xlsx", SHEET, b"\xff\xfe<"),
        DamagedFile,
        "is damaged",
    ),
    Broken("Excel without a cell", "cells.xlsx", _empty_book(), NoText, "holds no text"),
    Broken("binary named .html", "noise.html", NOISE, WrongFileType, "not text in any encoding"),
    Broken("picture named .html", "picture.html", PNG, WrongFileType, "but a PNG picture"),
    Broken("HTML without tags", "plain.html", b"Dear Sir", WrongFileType, "it has no tags"),
    Broken(
        "HTML of pictures", "pictures.html", b"<html><body><img src='a.png'></body></html>", NoText, "holds no text"
    ),
    Broken("RTF named .txt", "notes.txt", b"{\\rtf1 Dear Sir}", WrongFileType, "but an RTF document"),
    Broken(
        "OpenDocument with a password",
        "locked.odt",
        with_part("guide.odt", "META-INF/manifest.xml", LOCKED_MANIFEST),
        EncryptedFile,
        "protected by a password",
    ),
    Broken("OpenDocument cut short", "short.odt", _read("guide.odt")[:-300], DamagedFile, "cannot be unpacked"),
    Broken(
        "OpenDocument with broken XML",
        "xml.ods",
        with_part("levels.ods", "content.xml", b"<a><b></a>"),
        DamagedFile,
        "its content cannot be read",
    ),
    Broken(
        "OpenDocument without a body",
        "bodiless.odp",
        with_part("slides.odp", "content.xml", b"<a/>"),
        DamagedFile,
        "it has no body",
    ),
    Broken("Word named .odt", "guide.odt", DOCX, WrongFileType, "another kind of ZIP"),
    Broken("text named .odt", "text.odt", b"Dear Sir", WrongFileType, "but something else"),
    Broken("RTF cut short", "short.rtf", _read("guide.rtf")[:-500], DamagedFile, "its end is missing"),
    Broken("RTF without a word", "wordless.rtf", b"{\\rtf1\\ansi\\par}", NoText, "holds no text"),
    Broken("noise named .rtf", "noise.rtf", NOISE, WrongFileType, "is not an RTF document"),
    Broken("e-book cut in half", "half.epub", _read("harbour.epub")[:3000], DamagedFile, "cannot be unpacked"),
    Broken(
        "e-book without its list of parts",
        "listless.epub",
        with_part("harbour.epub", "EPUB/content.opf", None),
        DamagedFile,
        "no readable list of its parts",
    ),
    Broken(
        "e-book with locked chapters",
        "sold.epub",
        with_part(
            "harbour.epub", "META-INF/com.apple.ibooks.display-options.xml", LOCKED_CHAPTERS, "META-INF/encryption.xml"
        ),
        EncryptedFile,
        "rights management",
    ),
    Broken("Word named .epub", "guide.epub", DOCX, WrongFileType, "another kind of ZIP"),
    Broken("notebook cut short", "short.ipynb", _read("gauge.ipynb")[:-20], DamagedFile, "not whole JSON"),
    Broken("JSON named .ipynb", "json.ipynb", b'{"a": 1}', WrongFileType, "it has no cells"),
    Broken("notebook without a word", "blank.ipynb", b'{"cells": []}', NoText, "holds no text"),
    Broken("text named .eml", "text.eml", b"Dear Sir", WrongFileType, "it has no headers"),
    Broken("noise named .eml", "noise.eml", NOISE, WrongFileType, "it has no headers"),
    Broken("one message named .mbox", "one.mbox", _read("gauge.eml"), WrongFileType, "rename it to .eml"),
    Broken("text named .srt", "text.srt", b"Dear Sir", WrongFileType, "it has no times"),
    Broken(
        "subtitles with garbled times",
        "times.vtt",
        b"WEBVTT\n\nzero --> one\nDear Sir\n",
        DamagedFile,
        "none of its times",
    ),
    Broken("subtitles without words", "silent.srt", b"1\n00:00:01,000 --> 00:00:02,000\n\n", EmptyFile, "no words"),
    Broken("text named .tex", "text.tex", b"Dear Sir", WrongFileType, "it has no commands"),
    Broken(
        "LaTeX without a word",
        "wordless.tex",
        b"\\documentclass{article}\\begin{document}\\end{document}",
        NoText,
        "holds no text",
    ),
    Broken(
        "CSV with an open quote", "open.csv", b'a,b\n1,2\n3,"4\n5,6\n', DamagedFile, "begins in line 3 is never closed"
    ),
    Broken("CSV of empty cells", "cells.csv", b",,\n,,\n", EmptyFile, "no cell with anything"),
    Broken("noise named .csv", "noise.csv", NOISE, WrongFileType, "not text in any encoding"),
    Broken(
        "Excel named .csv", "levels.csv", _read("levels.xlsx"), WrongFileType, "but a ZIP archive or an Office file"
    ),
    Broken("JSON cut short", "short.json", _read("stations.json")[:-30], DamagedFile, "is not whole JSON"),
    Broken("JSON nested too deeply", "deep.json", b"[" * 100_000 + b"]" * 100_000, DamagedFile, "nested more deeply"),
    Broken("JSON of nothing", "nothing.json", b'{"a": null, "b": [""]}', EmptyFile, "no value but empty ones"),
    Broken("JSON Lines with a cut line", "cut.jsonl", b'{"a": 1}\n{"a": \n', DamagedFile, "no JSON in line 2"),
    Broken("program named .py", "program.py", b"\x7fELF\x02\x01\x01" + bytes(200), WrongFileType, "but a program"),
    Broken("binary named .txt", "noise.txt", NOISE, WrongFileType, "not text in any encoding"),
    Broken("program named .md", "program.md", b"\x7fELF\x02\x01\x01" + bytes(200), WrongFileType, "but a program"),
    Broken("archive without ending", "archive", b"\x1f\x8b\x08\x00" + NOISE, WrongFileType, "but a gzip archive"),
    Broken("NULs named .log", "nuls.log", bytes(500), WrongFileType, "not text in any encoding"),
]
