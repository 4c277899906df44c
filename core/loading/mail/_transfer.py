"""The bytes of a part of a mail: its transfer encoding undone, also where it is damaged or wrongly declared."""

from __future__ import annotations

import binascii
import quopri
import re
from email.message import Message

_BASE64_LINE = re.compile(rb"[A-Za-z0-9+/]+={0,2}")
_NO_BASE64 = re.compile(rb"[^A-Za-z0-9+/]")
_ESCAPE = re.compile(rb"=[0-9A-F]{2}")
_SOFT_BREAK = re.compile(rb"=\r?\n")
_UU_BLOCK = re.compile(
    rb"(?m)^begin [0-7]{3,4} ([^\r\n]{1,255})\r?\n((?:[ -`][^\r\n]{0,90}\r?\n)*?)(?:[ `]?\r?\n)?end\r?$"
)
FEWEST_ESCAPES = 3  # of quoted-printable, in a text that is not said to be in it
FEWEST_BASE64 = 60  # characters of a line


def part_bytes(part: Message) -> tuple[bytes, str]:
    """Return the bytes of a part that is no container, and a note where some cannot be read, else an empty one."""
    encoding = str(part.get("Content-Transfer-Encoding") or "").split(";")[0].strip().strip('"').lower()
    raw = _raw_bytes(part)
    if encoding == "base64":
        return _from_base64(raw)
    if encoding in ("quoted-printable", "quoted_printable", "qp"):
        return quopri.decodestring(raw), ""
    if encoding in ("uuencode", "x-uuencode", "uue", "x-uue"):
        block = _UU_BLOCK.search(raw)
        return (from_uu(block[2]), "") if block else (raw, "")
    return _undeclared(raw), ""


def _raw_bytes(part: Message) -> bytes:
    """The bytes of a part as they stand in the message: what Python gives where no transfer encoding is declared."""
    declared = part.get_all("Content-Transfer-Encoding") or []
    del part["Content-Transfer-Encoding"]
    payload = part.get_payload(decode=True)
    for value in declared:
        part["Content-Transfer-Encoding"] = value
    return payload if isinstance(payload, bytes) else b""


def _from_base64(raw: bytes) -> tuple[bytes, str]:
    """Undo base64; what follows it in plain text, as list programs append it, is kept as it is."""
    lines = raw.split(b"\n")
    count = next((at for at, line in enumerate(lines) if line.strip() and not _is_base64(line)), len(lines))
    if count == 0 or not b"".join(lines[:count]).strip():
        damaged = len(_NO_BASE64.sub(b"", raw)) > 0.9 * len(raw.strip()) > FEWEST_BASE64 and b" " not in raw.strip()
        return (_lenient(raw), _DAMAGED) if damaged else (raw, "")
    rest = b"\n".join(lines[count:]).strip()
    if rest and _is_nearly_base64(lines[count]) and all(_looks_like_base64(line) for line in lines[count + 1 :]):
        return b"".join(_lenient_line(line.strip()) for line in lines), _DAMAGED
    joined = b"".join(lines[:count])
    whole = len(re.sub(rb"[\s=]", b"", joined)) % 4 != 1
    decoded = b"".join(_lenient(chunk) for chunk in re.split(rb"(?<==)(?=[^=\s])", joined))
    return decoded + (b"\n\n" + rest if rest else b""), "" if whole else _DAMAGED


_DAMAGED = "a part of the message is damaged (its base64 is broken): what could be read of it is here"


def _is_base64(line: bytes) -> bool:
    return _BASE64_LINE.fullmatch(line.strip()) is not None


def _is_nearly_base64(line: bytes) -> bool:
    return len(_NO_BASE64.sub(b"", line)) >= 0.9 * len(line.strip()) and len(line) >= FEWEST_BASE64


def _lenient_line(line: bytes) -> bytes:
    """Undo one line, a foreign character taken for another so that the ones behind it stay in their places."""
    return _lenient(_NO_BASE64.sub(b"A", line.rstrip(b"=")))


def _looks_like_base64(line: bytes) -> bool:
    return not line.strip() or (_is_base64(line) and len(line.strip()) % 4 == 0)


def _lenient(raw: bytes) -> bytes:
    """Undo base64 without its foreign characters and its incomplete last group."""
    letters = _NO_BASE64.sub(b"", raw)
    letters = letters[:-1] if len(letters) % 4 == 1 else letters
    return binascii.a2b_base64(letters + b"=" * (-len(letters) % 4))


def _undeclared(raw: bytes) -> bytes:
    """Undo quoted-printable and base64 that are not declared: where all of the text has their form."""
    if not raw.isascii():
        return raw
    escapes = len(_ESCAPE.findall(raw))
    if escapes >= FEWEST_ESCAPES and escapes == raw.count(b"=") - len(_SOFT_BREAK.findall(raw)):
        decoded = quopri.decodestring(raw)
        if _SOFT_BREAK.search(raw) or not decoded.isascii():
            return decoded
    lines = raw.split()
    if lines and len(lines[0]) >= FEWEST_BASE64 and all(map(_is_base64, lines)) and len({*map(len, lines[:-1])}) <= 1:
        decoded = _lenient(raw)
        if sum(byte < 32 and byte not in b"\t\r\n" for byte in decoded) < len(decoded) / 100:
            return decoded
    return raw


def without_uu_blocks(data: bytes) -> tuple[bytes, list[str]]:
    """Return a text without the files that are in it in uuencode's form, and their names."""
    names = [match[1].decode("utf-8", "replace") for match in _UU_BLOCK.finditer(data)]
    return _UU_BLOCK.sub(b"", data) if names else data, names


def from_uu(lines: bytes) -> bytes:
    """Undo uuencode. Lines that are none are passed over."""
    decoded = b""
    for line in filter(None, lines.splitlines()):
        try:
            decoded += binascii.a2b_uu(line[: ((line[0] - 32) % 64 * 4 + 5) // 3])
        except binascii.Error:
            continue
    return decoded


_SIGNED_DATA = bytes.fromhex("06092a864886f70d010702")  # the object identifier 1.2.840.113549.1.7.2
_CONTENT = bytes.fromhex("06092a864886f70d010701")  # and 1.2.840.113549.1.7.1, before what is signed
_OCTETS, _OCTETS_IN_PARTS, _EXPLICIT = 0x04, 0x24, 0xA0  # BER's tags


def signed_content(data: bytes) -> bytes:
    """Return the message inside signed data of S/MIME (RFC 5652); empty for what is encrypted or damaged."""
    if _SIGNED_DATA not in data[:100] or _CONTENT not in data:
        return b""
    at = data.index(_CONTENT) + len(_CONTENT)
    tag, _, at = _element(data, at)
    if tag != _EXPLICIT:
        return b""
    tag, length, at = _element(data, at)
    if tag == _OCTETS:
        return data[at : at + length]
    parts: list[bytes] = []
    end = at + length if length else len(data)
    while tag == _OCTETS_IN_PARTS and at < end:
        part, length, at = _element(data, at)
        if part != _OCTETS:  # the end of a length that is not told
            break
        parts.append(data[at : at + length])
        at += length
    return b"".join(parts)


def _element(data: bytes, at: int) -> tuple[int, int, int]:
    """The tag and the length of BER's element at an offset, and where its content begins; 0 for an untold length."""
    head = data[at : at + 2]
    if len(head) < 2:
        return 0, 0, len(data)
    if head[1] < 0x80:
        return head[0], head[1], at + 2
    more = head[1] - 0x80
    return head[0], int.from_bytes(data[at + 2 : at + 2 + more], "big"), at + 2 + more
