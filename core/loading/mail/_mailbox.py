"""Mailboxes in the formats of Unix: where each message begins and ends.

A message begins with a postmark, a line ``From sender date``. The formats differ in how they keep such lines of a
text apart: mboxo and mboxrd put a ``>`` before them, mboxcl says the length of each text, and some programs do
neither (https://www.loc.gov/preservation/digital/formats/fdd/fdd000383.shtml and its neighbours).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_POSTMARK = re.compile(rb"^From [^\r\n]{1,500}\r?\n", re.MULTILINE)
_FIRST_POSTMARK = re.compile(rb"\s*From [^\r\n]*\d{4}[^\r\n]*\r?\n")
_DATE = re.compile(
    rb"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? +(?:[A-Z][a-z]{2} +\d{1,2}|\d{1,2} +[A-Z][a-z]{2}),? .{0,40}?\d\d?:\d\d"
)
_HEADER = re.compile(rb"(?:>?From [^\n]*\n)?[A-Za-z][!-9;-~]*:[^\n]*\n")
_KNOWN_HEADER = re.compile(
    rb"(?:From|To|Cc|Date|Subject|Sender|Received|Return-Path|Message-ID|MIME-Version|Content-[A-Za-z-]+"
    rb"|Delivered-To|Status|Reply-To|In-Reply-To|References|List-[A-Za-z-]+|X-[!-9;-~]+|DKIM-Signature|ARC-[A-Za-z-]+"
    rb"|Envelope-to|Delivery-date|Authentication-Results):",
    re.IGNORECASE,
)
_LENGTH = re.compile(rb"^Content-Length:[ \t]*(\d{1,12})[ \t]*\r?$", re.MULTILINE | re.IGNORECASE)
_HEADERS_END = re.compile(rb"\r?\n\r?\n")
_QUOTED = re.compile(rb"^>(>*From )", re.MULTILINE)
_BEFORE = re.compile(rb"(?:\r?\n){0,3}From ")


def is_mailbox(data: bytes) -> bool:
    """Return whether the data begin with a postmark."""
    return _FIRST_POSTMARK.match(data) is not None


def messages(data: bytes) -> Iterator[bytes]:
    """Yield the messages of a mailbox without their postmarks, quoted ``From`` lines as they were written."""
    mark = _POSTMARK.search(data)
    while mark:
        start = mark.end()
        end, mark = _end(data, start)
        yield _QUOTED.sub(rb"\1", data[start:end])


def _end(data: bytes, start: int) -> tuple[int, re.Match[bytes] | None]:
    """Where the message that begins at ``start`` ends, and the postmark of the next one."""
    at = _told_end(data, start) or start
    for mark in _POSTMARK.finditer(data, at):
        if _begins_message(data, mark):
            return mark.start(), mark
    return len(data), None


def _told_end(data: bytes, start: int) -> int | None:
    """Where a message ends by its Content-Length, None where it has none or another message does not follow."""
    headers_end = _HEADERS_END.search(data, start)
    length = _LENGTH.search(data, start, headers_end.start() + 1) if headers_end else None
    if not headers_end or not length:
        return None
    end = headers_end.end() + int(length[1])
    return end if end <= len(data) and (_BEFORE.match(data, end) or not data[end : end + 100].strip()) else None


def _begins_message(data: bytes, mark: re.Match[bytes]) -> bool:
    """Whether a line that begins with From is a postmark: by its date and what stands around it."""
    after_blank = data[max(mark.start() - 4, 0) : mark.start()].endswith((b"\n\n", b"\n\r\n"))
    if _DATE.search(mark[0]):
        if _HEADER.match(data, mark.end()):
            return True
        return after_blank and data[mark.end() : mark.end() + 2].startswith((b"\n", b"\r\n"))
    return after_blank and _KNOWN_HEADER.match(data, mark.end()) is not None
