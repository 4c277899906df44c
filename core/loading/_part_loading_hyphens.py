"""Words that a line end cut in two."""

from __future__ import annotations

import re

SOFT = "\ufffe"  # what PDFium writes for a hyphen that ends a line
_COMPOUND = r"\w+(?:-\w+)*"
# The right half is only looked at: it may be the left half of the next cut.
_CUT = re.compile(rf"({_COMPOUND})(?:{SOFT}\n?|-\n)(?=({_COMPOUND}))")
_OTHER_HYPHENS = re.compile("[\u2010\u2011]")  # Chrome prints U+2010 at a line end
_WORD = re.compile(_COMPOUND)


def join_hyphens(pages: list[str]) -> list[str]:
    """Return ``pages`` with words joined that a line end cut in two.

    A word that the document also writes whole loses the hyphen; one that it also writes with the
    hyphen keeps it; any other loses it, unless it looks like a compound (``February-March``, ``1990-95``).
    """
    pages = [_OTHER_HYPHENS.sub("-", page) for page in pages]
    whole = "\n".join(pages)
    if not _CUT.search(whole):
        return [page.replace(SOFT, "-") for page in pages]
    known = set(_WORD.findall(_CUT.sub(" ", whole)))
    return [_CUT.sub(lambda cut: _joined(cut[1], cut[2], known), page).replace(SOFT, "-") for page in pages]


def _joined(left: str, right: str, known: set[str]) -> str:
    """The left half, with its hyphen if the word is to keep it."""
    if f"{left}-{right}" in known:
        return f"{left}-"
    if left + right in known:
        return left
    return f"{left}-" if _is_compound(left, right, known) else left


def _is_compound(left: str, right: str, known: set[str]) -> bool:
    if not (left[-1].isalpha() and right[0].isalpha()):
        return True  # 1990-95, x86-64
    if right[0].isupper() and not left.isupper():
        return True  # February-March, but INFOR-MATION
    # of day-to-/day both neighbours are words elsewhere, of well-docu-/mented they are not
    return "-" in left and {left.rpartition("-")[2], right.partition("-")[0]} <= known
