"""The text of a mail: its parts in order, those that stand for one another once, what is not read by name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from email import message_from_bytes
from email.errors import MessageError
from email.header import decode_header
from email.message import Message
from email.parser import BytesHeaderParser
from itertools import islice

from core.errors import LoadingError
from core.loading._encoding import clean_text, decode
from core.loading._omissions import first_names
from core.loading.html.load import convert_html, declared_encoding
from core.loading.mail._calendar import calendar_id, calendar_lines
from core.loading.mail._transfer import part_bytes, signed_content, without_uu_blocks
from core.util.formatting import plural

BETWEEN = "\n\n"
MAX_NESTING = 30  # parts inside parts; what is deeper is named, not read
_END_OF_HEADER = b"\n\n"
_GUESSED_FROM = 20_000  # bytes of a text that tell its encoding
TOO_DEEP = f"parts nested more than {MAX_NESTING} deep are not read"
COVERED = 0.8  # share of the HTML's words that the plain text must have to be read in its stead
STUB_WORDS = 60
_SHOWN_HEADERS = ("From", "To", "Cc", "Date")
_WORD = re.compile(r"\w+")
_STUB = re.compile(
    r"html|browser|view (?:this|it|the|online)|does not support|online version|web version", re.IGNORECASE
)
_SIGNATURES = ("pgp-signature", "pkcs7-signature", "x-pkcs7-signature", "applefile", "pgp-keys", "pgp-encrypted")
_UNREAD_TEXTS = ("css", "javascript", "vcard", "x-vcard", "directory", "rtf", "x-amp-html", "x-moz-deleted")
_SILENT_TEXTS = ("css", "javascript", "x-amp-html", "x-watch-html", "x-moz-deleted")
_CALENDARS = ("text/calendar", "application/ics", "text/x-vcalendar")
_STATUS_TYPES = ("delivery-status", "disposition-notification", "feedback-report", "global-delivery-status")
_PGP_SIGNED = re.compile(
    r"-----BEGIN PGP SIGNED MESSAGE-----\n(?:[A-Za-z]+:[^\n]*\n)*\n?(.*?)"
    r"-----BEGIN PGP SIGNATURE-----.*?-----END PGP SIGNATURE-----",
    re.DOTALL,
)
_PGP_MESSAGE = re.compile(r"-----BEGIN PGP MESSAGE-----.*?(?:-----END PGP MESSAGE-----|\Z)", re.DOTALL)
ENCRYPTED = "the message is encrypted: its text cannot be read"
_LEADING_QUOTES = re.compile(r">*")


@dataclass
class MailBody:
    """What was read of a message: its texts, the names of what was not read, and notes of what else is missing."""

    texts: list[str] = field(default_factory=list)
    attached: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    calendars: set[str] = field(default_factory=set)  # the identities of entries that are read

    @property
    def text(self) -> str:
        """All its texts, one after the other."""
        return BETWEEN.join(filter(None, self.texts))

    def all_notes(self) -> tuple[str, ...]:
        """Return the notes, the one of what is attached among them, each once."""
        notes = list(dict.fromkeys(self.notes))
        return (*notes, *attachment_note(self.attached))


def read_body(name: str, data: bytes) -> tuple[Message, MailBody]:
    """Return the message in ``data``, for its headers, with its texts and attachments; ``name`` is its file's."""
    body = MailBody()
    message = _parsed(data, body)
    _read_part(name, message, body, 0, is_root=True)
    return message, body


def _parsed(data: bytes, body: MailBody) -> Message:
    """The message in ``data``; without its parts, and with a note, where these are nested deeper than Python reads."""
    try:
        return message_from_bytes(data)
    except RecursionError:
        body.notes.append(TOO_DEEP)
        message = BytesHeaderParser().parsebytes(data)
        message.set_payload("")
        message.set_type("text/plain")
        return message


def attachment_note(attached: Sequence[str]) -> tuple[str, ...]:
    """Return the note that names the attachments, which are not read; none where nothing is attached."""
    if not attached:
        return ()
    verb = "is" if len(attached) == 1 else "are"
    return (f"{plural(len(attached), 'attachment')} {verb} not read: {first_names(attached)}",)


def header_text(message: Message, name: str) -> str:
    """Return a header on one line, its coded words decoded where they can be."""
    values = (str(value) for header, value in message.raw_items() if header.lower() == name.lower())
    return _header_line(next(values, ""), message)


def _header_line(raw: str, message: Message | None = None) -> str:
    """Return a header on one line; bytes that say no encoding are read in that of the message."""
    with suppress(MessageError, ValueError, LookupError, LoadingError):  # it stays as it came
        parts = []
        for chunk, charset in decode_header(raw):
            if isinstance(chunk, bytes):
                is_plain = charset is None and chunk.isascii()
                parts.append(chunk.decode("ascii") if is_plain else decode("header", chunk, charset).text)
            else:
                parts.append(str(chunk))
        raw = "".join(parts)
    if any("\udc80" <= sign <= "\udcff" for sign in raw):  # bytes that say no encoding
        with suppress(LoadingError):
            data = raw.encode("utf-8", "surrogateescape")
            declared, text = _encoding_of(message) if message else (None, b"")
            raw = decode("header", data + _END_OF_HEADER + text, declared).text.partition("\n\n")[0]
    return " ".join(clean_text(raw.replace("\ufffd", "")).split())


def _encoding_of(message: Message) -> tuple[str | None, bytes]:
    """Return the encoding that a message declares for its first text, or else the text from which it can be guessed."""
    for part in islice(message.walk(), MAX_NESTING):
        if part.get_content_maintype() == "text":
            payload = part.get_payload(decode=True)
            return part.get_content_charset(), payload[:_GUESSED_FROM] if isinstance(payload, bytes) else b""
    return None, b""


def _read_part(name: str, part: Message, body: MailBody, depth: int, *, is_root: bool = False) -> None:
    """Add a part, and those inside it, to ``body``."""
    kind, subtype = part.get_content_maintype(), part.get_content_subtype()
    if depth > MAX_NESTING:
        body.notes.append(TOO_DEEP)
    elif part.is_multipart() and kind == "message":
        _read_message(name, part, body, depth)
    elif part.is_multipart():
        _read_container(name, part, body, depth)
    elif kind == "message" or part.get_content_type() == "text/rfc822-headers":
        _read_unparsed_message(name, part, body, depth)
    elif part.get_content_type() in _CALENDARS:
        _read_calendar(name, part, body, "")
    elif subtype in _SIGNATURES or (kind == "text" and subtype in _SILENT_TEXTS):
        return
    elif subtype in ("pkcs7-mime", "x-pkcs7-mime"):
        signed = signed_content(part_bytes(part)[0])
        if signed:
            _read_part(name, _parsed(signed, body), body, depth + 1, is_root=True)
        elif "signed" in str(part.get_param("smime-type") or ""):
            body.notes.append("the message's S/MIME signature is damaged: its text cannot be read")
        else:
            body.notes.append(ENCRYPTED)
    elif subtype in ("ms-tnef", "vnd.ms-tnef") or _file_name(part).lower() == "winmail.dat":
        body.notes.append("winmail.dat is in a form of Outlook's own, which is not read: what is in it is missing here")
    elif kind == "multipart" or _is_read(part, is_root=is_root):  # a container without its boundary is text
        body.texts.append(_text(name, part, body))
    else:
        body.attached.append(_file_name(part) or part.get_content_type())


def _is_read(part: Message, *, is_root: bool) -> bool:
    """Whether a part is text of the message: not attached, or all that the message has."""
    if part.get_content_maintype() != "text" or part.get_content_subtype() in _UNREAD_TEXTS:
        return False
    return is_root or part.get_content_disposition() != "attachment"


def _children(part: Message) -> list[Message]:
    payload = part.get_payload()
    return [child for child in payload if isinstance(child, Message)] if isinstance(payload, list) else []


def _read_container(name: str, part: Message, body: MailBody, depth: int) -> None:
    children, subtype = _children(part), part.get_content_subtype()
    if subtype == "encrypted":
        body.notes.append(ENCRYPTED)
    elif subtype == "alternative":
        _read_alternatives(name, children, body, depth)
    else:
        for child in children:
            _read_part(name, child, body, depth + 1)


def _read_alternatives(name: str, children: Sequence[Message], body: MailBody, depth: int) -> None:
    """Add the one of several forms of the same text that says the most, and what only a calendar entry says."""
    calendars = [child for child in children if child.get_content_type() in _CALENDARS]
    forms: list[tuple[bool, MailBody]] = []
    for child in children:
        if child not in calendars:
            form = MailBody()
            _read_part(name, child, form, depth + 1)
            forms.append((child.get_content_type() == "text/plain", form))
    best = _best_form(forms)
    if best:
        body.texts.append(best.text)
        body.notes += best.notes
    body.attached += dict.fromkeys(file for _, form in forms for file in form.attached)
    for calendar in calendars:
        _read_calendar(name, calendar, body, best.text if best else "")


def _best_form(forms: Sequence[tuple[bool, MailBody]]) -> MailBody | None:
    """The plain text if it has the words of the richer form, which repeats it with its layout; else the one with more.

    A plain text that only says where the other is to be seen stands for nothing.
    """
    worded = [(is_plain, form, set(_WORD.findall(form.text.lower()))) for is_plain, form in forms if form.text.strip()]
    if not worded:
        return next((form for _, form in forms if form.notes), None)
    plain = next(((form, words) for is_plain, form, words in worded if is_plain), None)
    rich = max(((form, words) for is_plain, form, words in worded if not is_plain), key=_size, default=None)
    if plain is None or rich is None:
        return max(((form, words) for _, form, words in worded), key=_size)[0]
    is_stub = len(plain[1]) < STUB_WORDS and _STUB.search(plain[0].text) is not None
    if is_stub and not rich[1] <= plain[1]:
        return rich[0]
    shared = len(plain[1] & rich[1]) / max(len(rich[1]), 1)
    return plain[0] if shared >= COVERED or len(plain[1]) > len(rich[1]) else rich[0]


def _size(form: tuple[MailBody, set[str]]) -> int:
    return len(form[1])


def _read_message(name: str, part: Message, body: MailBody, depth: int) -> None:
    """Add a message inside a message, with its headers, or the fields of a report."""
    children = _children(part)
    if part.get_content_subtype() in _STATUS_TYPES:
        blocks = [_fields(child) for child in children]
        body.texts.append(BETWEEN.join(filter(None, blocks)))
        return
    for child in children:
        encoding = str(part.get("Content-Transfer-Encoding") or "").strip().lower()
        whole = child
        if not child.keys() and encoding in ("base64", "quoted-printable"):  # not allowed, and written all the same
            child["Content-Transfer-Encoding"] = encoding
            whole = _parsed(part_bytes(child)[0], body)
        _read_forwarded(name, whole, body, depth)


def _read_forwarded(name: str, message: Message, body: MailBody, depth: int) -> None:
    lines = [f"{header}: {value}" for header in _SHOWN_HEADERS if (value := header_text(message, header))]
    body.texts += [header_text(message, "Subject"), "\n".join(lines)]
    _read_part(name, message, body, depth + 1, is_root=True)


def _read_unparsed_message(name: str, part: Message, body: MailBody, depth: int) -> None:
    """Add a message, or the headers of one, that the parser left as text."""
    if part.get_content_subtype() == "external-body":
        body.attached.append(_file_name(part) or str(part.get_param("name") or "a file kept elsewhere"))
        return
    data, note = part_bytes(part)
    if note:
        body.notes.append(note)
    message = _parsed(data.lstrip(), body)
    if part.get_content_subtype() in _STATUS_TYPES:
        body.texts.append(_fields(message))
    elif message.keys():
        _read_forwarded(name, message, body, depth)
    else:
        body.texts.append(_text(name, part, body))


def _fields(message: Message) -> str:
    return "\n".join(f"{name}: {_header_line(str(value))}" for name, value in message.items())


def _read_calendar(name: str, part: Message, body: MailBody, said: str) -> None:
    """Add what a calendar entry says and ``said``, the text that it comes with, does not; each entry once."""
    text = _decoded(name, part, body)
    identity = calendar_id(text)
    if identity and identity in body.calendars:
        return
    body.calendars.add(identity)
    known = set(_WORD.findall(said.lower()))
    lines = [line for line in calendar_lines(text) if not set(_WORD.findall(line.lower())) <= known]
    body.texts.append(clean_text("\n".join(lines)).strip())


def _file_name(part: Message) -> str:
    try:
        return _header_line(part.get_filename() or "")
    except (ValueError, LookupError, TypeError):
        return "a file without a name"


def _decoded(name: str, part: Message, body: MailBody) -> str:
    """A part's text; empty, with a note, where it cannot be read."""
    data, note = part_bytes(part)
    if note:
        body.notes.append(note)
    data, files = without_uu_blocks(data)
    body.attached += [_header_line(file) for file in files]
    if not data.strip():
        return ""
    try:
        declared = part.get_param("charset")
        label = declared[2] if isinstance(declared, tuple) else declared
        if not label and part.get_content_subtype() == "html":
            label = declared_encoding(data)
        decoded = decode(name, data, label if isinstance(label, str) else None)
    except (LoadingError, LookupError, ValueError):  # one unreadable part leaves the others
        body.notes.append(f"a part of the kind {part.get_content_type()} is not text and is not read")
        return ""
    body.notes += decoded.notes
    return decoded.text


def _text(name: str, part: Message, body: MailBody) -> str:
    text = _decoded(name, part, body)
    subtype = part.get_content_subtype()
    if subtype == "html" and "<" in text:
        page = convert_html(text)
        body.notes += page.notes
        return page.text.strip()
    text = clean_text(text)
    if subtype in ("enriched", "richtext"):
        text = re.sub(r"<(?!<)[^>]{0,60}>", "", text).replace("<<", "<")
    elif str(part.get_param("format") or "").lower() == "flowed":
        text = _unflowed(text, joined_words=str(part.get_param("delsp") or "").lower() == "yes")
    return _without_pgp(text, body).strip()


def _unflowed(text: str, *, joined_words: bool) -> str:
    """Join the lines of a text in format=flowed (RFC 3676): one that ends in a space goes on in the next one."""
    paragraphs: list[str] = []
    depth_before, is_open = 0, False
    for line in text.split("\n"):
        quote = _LEADING_QUOTES.match(line)
        marks = quote[0] if quote else ""
        content = line[len(marks) :].removeprefix(" ")
        is_signature = content == "-- "
        if is_open and len(marks) == depth_before and not is_signature:
            paragraphs[-1] = (paragraphs[-1][:-1] if joined_words else paragraphs[-1]) + content
        else:
            paragraphs.append((marks + " " if marks else "") + content)
        depth_before, is_open = len(marks), content.endswith(" ") and not is_signature
    return "\n".join(paragraphs)


def _without_pgp(text: str, body: MailBody) -> str:
    """Return a text without the marks of a PGP signature; an encrypted one is left out, with a note."""
    if "-----BEGIN PGP" not in text:
        return text
    text = _PGP_SIGNED.sub(lambda match: re.sub(r"(?m)^- ", "", match[1]), text)
    plain = _PGP_MESSAGE.sub("", text)
    if plain != text:
        body.notes.append(ENCRYPTED)
    return plain
