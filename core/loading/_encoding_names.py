"""Names of encodings: those that files declare, where in a file they stand, and what they are called in Python.

The names are those of the WHATWG's Encoding Standard (https://encoding.spec.whatwg.org/#names-and-labels), which says
how browsers read what the web really holds: text that is declared as ISO 8859-1 is in windows-1252.
"""

from __future__ import annotations

import codecs
import re
from contextlib import suppress

_LABELS = {
    "cp1252": "ascii us-ascii ansi_x3.4-1968 iso646-us latin1 latin-1 l1 iso-8859-1 iso_8859-1 iso-ir-100 cp819 ibm819 "
    "csisolatin1 x-cp1252 ansinew ansi western",
    "cp1254": "latin5 l5 iso-8859-9 iso_8859-9 iso-ir-148 csisolatin5 x-cp1254",
    "cp874": "iso-8859-11 tis-620 tis620 dos-874 windows-874 thai thai8",
    "cp932": "shift-jis shift_jis sjis x-sjis ms_kanji csshiftjis windows-31j ms932 x-ms-cp932 x-mac-japanese cp943 "
    "mskanji",
    "euc_jp": "euc-jp eucjp x-euc-jp x-euc ujis cseucpkdfmtjapanese cp51932 eucjp-ms",
    "iso2022_jp_ext": "iso-2022-jp csiso2022jp jis cp50220 cp50221 cp50222 iso-2022-jp-ms iso-2022-jp-1 iso-2022-jp-2 "
    "iso-2022-jp-3 iso-2022-jp-ext",
    "iso2022_kr": "iso-2022-kr csiso2022kr",
    "gb18030": "gb2312 gbk gb_2312 gb_2312-80 gb2312-80 chinese csgb2312 csiso58gb231280 iso-ir-58 x-gbk cp936 ms936 "
    "windows-936 euc-cn euccn x-euc-cn cn-gb gb18030-2000 x-mac-chinesesimp simplified-chinese",
    "cp950": "big5 big-5 csbig5 x-x-big5 cn-big5 x-big5 x-mac-chinesetrad cp950 windows-950 traditional-chinese",
    "big5hkscs": "big5-hkscs big5hk hkscs",
    "cp949": "euc-kr euckr cseuckr korean ks_c_5601-1987 ks_c_5601-1989 ksc5601 ksc_5601 ks_c_5601 iso-ir-149 "
    "windows-949 ms949 uhc x-windows-949 csksc56011987 x-mac-korean",
    "hz": "hz-gb-2312 hz-gb2312",
    "utf-7": "unicode-1-1-utf-7 csunicode11utf7 x-unicode-1-1-utf-7 x-unicode-2-0-utf-7",
    "utf-8": "utf8 unicode-1-1-utf-8 unicode11utf8 unicode20utf8 x-unicode20utf8 utf8mb4 utf8x utf-8-sig cp65001 "
    "utf8-default",
    "utf-16": "unicode ucs-2 iso-10646-ucs-2 csunicode unicodefeff utf16",
    "utf-16-be": "unicodefffe utf-16be",
    "utf-32": "ucs-4 iso-10646-ucs-4 utf32",
    "iso8859-2": "latin2 l2 iso-ir-101 csisolatin2",
    "iso8859-3": "latin3 l3 iso-ir-109 csisolatin3",
    "iso8859-4": "latin4 l4 iso-ir-110 csisolatin4",
    "iso8859-5": "cyrillic iso-ir-144 csisolatincyrillic",
    "iso8859-6": "arabic iso-8859-6-i iso-8859-6-e csiso88596i csiso88596e ecma-114 asmo-708 iso-ir-127 "
    "csisolatinarabic",
    "iso8859-7": "greek greek8 ecma-118 elot_928 sun_eu_greek iso-ir-126 csisolatingreek",
    "iso8859-8": "hebrew logical visual iso-8859-8-i iso-8859-8-e csiso88598i csiso88598e iso-ir-138 csisolatinhebrew",
    "iso8859-10": "latin6 l6 iso-ir-157 csisolatin6",
    "iso8859-13": "latin7",
    "iso8859-14": "latin8",
    "iso8859-15": "latin9 latin-9 l9 csisolatin9",
    "koi8-r": "koi koi8 koi8_r cskoi8r",
    "koi8-u": "koi8-ru",
    "mac-roman": "mac macintosh x-mac-roman csmacintosh applemac macroman",
    "mac-cyrillic": "x-mac-cyrillic x-mac-ukrainian maccyr maccyrillic",
    "mac-latin2": "x-mac-ce x-mac-centraleurroman applemacce maclatin2",
    "mac-greek": "x-mac-greek",
    "mac-turkish": "x-mac-turkish",
    "mac-iceland": "x-mac-icelandic",
    "cp850": "pc850 dos-850 cp-850 ibm-850",
    "cp437": "pc437 dos-437 dos cspc8codepage437",
    "cp720": "dos-720",
    "cp737": "dos-737",
    "cp862": "dos-862",
    "cp866": "dos-866 csibm866 cp866nav",
}
_CODECS = {label: codec for codec, labels in _LABELS.items() for label in labels.split()}
_CODE_PAGE = re.compile(r"(?:x-)?(?:windows|win|cp|ibm|ms|dos|oem|pc)[-_ ]?(\d{3,4})")
_ISO_8859 = re.compile(r"(?:x-)?iso[-_ ]?8859[-_ ]?(\d{1,2})(?:[:-]\d{4})?")
# Codecs of Python that are none of a text file.
_NO_ENCODINGS = ("unicode_escape", "raw_unicode_escape", "punycode", "idna", "undefined", "mbcs", "oem")
_SHOWN = {
    "cp932": "Shift-JIS",
    "cp949": "windows-949 (EUC-KR)",
    "cp950": "Big5",
    "cp874": "windows-874 (TIS-620)",
    "big5hkscs": "Big5-HKSCS",
    "gb18030": "GB 18030",
    "euc_jp": "EUC-JP",
    "iso2022_jp": "ISO-2022-JP",
    "iso2022_jp_ext": "ISO-2022-JP",
    "iso2022_kr": "ISO-2022-KR",
    "utf-16-le": "UTF-16 (little-endian)",
    "utf-16-be": "UTF-16 (big-endian)",
    "utf-32-le": "UTF-32 (little-endian)",
    "utf-32-be": "UTF-32 (big-endian)",
}
LONGEST_LABEL = 40
HEAD = 2_048  # bytes at the beginning of a file in which it declares its encoding
_LABEL = rb"[\"']?\s*([\w.:+-]+)"
_XML = re.compile(rb"\s*<\?xml[^>]{0,200}?\sencoding\s*=\s*" + _LABEL)
_CSS = re.compile(rb"@charset\s+\"([\w.:-]+)\"\s*;")
_EMACS = re.compile(rb"-\*-.{0,200}?coding\s*:\s*([\w.-]+)")
_COOKIE = re.compile(rb"\s*(?:#|//|/?\*|--|%|;|\"|<!--|'|REM\b).{0,200}?coding[:=][ \t]*([\w.-]+)", re.IGNORECASE)
_VIM = re.compile(rb"(?:vim?|ex):.{0,200}?(?:fileencoding|fenc)=([\w.-]+)")
_LATEX = re.compile(
    rb"(?m)^[^%\n]*(?:\\usepackage\s*\[\s*([\w.-]+)\s*\]\s*\{inputenc\}|\\inputencoding\s*\{\s*([\w.-]+)\s*\})"
)
_TEX_EDITOR = re.compile(rb"%\s*!\s*TEX\s+encoding\s*=\s*([\w.-]+)", re.IGNORECASE)


def python_codec(label: str) -> str | None:
    """Return the name of Python's codec for an encoding as files declare it, None if it is not known."""
    label = label.strip().strip("\"'").strip().lower()
    if label in _CODECS:
        return _CODECS[label]
    if page := _CODE_PAGE.fullmatch(label):
        label = f"cp{page[1]}"
    elif part := _ISO_8859.fullmatch(label):
        label = f"iso-8859-{part[1]}"
    label = _CODECS.get(label, label)
    try:
        codec = codecs.lookup(label).name
        with suppress(UnicodeError):
            b"a".decode(label)  # raises LookupError for rot13 and its kind, which are no encodings of text
    except (LookupError, ValueError):
        return None
    return None if codec.replace("-", "_") in _NO_ENCODINGS else _CODECS.get(codec, codec)


def shown_name(codec: str) -> str:
    """Return what people call an encoding, by the name of Python's codec."""
    if codec in _SHOWN:
        return _SHOWN[codec]
    if codec.startswith("cp125"):
        return f"windows-{codec[2:]}"
    if codec.startswith("iso8859-"):
        return f"ISO-8859-{codec[8:]}"
    return codec.upper()


def shown_label(label: str) -> str:
    """Return an encoding's name as a file declares it, fit to be shown."""
    return "".join(sign for sign in label if sign.isprintable())[:LONGEST_LABEL].strip()


def declared_in_text(name: str, data: bytes) -> str | None:
    """Return the encoding that a text declares in itself, None if it does not.

    Read are XML's declaration, CSS's @charset, the coding lines of Python, Emacs and Vim, and LaTeX's inputenc.
    """
    head = data[:HEAD]
    if match := _XML.match(head) or _CSS.match(head):
        return match[1].decode("latin-1")
    lines = head.splitlines()[:2]
    for line in lines:
        if match := _EMACS.search(line) or _COOKIE.match(line):
            return re.sub(r"-(?:unix|dos|mac)$", "", match[1].decode("latin-1"))
    for line in [*lines, *data[-1_000:].splitlines()[-5:]]:
        if match := _VIM.search(line):
            return match[1].decode("latin-1")
    if name.lower().endswith((".tex", ".latex", ".sty", ".cls")):
        match = _TEX_EDITOR.search(head) or _LATEX.search(data[:50_000])
        return next((group.decode("latin-1") for group in match.groups() if group), None) if match else None
    return None
