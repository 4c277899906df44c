"""What a PDF's text lacks, said with the pages."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from core.loading._omissions import first_names, place_names
from core.loading.pdf._content import PageContent, count_words
from core.util.formatting import plural

_MIN_REPEATS = 3  # pages on which a line stands that is a stamp, header or footer
_UNNAMED = "\ufffd"  # a letter that its font does not name
_NUMBER = re.compile(r"\d+")


def no_text_message(name: str, contents: Sequence[PageContent]) -> str:
    """Return what to say of a file without any text."""
    pages = plural(len(contents), "page")
    if any(content.unread_letters for content in contents):
        return (
            f"{name} holds no text that can be read on its {pages}, its fonts do not say which letters they show: "
            "run text recognition (OCR) on it first"
        )
    if any(content.is_outlines(0) for content in contents) and not any(content.is_scan(0) for content in contents):
        return (
            f"{name} holds no text on its {pages}, only outlines of letters or drawings: "
            "run text recognition (OCR) on it first"
        )
    return f"{name} holds no text on its {pages}, so it is probably a scan: run text recognition (OCR) on it first"


def pdf_notes(contents: Sequence[PageContent], attached: Sequence[str], has_xfa_form: bool) -> tuple[str, ...]:
    """Return what the text lacks and what was added to it, each with its pages."""
    words = _own_words(contents)
    scans: list[int] = []
    stamped: list[int] = []
    outlines: list[int] = []
    unread: list[int] = []
    pictures: list[int] = []
    for number, (content, count) in enumerate(zip(contents, words, strict=True), 1):
        if content.unread_letters:
            unread.append(number)
        elif content.is_scan(count):
            (stamped if content.words else scans).append(number)
        elif content.is_outlines(count):
            outlines.append(number)
        elif content.has_large_picture:
            pictures.append(number)
    total = len(contents)
    ocr = "run text recognition (OCR) on them to find what they show"
    notes = []
    if has_xfa_form:
        notes.append("its form (XFA) is not read: open it in Adobe Acrobat Reader, print it to PDF and bring that")
    found = "is" if len(scans) == 1 else "are"
    if scans:
        notes.append(f"{_pages(scans, total)} {_verb(scans, 'holds', 'hold')} no text and {found} not findable: {ocr}")
    if stamped:
        verb = _verb(stamped, "is a picture", "are pictures")
        notes.append(f"{_pages(stamped, total)} {verb} with only a few words of text: {ocr}")
    if outlines:
        verb = _verb(outlines, "holds", "hold")
        notes.append(f"{_pages(outlines, total)} {verb} outlines of letters or drawings without text: {ocr}")
    if unread:
        verb = _verb(unread, "has", "have")
        notes.append(f"{_pages(unread, total)} {verb} fonts that do not say which letters they show: {ocr}")
    unnamed = [
        number for number, content in enumerate(contents, 1) if number not in unread and _UNNAMED in content.text
    ]
    if unnamed:
        count = sum(contents[number - 1].text.count(_UNNAMED) for number in unnamed)
        where = f"on {_pages(unnamed, total)} that the font does not name"
        notes.append(f"{plural(count, 'letter')} {where} {'is' if count == 1 else 'are'} marked {_UNNAMED}")
    outside = [number for number, content in enumerate(contents, 1) if content.outside]
    if outside:
        count = sum(content.outside for content in contents)
        where = f"outside the part that {_pages(outside, total)} {_verb(outside, 'shows', 'show')}"
        notes.append(f"{plural(count, 'letter')} {where} left out")
    if pictures:
        notes.append(f"large pictures on {_pages(pictures, total)}: text inside them is not read")
    counts = (
        (sum(len(content.comments) for content in contents), "comment", "comments"),
        (sum(len(content.fields) for content in contents), "filled form field", "filled form fields"),
    )
    notes += [
        f"{plural(count, one, many)} {'is' if count == 1 else 'are'} at the end of the page"
        for count, one, many in counts
        if count
    ]
    files = len(attached) + sum(content.attachments for content in contents)
    if files:
        names = f" ({first_names(attached)})" if attached else ""
        notes.append(f"{plural(files, 'attached file')} not read{names}")
    return tuple(notes)


def _own_words(contents: Sequence[PageContent]) -> list[int]:
    """Return how many words each page has without the lines that, numbers aside, stand on other pages too."""
    lines_by_page = [[_NUMBER.sub("#", line.strip()) for line in content.text.split("\n")] for content in contents]
    repeats = Counter(line for lines in lines_by_page for line in set(lines))
    return [sum(count_words(line) for line in lines if repeats[line] < _MIN_REPEATS) for lines in lines_by_page]


def _pages(numbers: Sequence[int], total: int) -> str:
    """Return pages in words: "page 2 of 4", "pages 2, 3 and 5 of 9", at most ten of them."""
    return f"{place_names('page', numbers)} of {total}"


def _verb(numbers: Sequence[int], one: str, many: str) -> str:
    return one if len(numbers) == 1 else many
