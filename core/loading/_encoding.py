"""Bytes to text: which encoding they are in, and what no reader sees taken out."""

from __future__ import annotations

import codecs
import re
from contextlib import suppress
from dataclasses import dataclass, replace
from unicodedata import category, normalize

from core.errors import WrongFileType
from core.loading._encoding_guess import guess_encodings, guess_utf_16
from core.loading._encoding_names import declared_in_text, python_codec, shown_label, shown_name
from core.util.formatting import plural

_BYTE_ORDER_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32-le",  # before UTF-16, whose mark is its beginning
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_LINE_END = re.compile(r"\r\n?|\x0b|\u2028|\u2029")
_INVISIBLE = re.compile(r"[\x00-\x08\x0e-\x1f\x7f\u00ad\ufeff]")
_LIGATURE = re.compile(r"[\ufb00-\ufb06]")
_HIGH = re.compile(r"[^\x00-\x7f]")
_PADDING = re.compile(rb"\x00{8,}")  # more than UTF-32 has beside each other
_PADDING_TEXT = re.compile(r"\x00{4,}")
_ESCAPE = re.compile(rb"\x1b(?:\$[@B]|\$\([A-Q]|\([BJI]|\$\)[ACG]|\$A)")  # of ISO 2022
_JIS_SEGMENT = re.compile(rb"\x1b(\$[@B]|\$\(D|\(I|\([BJ])")
# What terminals draw with: colours, titles, and letters that are struck twice to be bold or over "_" to be underlined.
_DRAWN = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[()][0AB]|\x1b[=>78cDEHM]|(?:[^\n]\x08)+"
)
_SEPARATORS = re.compile(r"[\x01-\x08\x0e-\x1f]+")
_MAX_SEPARATORS = 0.3  # of the characters of plain ASCII, such as the fields of a message between control characters
SAMPLE = 20_000  # characters looked at for binary content
# Encodings that have all characters of the key, and more.
_LARGER = {"euc_jp": "euc_jis_2004", "cp950": "big5hkscs", "cp932": "shift_jis_2004", "iso2022_jp": "iso2022_jp_ext"}
_UNASSIGNED = {"cp932": str.maketrans("\uf8f0\uf8f1\uf8f2\uf8f3", "\ufffd" * 4)}  # for bytes that are no characters
GOOD_TO_BAD = 3  # valid characters beyond ASCII for each invalid byte in a text that is UTF-8 all the same
_SEVEN_BIT = ("iso2022", "hz", "utf-7")  # encodings whose every text is valid ASCII
_WESTERN = ("cp1252", "iso8859-15", "cp850", "mac-roman")
FOREIGN_SHARE = 0.6  # no language of Western Europe writes more of its letters beyond ASCII
FEWEST_LETTERS = 8
FEWEST_BACKWARD = 2  # words that begin with a form of the end, in Hebrew that is stored as it is shown
_FEWEST_LINES = 3  # with letters beyond ASCII in UTF-8, that no other encoding makes by chance
_MIXED_SHARE = 0.2  # of the lines that are no UTF-8
_WIDE = ("utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be")
_HEBREW = ("iso8859-8", "cp1255", "cp862", "cp424")
_HEBREW_WORD = re.compile("[א-ת]{2,}")
_HEBREW_FINAL = "ךםןףץ"  # the forms of five letters at the end of a word
_LEFT_TO_RIGHT = re.compile(r"[0-9A-Za-z][0-9A-Za-z.,:/@%+-]*(?: +[0-9A-Za-z][0-9A-Za-z.,:/@%+-]*)*")
_MIRRORED = str.maketrans("()[]{}<>", ")(][}{><")


@dataclass(frozen=True, slots=True)
class DecodedText:
    """The text of a file; ``notes`` say what could not be read of it, with how much."""

    text: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Reading:
    """What bytes say in one encoding; ``bad`` bytes (or groups of them) say nothing in it and are marked U+FFFD."""

    text: str
    bad: int
    codec: str
    said: tuple[str, ...] = ()  # what else there is to note
    is_cut: bool = False  # the last character is incomplete, all others are valid

    @property
    def is_text(self) -> bool:
        return not _is_binary(self.text)

    @property
    def is_nearly_whole(self) -> bool:
        """Whether most of what is beyond ASCII can be read."""
        marked = self.text.count("\ufffd")
        return self.bad == 0 or self.is_cut or len(_HIGH.findall(self.text)) - marked >= GOOD_TO_BAD * marked

    @property
    def notes(self) -> tuple[str, ...]:
        if not self.bad:
            return self.said
        verb = "is" if self.bad == 1 else "are"
        return (
            *self.said,
            f"{plural(self.bad, 'byte')} could not be read as {shown_name(self.codec)} and {verb} marked \ufffd",
        )


def decode(name: str, data: bytes, declared: str | None = None) -> DecodedText:
    """Return ``data`` as text. Raises WrongFileType if it is not text in any encoding.

    In this order: by its byte order mark; as ``declared`` outside of it, or in the text itself, if it can be read so;
    as UTF-8, also with a few bytes that are not; as UTF-16; as the most plausible encoding, with a note of which.
    """
    padding = sum(len(match[0]) for match in _PADDING.finditer(data))
    notes: list[str] = [f"{plural(padding, 'NUL byte')} between the text are left out"] if padding else []
    for mark, codec in _BYTE_ORDER_MARKS.items():
        if data.startswith(mark):
            marked = _without_padding(_read(data[len(mark) :], codec))
            if marked.is_text and marked.is_nearly_whole:
                return DecodedText(marked.text, (*notes, *marked.notes))
    if padding:
        data = _PADDING.sub(b"\n", data)
    label = declared or declared_in_text(name, data)
    reading = _as_declared(data, label) if label else None
    if reading:
        return _in_reading_order(reading, [*notes, *reading.notes])
    reading = _undeclared(data)
    if not reading and b"\x00" in data and not data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        reading = _undeclared(data.replace(b"\x00", b"\n"))  # lists whose entries end in NUL
    if not reading or not data.strip(b"\x00\n"):
        raise WrongFileType(
            f"{name} is not text in any encoding that can be told: save it as UTF-8, or bring another file"
        )
    if label and not python_codec(label) and not data.isascii():
        notes.append(f"the encoding {shown_label(label)!r} that it declares is not known: {_read_as(reading)}")
    elif label and reading.codec != "utf-8":
        notes.append(f"the encoding {shown_label(label)!r} that it declares does not fit: {_read_as(reading)}")
    elif reading.codec != "utf-8":
        notes.append(f"{_read_as(reading)}, which the file does not say")
    return _in_reading_order(reading, [*notes, *reading.notes])


def clean_text(text: str) -> str:
    """Return ``text`` with line ends as ``\\n``, ligatures as letters, and without what no reader sees:
    control characters, colours of terminals, soft hyphens, marks of byte order, and lone surrogates, which no store
    keeps."""
    text = _INVISIBLE.sub("", _LINE_END.sub("\n", _without_drawing(text)))
    text = _LIGATURE.sub(lambda match: normalize("NFKC", match[0]), text)
    return text.encode("utf-8", "ignore").decode("utf-8")


def _read_as(reading: _Reading) -> str:
    return f"read as {shown_name(reading.codec)}"


def _as_declared(data: bytes, label: str) -> _Reading | None:
    """Read ``data`` in the encoding of that name, or as the UTF-8 that it is in truth; None where it makes no text."""
    codec = python_codec(label)
    if codec is None:
        return None
    if not codec.startswith(_SEVEN_BIT):
        utf_8 = _as_utf_8(data)
        if utf_8 and utf_8.is_text and not utf_8.bad:
            high = len(_HIGH.findall(utf_8.text))
            if not codec.startswith(("cp9", "gb", "euc", "big5", "shift")) or high != 1:
                return utf_8
        if codec in ("utf-16", "utf-32"):
            return _as_wide(data)
        if label.strip().lower().endswith("ascii"):  # whose 128 characters are UTF-8's as well
            return None
    elif not data.isascii() and (utf_8 := _as_utf_8(data)) and not utf_8.bad:
        return utf_8
    reading = _as_utf_8(data) if codec == "utf-8" else _read(data, codec)
    if reading and reading.is_text and reading.is_nearly_whole and not _is_foreign(reading):
        return reading
    return None


def _is_foreign(reading: _Reading) -> bool:
    """Whether a text is declared to be Western, as servers do by default, but has hardly a letter of ASCII."""
    if reading.codec not in _WESTERN:
        return False
    letters = [sign for sign in reading.text[:SAMPLE] if sign.isalpha()]
    return len(letters) >= FEWEST_LETTERS and sum(sign > "\x7f" for sign in letters) > FOREIGN_SHARE * len(letters)


def _undeclared(data: bytes) -> _Reading | None:
    """Read ``data`` as UTF-8, UTF-16 or UTF-32, else in the most plausible encoding; None where it makes no text."""
    if _ESCAPE.search(data) and (b"\x1b$" in data or b"\x1b[" not in data):  # terminals too write ESC ( B
        return _as_iso_2022(data)
    if data.isascii() and b"~{" in data and guess_encodings(data)[:1] == ["hz"]:
        return _read(data, "hz")
    utf_8 = _as_utf_8(data)
    if utf_8 and utf_8.is_text and utf_8.is_nearly_whole:
        return utf_8
    if utf_8 and not utf_8.bad and data.isascii() and b"\x00" not in data:
        separators = _SEPARATORS.findall(utf_8.text)
        if sum(map(len, separators)) <= len(data) * _MAX_SEPARATORS:
            return replace(utf_8, text=_SEPARATORS.sub(" ", utf_8.text))
    if _CONTROLS.search(data.decode("latin-1")):
        wide = _as_wide(data)
        if wide:
            return wide
    mixed = _as_mixed(data)
    if mixed:
        return mixed
    for codec in guess_encodings(data):
        reading = _read(data, codec)
        if reading.is_text and _is_plausible(reading.text) and (reading.is_nearly_whole or codec in _WESTERN):
            return reading
    return None


def _read(data: bytes, codec: str) -> _Reading:
    """Read ``data`` in an encoding, or in one that has the same and more characters."""
    for variant in filter(None, (codec, _LARGER.get(codec))):
        try:
            text = data.decode(variant).translate(_UNASSIGNED.get(variant, {}))
            return _Reading(text, text.count("\ufffd") if variant in _UNASSIGNED else 0, codec)
        except (ValueError, LookupError):  # as UnicodeError
            continue
    if codec.startswith("iso2022_jp"):
        return _as_jis(data)
    text = data.decode(codec, "replace")
    return _Reading(text, text.count("\ufffd"), codec)


def _as_utf_8(data: bytes) -> _Reading | None:
    """Read ``data`` as UTF-8, None where nothing beyond ASCII in it is valid."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        text = decoder.decode(data)
    except UnicodeDecodeError:
        text = data.decode("utf-8", "replace")
        signs = 3 * data.count(b"\xef\xbf\xbd")  # bytes of the U+FFFD that the text has itself
        bad = len(data) - len(text.replace("\ufffd", "").encode()) - signs
        return _Reading(text, bad, "utf-8") if len(_HIGH.findall(text)) > text.count("\ufffd") else None
    rest = len(decoder.getstate()[0])
    if rest == 1 and text.isascii():  # one odd byte need not be the first half of a character
        return None
    return _Reading(text + "\ufffd" * bool(rest), rest, "utf-8", is_cut=bool(rest))


def _as_mixed(data: bytes) -> _Reading | None:
    """Read lines of UTF-8 among lines in one other encoding, as logs and joined files have them; None for others."""
    lines = data.splitlines(keepends=True)
    texts = [_valid(line) for line in lines]
    whole = [text for text in texts if text and not text.isascii()]
    torn = [line for line, text in zip(lines, texts, strict=True) if text is None]
    if len(whole) < _FEWEST_LINES or len(whole) < len(torn) * _MIXED_SHARE:
        return None
    rest = b"".join(torn)
    for codec in guess_encodings(rest):
        reading = _read(rest, codec)
        if reading.is_text and not reading.bad and _is_plausible(reading.text) and codec not in _WIDE:
            text = "".join(line.decode(codec, "replace") if text is None else text
                           for line, text in zip(lines, texts, strict=True))  # fmt: skip
            verb = "is" if len(torn) == 1 else "are"
            return _Reading(text, 0, "utf-8", (f"{plural(len(torn), 'line')} {verb} read as {shown_name(codec)}",))
    return None


def _valid(line: bytes) -> str | None:
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _as_wide(data: bytes) -> _Reading | None:
    """Read ``data`` without a byte order mark as UTF-32 or UTF-16; None where it makes no text."""
    if len(data) % 4 == 0 and data.count(b"\x00") >= len(data) // 4:
        for codec in ("utf-32-le", "utf-32-be"):
            with suppress(UnicodeDecodeError):
                return _Reading(data.decode(codec), 0, codec)
    even = data[: len(data) // 2 * 2]
    guessed = guess_utf_16(even)
    if guessed is None:
        return None
    reading = _read(even, guessed)
    if len(even) < len(data):
        reading = replace(reading, text=reading.text + "\ufffd", bad=reading.bad + 1)
    return reading if reading.is_text else None


def _as_iso_2022(data: bytes) -> _Reading | None:
    """Read text that changes its character set by escape sequences; None for Chinese sets, which Python lacks."""
    korean = b"\x1b$)C" in data
    if not korean and re.search(rb"\x1b\$\)?[AG]", data):
        return None
    reading = _read(data, "iso2022_kr" if korean else "iso2022_jp")
    return reading if reading.is_text and reading.is_nearly_whole else None


def _as_jis(data: bytes) -> _Reading:
    """Read ISO-2022-JP with the characters that Windows adds to it (such as circled digits and half-width kana).

    The sets that its escape sequences choose are those of Shift-JIS, in other bytes (RFC 1468, and CP50221).
    """
    first, *segments = _JIS_SEGMENT.split(data)
    texts = [first.decode("ascii", "replace")]
    for mark, segment in zip(segments[::2], segments[1::2], strict=True):
        if mark in (b"$@", b"$B"):
            line_ends = re.split(rb"([\r\n]+)", segment)  # some programs do not go back to ASCII at a line's end
            texts += [
                part.decode("ascii") if index % 2 else _shift_jis(part).decode("cp932", "replace")
                for index, part in enumerate(line_ends)
            ]
        elif mark == b"$(D":
            texts.append(
                b"".join(
                    b"\x8f" + bytes(b | 0x80 for b in segment[i : i + 2]) for i in range(0, len(segment), 2)
                ).decode("euc_jp", "replace")
            )
        elif mark == b"(I":
            texts.append(bytes(byte | 0x80 for byte in segment).decode("cp932", "replace"))
        else:
            texts.append(segment.decode("ascii", "replace"))
    text = "".join(texts)
    return _Reading(text, text.count("\ufffd"), "iso2022_jp")


def _shift_jis(segment: bytes) -> bytes:
    """Return characters of JIS X 0208, each a row and a cell from 0x21, in the bytes of Shift-JIS."""
    pairs = bytearray()
    for row, cell in zip(segment[::2], segment[1::2], strict=False):
        lead = (row - 0x21) // 2 + (0x81 if row < 0x5F else 0xC1)
        trail = cell + (0x1F + (cell > 0x5F) if row % 2 else 0x7E)
        pairs += bytes([min(lead, 0xFF), min(trail, 0xFF)])
    return bytes(pairs) + (b"\xfe" if len(segment) % 2 else b"")


def _without_padding(reading: _Reading) -> _Reading:
    return replace(reading, text=_PADDING_TEXT.sub("\n", reading.text))


def _without_drawing(text: str) -> str:
    return _DRAWN.sub("", text) if "\x1b" in text or "\x08" in text else text


def _is_binary(text: str) -> bool:
    sample = _without_drawing(text[:SAMPLE]).removesuffix("\x1a")  # the end of a file of DOS
    return len(_CONTROLS.findall(sample)) > len(sample) / 100


def _is_plausible(text: str) -> bool:
    """Whether a guessed text has hardly any control, private or unassigned characters among those beyond ASCII."""
    high = _HIGH.findall(text[:SAMPLE])
    odd = sum(category(sign) in ("Cc", "Cn", "Co") for sign in high)
    return odd <= len(high) / 10


def _in_reading_order(reading: _Reading, notes: list[str]) -> DecodedText:
    """Return the text; Hebrew that is stored as it is shown, from left to right, turned line by line.

    Five letters have a form of their own at a word's end, and so show which way the words run.
    """
    text = reading.text
    if reading.codec in _HEBREW:
        words = _HEBREW_WORD.findall(text)
        backward = sum(word[0] in _HEBREW_FINAL for word in words)
        forward = sum(word[-1] in _HEBREW_FINAL for word in words)
        if backward >= FEWEST_BACKWARD and backward > 3 * forward:
            text = "".join(_turned_line(line) for line in text.splitlines(keepends=True))
            notes.append("Hebrew stored in visual order is turned into reading order")
    return DecodedText(text, tuple(notes))


def _turned_line(line: str) -> str:
    if not _HEBREW_WORD.search(line):
        return line
    body = line.rstrip("\r\n")
    turned = body[::-1].translate(_MIRRORED)
    return _LEFT_TO_RIGHT.sub(lambda run: run[0][::-1], turned) + line[len(body) :]
