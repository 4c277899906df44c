"""The encodings of Rich Text Format: code pages, the character sets of fonts, and fonts of symbols."""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from functools import cache

SYMBOL, PICTURES = "symbol", "pictures"  # in place of an encoding's name: fonts whose bytes are no letters
DEFAULT_ENCODING = "cp1252"
DOUBLE_BYTE = frozenset({"cp932", "cp949", "gbk", "cp950", "johab"})

# RTF 1.9.1, "Font Table", \fcharset. 0 is Windows' "ANSI", 1 the document's default.
_CHARSETS = {
    0: "cp1252", 77: "mac_roman", 78: "cp932", 79: "cp949", 80: "gbk", 81: "cp950", 83: "cp1255", 84: "cp1256",
    85: "mac_greek", 86: "mac_turkish", 87: "cp874", 88: "mac_latin2", 89: "mac_cyrillic", 128: "cp932", 129: "cp949",
    130: "johab", 134: "gbk", 136: "cp950", 161: "cp1253", 162: "cp1254", 163: "cp1258", 177: "cp1255", 178: "cp1256",
    179: "cp1256", 180: "cp1256", 181: "cp1255", 186: "cp1257", 204: "cp1251", 222: "cp874", 238: "cp1250",
    254: "cp437", 255: "cp850",
}  # fmt: skip
_CODE_PAGES = {
    708: "iso8859_6", 819: "latin_1", 936: "gbk", 1361: "johab", 10000: "mac_roman", 10001: "cp932", 10002: "cp950",
    10003: "cp949", 10006: "mac_greek", 10007: "mac_cyrillic", 10008: "gbk", 10029: "mac_latin2", 10081: "mac_turkish",
    20866: "koi8_r", 28591: "latin_1", 28592: "iso8859_2", 54936: "gb18030", 65001: "utf-8",
}  # fmt: skip
# Windows' old fonts name their character set: "Arial CYR".
_NAME_ENDINGS = {"cyr": 204, "ce": 238, "greek": 161, "tur": 162, "baltic": 186, "(hebrew)": 177, "(arabic)": 178}
_PICTURE_FONTS = ("wingdings", "webdings", "dingbats", "marlett")

# The encoding of Adobe's Symbol font from 0x20 and from 0xA0 on; "\0" where it has no character.
_SYMBOLS_LOW = " !∀#∃%&∋()∗+,−./0123456789:;<=>?≅ΑΒΧΔΕΦΓΗΙϑΚΛΜΝΟΠΘΡΣΤΥςΩΞΨΖ[∴]⊥_‾αβχδεφγηιϕκλμνοπθρστυϖωξψζ{|}∼"
_SYMBOLS_HIGH = "€ϒ′≤⁄∞ƒ♣♦♥♠↔←↑→↓°±″≥×∝∂•÷≠≡≈…⏐⎯↵ℵℑℜ℘⊗⊕∅∩∪⊃⊇⊄⊂⊆∈∉∠∇®©™∏√⋅¬∧∨⇔⇐⇑⇒⇓◊〈®©™∑⎛⎜⎝⎡⎢⎣⎧⎨⎩⎪\0〉∫⌠⎮⌡⎞⎟⎠⎤⎥⎦⎫⎬⎭"
# Those signs of Wingdings that say something; its other pictures are left out.
_PICTURES = {
    0x6C: "●", 0x6E: "■", 0x71: "❑", 0x76: "❖", 0xA7: "▪", 0xA8: "☐", 0xD8: "➢", 0xDF: "←", 0xE0: "→", 0xE1: "↑",
    0xE2: "↓", 0xE8: "➔", 0xF0: "⇨", 0xFB: "✗", 0xFC: "✓", 0xFD: "☒", 0xFE: "☑",
}  # fmt: skip


@dataclass
class Font:
    """An entry of the font table."""

    name: str = ""
    charset: int | None = None
    code_page: int | None = None

    def encoding(self, default: str) -> str:
        """Return the encoding of text in this font, SYMBOL or PICTURES; ``default`` where the font does not say."""
        name = self.name.strip().lower()
        if name == "symbol" or (self.charset == 2 and name.startswith("symbol")):
            return SYMBOL
        if any(picture_font in name for picture_font in _PICTURE_FONTS):
            return PICTURES
        charset = self.charset
        if charset in (None, 1):
            charset = next((number for ending, number in _NAME_ENDINGS.items() if name.endswith(f" {ending}")), None)
        if charset in _CHARSETS:
            return _CHARSETS[charset]
        return code_page_encoding(self.code_page) if self.code_page else default


@cache
def code_page_encoding(number: int) -> str:
    """Return the name that Python has for a Windows code page, Western Europe's where it has none."""
    encoding = _CODE_PAGES.get(number, f"cp{number}")
    try:
        codecs.lookup(encoding)
    except LookupError:
        return DEFAULT_ENCODING
    return encoding


def decode_bytes(data: bytes, encoding: str) -> str:
    """Return the text of ``data``, with U+FFFD where it has none in this encoding."""
    if encoding == SYMBOL:
        return "".join(map(_symbol, data))
    if encoding == PICTURES:
        return "".join(_PICTURES.get(byte, " " if byte == 0x20 else "") for byte in data)
    return data.decode(encoding, "replace")


def private_symbol(code: int, encoding: str) -> str:
    """Return what U+F000 + a byte, as Word writes symbols, stands for in a font of this encoding."""
    if encoding == PICTURES:
        return _PICTURES.get(code & 0xFF, "")
    return _symbol(code & 0xFF)


def _symbol(byte: int) -> str:
    if 0x20 <= byte < 0x20 + len(_SYMBOLS_LOW):
        return _SYMBOLS_LOW[byte - 0x20]
    return _SYMBOLS_HIGH[byte - 0xA0].strip("\0") if 0xA0 <= byte < 0xA0 + len(_SYMBOLS_HIGH) else ""


def ends_inside_character(data: bytes, encoding: str) -> bool:
    """Return whether ``data`` ends with the first half of a two-byte character."""
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    decoder.decode(data)
    return bool(decoder.getstate()[0])
