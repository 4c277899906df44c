"""Control words of Rich Text Format, and what a group and a field hold while they are read."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NamedTuple

from core.loading.rtf._flow import Flow

SPECIAL = {
    "tab": "\t", "line": "\n", "lbr": "\n", "emdash": "—", "endash": "–", "emspace": " ", "enspace": " ",
    "qmspace": " ", "lquote": "‘", "rquote": "’", "ldblquote": "“", "rdblquote": "”", "bullet": "•", "softline": " ",
}  # fmt: skip
SYMBOLS = {"\\": "\\", "{": "{", "}": "}", "~": "\u00a0", "_": "-"}
HEADERS = {"header", "headerl", "headerr", "headerf", "footer", "footerl", "footerr", "footerf"}
# Destinations whose text is not the document's, with all that is inside.
SKIPPED = {
    "colortbl", "nonshppict", "shprslt", "xe", "rxe", "tc", "txe", "filetbl", "listtable", "listoverridetable",
    "revtbl", "rsidtbl", "private", "ftnsep", "ftnsepc", "ftncn", "aftnsep", "aftnsepc", "aftncn", "nonesttables",
    "pn", "mmathPict", "fldtype", "ebcstart", "template", "atnid", "atnauthor", "bkmkstart", "bkmkend", "objdata",
    "ffdeftext", "ffname", "ffexitmcr", "ffentrymcr", "ffhelptext", "ffstattext", "background",
}  # fmt: skip
# Those that may stand after \* and are read: an unknown destination after \* is left out.
STARRED = {
    "shpinst", "shppict", "annotation", "ud", "nesttableprops", "do", "picprop", "formfield", "ffl", "moMath",
    "moMathPara", "shptxt", "dptxbxtext", "footnote", "listtext", "pntext", "fldinst", "fldrslt", "result", "hl",
    *HEADERS,
}  # fmt: skip
STYLE_NAME = re.compile(r"(?i:heading|überschrift|titre|título|titolo|kop|rubrik|заголовок)\s+([1-6])")
PAGE_FIELD = re.compile(r"\s*(?:PAGE|NUMPAGES|SECTIONPAGES|SECTION)(?![A-Z])", re.IGNORECASE)
SYMBOL_FIELD = re.compile(r'\s*SYMBOL\s+(\d{1,5})(.*?\\f\s*"?([^"\\]*))?', re.IGNORECASE | re.DOTALL)
FORMULA_PROPERTIES = re.compile("m[a-zA-Z]+Pr")
PARAGRAPH_ENDS = {"par", "sect", "page", "column"}
DOCUMENT_ENCODINGS = {"mac": "mac_roman", "pc": "cp437", "pca": "cp850"}
NUMBERS = {"f", "af", "ansicpg", "deff", "fcharset", "cpg", "yr", "mo", "dy", "ffres"}


class State(NamedTuple):
    """What a group inherits: ``sink`` takes its text (None: left out), ``flow`` is the text that it stands in."""

    sink: Flow | None
    flow: Flow
    font: int = -1
    script: str = ""  # "dbch" or "rtlch" while the font for East Asian or right-to-left text counts
    dbch: int = -1
    rtlch: int = -1
    fallbacks: int = 1  # characters after \u that stand for it in old readers
    hidden: bool = False
    deleted: bool = False
    level: int = 0  # of the heading, by the paragraph's style
    in_table: bool = False
    depth: int = 1  # of the table in others
    inner_row: bool = False  # where the row of an inner table is described
    table: str = ""  # "fonts", "styles" or "info" inside those tables
    skipped: bool = False  # with all that is inside
    outer: Flow | None = None  # the sink around \\upr
    ansi_copy: bool = False  # the first half of \\upr, whose text is in the second half too


@dataclass
class Field:
    """A field that is read: its instruction, and the items of a list to choose from."""

    instruction: str = ""
    items: list[str] = field(default_factory=list)
    chosen: int = 0
    length: int = 0  # of the paragraph before it
