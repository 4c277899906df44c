"""Formulas of Office (Office Math, ISO/IEC 29500-1 section 22.1) as a line of text."""

from __future__ import annotations

from lxml import etree

from core.loading.office._ooxml import attribute, child, children, kind, shown_children

_PROPERTIES = "Pr"


def math_text(element: etree._Element) -> str:
    """Return a formula as a line: ``(a+b)/c``, ``x^2``, ``√(x)``, ``∑_(i=1)^n i``."""
    return "".join(_part(found) for found in shown_children(element))


def _part(element: etree._Element) -> str:
    name = kind(element)
    if name in ("m:t", "w:t", "a:t"):
        return element.text or ""
    if name.endswith(_PROPERTIES) or name in ("w:del", "w:moveFrom"):
        return ""
    build = _BUILDERS.get(name)
    return build(element) if build else math_text(element)


def _of(element: etree._Element, name: str) -> str:
    part = child(element, f"m:{name}")
    return math_text(part) if part is not None else ""


def _grouped(text: str) -> str:
    return text if len(text) < 2 or text.isalnum() else f"({text})"


def _property(element: etree._Element, *path: str, default: str = "") -> str:
    found = child(element, *(f"m:{name}" for name in path))
    return attribute(found, "val") if found is not None else default


def _fraction(element: etree._Element) -> str:
    return f"{_grouped(_of(element, 'num'))}/{_grouped(_of(element, 'den'))}"


def _scripts(element: etree._Element) -> str:
    sub, sup = _of(element, "sub"), _of(element, "sup")
    scripts = (f"_{_grouped(sub)}" if sub else "") + (f"^{_grouped(sup)}" if sup else "")
    return scripts + _of(element, "e") if kind(element) == "m:sPre" else _of(element, "e") + scripts


def _root(element: etree._Element) -> str:
    degree = _of(element, "deg")
    return f"{f'root {_grouped(degree)} of ' if degree else '√'}({_of(element, 'e')})"


def _operator(element: etree._Element) -> str:
    sign = _property(element, "naryPr", "chr", default="∫")
    sub, sup = _of(element, "sub"), _of(element, "sup")
    return sign + (f"_{_grouped(sub)}" if sub else "") + (f"^{_grouped(sup)}" if sup else "") + f" {_of(element, 'e')}"


def _delimited(element: etree._Element) -> str:
    begin = _property(element, "dPr", "begChr", default="(")
    separator = _property(element, "dPr", "sepChr", default="|")
    end = _property(element, "dPr", "endChr", default=")")
    return begin + separator.join(map(math_text, children(element, "m:e"))) + end


def _function(element: etree._Element) -> str:
    return f"{_of(element, 'fName')} {_of(element, 'e')}"


def _limit(element: etree._Element) -> str:
    sign = "_" if kind(element) == "m:limLow" else "^"
    return f"{_of(element, 'e')}{sign}{_grouped(_of(element, 'lim'))}"


def _matrix(element: etree._Element) -> str:
    rows = (", ".join(map(math_text, children(row, "m:e"))) for row in children(element, "m:mr"))
    return f"[{'; '.join(rows)}]"


def _rows(element: etree._Element) -> str:
    return "; ".join(map(math_text, children(element, "m:e")))


_BUILDERS = {
    "m:f": _fraction,
    "m:sSup": _scripts,
    "m:sSub": _scripts,
    "m:sSubSup": _scripts,
    "m:sPre": _scripts,
    "m:rad": _root,
    "m:nary": _operator,
    "m:d": _delimited,
    "m:func": _function,
    "m:limLow": _limit,
    "m:limUpp": _limit,
    "m:m": _matrix,
    "m:eqArr": _rows,
}
