"""E-mail: a message (.eml), or a mailbox (.mbox) with a record for each of its messages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from email import message_from_bytes
from email.errors import MessageError
from email.header import decode_header, make_header
from email.message import Message
from email.utils import parsedate_to_datetime

from core.errors import EmptyFile, LoadingError, WrongFileType
from core.loading._detection import reject_other_format
from core.loading._encoding import clean_text, decode
from core.loading._html import html_to_markdown
from core.loading._metadata import file_metadata
from core.records.document import Document, Heading, Row, Value

LONGEST_SUBJECT = 300
HEADERS = ("From", "To", "Cc", "Date")
BETWEEN = "\n\n"
_POSTMARK = re.compile(rb"(?:\A|(?<=\n\n)|(?<=\n\r\n))From [^\r\n]*\d{4}[^\r\n]*\r?\n")
_QUOTED = re.compile(r"^>(>*From )", re.MULTILINE)
_HEADER = re.compile(rb"\A(?:From [^\n]*\n|>From [^\n]*\n)?[!-9;-~]+:[^\n]*\r?\n")


@dataclass(frozen=True)
class _Mail:
    """One message, read."""

    subject: str
    headers: dict[str, str]
    body: str
    attached: list[str]

    @property
    def date(self) -> str:
        """The day it was sent, where it was sent, as YYYY-MM-DD; empty where it does not say."""
        try:
            return parsedate_to_datetime(self.headers.get("Date", "")).date().isoformat()
        except (ValueError, TypeError, IndexError, OverflowError):
            return ""

    @property
    def text(self) -> str:
        """Subject, headers, body and the names of what is attached, as a person reads them."""
        lines = [f"{name}: {value}" for name, value in self.headers.items() if value]
        parts = [
            self.subject,
            "\n".join(lines),
            self.body,
            f"Attachments: {', '.join(self.attached)}" if self.attached else "",
        ]
        return BETWEEN.join(part for part in parts if part)


def load_eml(name: str, data: bytes) -> Document:
    """Return a message under its subject; the sender is its author, attachments are named. Raises LoadingError."""
    reject_other_format(name, data, "an e-mail")
    if not _HEADER.match(data.lstrip(b"\xef\xbb\xbf\r\n")):
        raise WrongFileType(f"{name} is not an e-mail, it has no headers: rename it to .txt if it is text")
    mail = _read(name, data.lstrip(b"\xef\xbb\xbf\r\n"))
    if not mail.text:
        raise EmptyFile(f"{name} holds no word to read: there is nothing to index in it")
    headings = (Heading(0, len(mail.subject), 1, mail.subject),) if mail.subject else ()
    metadata = file_metadata(mail.subject, mail.headers.get("From"), mail.date)
    return Document(name, mail.text + "\n", headings=headings, size=len(data), metadata=metadata)


def load_mbox(name: str, data: bytes) -> Document:
    """Return a mailbox: a heading and a row for each message, with sender, subject and date. Raises LoadingError."""
    reject_other_format(name, data, "a mailbox")
    if not _POSTMARK.match(data):
        raise WrongFileType(
            f"{name} is not a mailbox, it does not begin with a From line: rename it to .eml if it is one message"
        )
    texts: list[str] = []
    headings, rows, at = [], [], 0
    for mail in (_read(name, message) for message in _messages(data)):
        text = mail.text
        if text:
            headings.append(Heading(at, at + len(mail.subject), 1, mail.subject or "(no subject)"))
            rows.append(Row(at, at + len(text), _fields(mail)))
            texts.append(text)
            at += len(text) + len(BETWEEN)
    if not texts:
        raise EmptyFile(f"{name} holds no message with a word to read: there is nothing to index in it")
    headings = [heading for heading in headings if heading.start < heading.end]
    return Document(name, BETWEEN.join(texts) + "\n", headings=tuple(headings), size=len(data), rows=tuple(rows))


def _fields(mail: _Mail) -> dict[str, Value]:
    fields = {
        "from": mail.headers.get("From", ""),
        "to": mail.headers.get("To", ""),
        "subject": mail.subject,
        "date": mail.date,
    }
    return {name: value for name, value in fields.items() if value}


def _messages(data: bytes) -> Iterator[bytes]:
    marks = list(_POSTMARK.finditer(data))
    for mark, end in zip(marks, [*(mark.start() for mark in marks[1:]), len(data)], strict=True):
        yield data[mark.end() : end]


def _read(name: str, data: bytes) -> _Mail:
    message = message_from_bytes(data)
    headers = {header: _header(message, header) for header in HEADERS}
    bodies, attached = _body_and_attachments(name, message)
    return _Mail(_header(message, "Subject")[:LONGEST_SUBJECT].strip(), headers, bodies, attached)


def _header(message: Message, name: str) -> str:
    """A header on one line, its coded words decoded where they can be."""
    value = message.get(name)
    raw = str(value) if value is not None else ""
    with suppress(MessageError, ValueError, LookupError):  # it stays as it came
        raw = str(make_header(decode_header(raw)))
    return " ".join(clean_text(raw.replace("\ufffd", "")).split())


def _body_and_attachments(name: str, message: Message) -> tuple[str, list[str]]:
    """The message's text, and the names of its attachments."""
    texts: dict[str, list[str]] = {"plain": [], "html": []}
    attached = []
    for part in message.walk():
        if part.is_multipart():
            continue
        file_name = _file_name(part)
        if file_name or part.get_content_disposition() == "attachment":
            attached.append(file_name or part.get_content_type())
        elif part.get_content_maintype() == "text":
            texts.setdefault(part.get_content_subtype(), []).append(_text(name, part))
    plain = BETWEEN.join(filter(None, texts["plain"]))
    return plain or BETWEEN.join(filter(None, texts["html"])), attached


def _file_name(part: Message) -> str:
    try:
        file_name = part.get_filename() or ""
        return " ".join(clean_text(str(make_header(decode_header(file_name)))).split())
    except (MessageError, ValueError, LookupError, TypeError):
        return "a file without a name"


def _text(name: str, part: Message) -> str:
    data = part.get_payload(decode=True)
    if not isinstance(data, bytes) or not data.strip():
        return ""
    try:
        declared = part.get_content_charset()
        text = decode(name, data, declared).text
        if part.get_content_subtype() == "html":
            return html_to_markdown(text).strip()
    except (LoadingError, LookupError, ValueError):  # one unreadable part leaves the others
        return ""
    return _QUOTED.sub(r"\1", clean_text(text)).strip()
