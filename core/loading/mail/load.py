"""E-mail: a message (.eml), or a mailbox (.mbox) with a record for each of its messages."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from core.errors import EmptyFile, WrongFileType
from core.loading._detection import reject_other_format
from core.loading._metadata import file_metadata
from core.loading.mail._body import BETWEEN, attachment_note, header_text, read_body
from core.loading.mail._mailbox import is_mailbox, messages
from core.records.document import Document, Heading, Row, Value
from core.util.formatting import plural

LONGEST_SUBJECT = 300
HEADERS = ("From", "To", "Cc", "Date")
MOST_NOTES = 8  # on different things in a mailbox
_HEADER = re.compile(rb"\A(?:From [^\n]*\n|>From [^\n]*\n)?[!-9;-~]+:[^\n]*\r?\n")


@dataclass(frozen=True)
class _Mail:
    """One message, read."""

    subject: str
    headers: dict[str, str]
    body: str
    attached: list[str]
    notes: tuple[str, ...] = ()

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
    return Document(name, mail.text + "\n", headings=headings, size=len(data), metadata=metadata, notes=mail.notes)


def load_mbox(name: str, data: bytes) -> Document:
    """Return a mailbox: a heading and a row for each message, with sender, subject and date. Raises LoadingError."""
    reject_other_format(name, data, "a mailbox")
    if not is_mailbox(data):
        raise WrongFileType(
            f"{name} is not a mailbox, it does not begin with a From line: rename it to .eml if it is one message"
        )
    texts: list[str] = []
    headings, rows, at = [], [], 0
    notes: Counter[str] = Counter()
    attached: list[str] = []
    for mail in (_read(name, message) for message in messages(data)):
        text = mail.text
        notes.update(note for note in mail.notes if "not read: " not in note)
        attached += mail.attached
        if text:
            headings.append(Heading(at, at + len(mail.subject), 1, mail.subject or "(no subject)"))
            rows.append(Row(at, at + len(text), _fields(mail)))
            texts.append(text)
            at += len(text) + len(BETWEEN)
    if not texts:
        raise EmptyFile(f"{name} holds no message with a word to read: there is nothing to index in it")
    headings = [heading for heading in headings if heading.start < heading.end]
    return Document(
        name,
        BETWEEN.join(texts) + "\n",
        headings=tuple(headings),
        size=len(data),
        rows=tuple(rows),
        notes=(*_mailbox_notes(notes), *attachment_note(attached)),
    )


def _fields(mail: _Mail) -> dict[str, Value]:
    fields = {
        "from": mail.headers.get("From", ""),
        "to": mail.headers.get("To", ""),
        "subject": mail.subject,
        "date": mail.date,
    }
    return {name: value for name, value in fields.items() if value}


def _read(name: str, data: bytes) -> _Mail:
    message, body = read_body(name, data)
    headers = {header: header_text(message, header) for header in HEADERS}
    subject = header_text(message, "Subject")[:LONGEST_SUBJECT].strip()
    return _Mail(subject, headers, body.text, body.attached, body.all_notes())


def _mailbox_notes(counts: Counter[str]) -> tuple[str, ...]:
    """The notes of all messages, each once with the number of messages that it is about."""
    notes = [note if count == 1 else f"{note} ({count:,} messages)" for note, count in counts.most_common(MOST_NOTES)]
    more = len(counts) - MOST_NOTES
    return (*notes, f"and {plural(more, 'other note')} on its messages") if more > 0 else tuple(notes)
