"""Text in drawings of Office Open XML: shapes, SmartArt, and charts as tables of the values that they show."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from lxml import etree

from core.loading._markdown import markdown_table
from core.loading.office._math import math_text
from core.loading.office._number_format import NumberFormat
from core.loading.office._ooxml import Package, attribute, child, children, descendants, kind, shown_children

_PAGE_FIELDS = ("slidenum",)
MAX_POINTS = 100_000  # values of a chart
_LETTERS: dict[str, Callable[[int], str]] = {}


def paragraph_lines(body: etree._Element | None) -> Iterator[tuple[etree._Element, str]]:
    """Yield each paragraph (a:p) of a text body with its text, line breaks as ``\\n``; blank ones are left out."""
    if body is None:
        return
    for paragraph in shown_children(body):
        if kind(paragraph) == "a:p":
            text = "".join(_runs(paragraph)).strip()
            if text:
                yield paragraph, text


def text_of(body: etree._Element | None) -> str:
    """Return the text of a text body, a line for each paragraph."""
    return "\n".join(text for _, text in paragraph_lines(body))


def _runs(element: etree._Element) -> Iterator[str]:
    for found in shown_children(element):
        name = kind(found)
        if name == "a:t":
            yield (found.text or "").replace("\v", "\n").replace("_x000B_", "\n")
        elif name == "a:br":
            yield "\n"
        elif name == "a:tab":
            yield "\t"
        elif name in ("m:oMath", "m:oMathPara"):
            yield math_text(found)
        elif name == "a:fld" and attribute(found, "type") in _PAGE_FIELDS:
            continue
        elif name not in ("a:pPr", "a:rPr", "a:endParaRPr"):
            yield from _runs(found)


def smartart_lines(package: Package, part: str) -> list[str]:
    """Return the texts of a SmartArt graphic's data part in the order of its outline."""
    root = package.xml(part)
    if root is None:
        return []
    points: dict[str, str] = {}
    inner: dict[str, list[tuple[int, str]]] = {}
    for point in descendants(root, "dgm:pt"):
        if attribute(point, "type", "node") not in ("pres", "parTrans", "sibTrans"):
            points[attribute(point, "modelId")] = text_of(child(point, "dgm:t"))
    for connection in descendants(root, "dgm:cxn"):
        if attribute(connection, "type", "parOf") == "parOf":
            order = attribute(connection, "srcOrd", "0")
            place = (int(order) if order.isdecimal() else 0, attribute(connection, "destId"))
            inner.setdefault(attribute(connection, "srcId"), []).append(place)
    lines: list[str] = []
    seen: set[str] = set()
    below = {one for places in inner.values() for _, one in places}
    waiting = [one for one in reversed(points) if one not in below] + []
    for start in [*reversed(waiting), *points]:  # the second time for what a circle of connections holds
        stack = [start]
        while stack:
            one = stack.pop()
            if one in seen or one not in points:
                continue
            seen.add(one)
            lines += points[one].split("\n") if points[one] else []
            stack += [to for _, to in sorted(inner.get(one, ()), reverse=True)]
    return lines


def chart_title(root: etree._Element) -> list[str]:
    """Return the titles of a chart and of its axes."""
    titles = [
        " ".join(" ".join(text.split()) for _, text in _title_lines(title))
        for title in descendants(root, "c:title", "cx:title")
    ]
    return list(dict.fromkeys(title for title in titles if title))


def _title_lines(title: etree._Element) -> list[tuple[str, str]]:
    rich = [text for body in descendants(title, "c:rich", "cx:rich") for _, text in paragraph_lines(body)]
    rich = rich or [value.text or "" for value in descendants(title, "c:v", "cx:v")]
    return [("", text) for text in rich]


def chart_markdown(package: Package, part: str, has_values: bool = True) -> str:
    """Return a chart as its titles and a table: a row for each category, a column for each series.

    Behind them stand labels that were typed, and what is in text boxes on the chart, which are a part of their own.
    Without the table if not ``has_values``.
    """
    root = package.xml(part)
    if root is None:
        return ""
    tables = [*_charts(root), *_extended_charts(root)] if has_values else []
    labels = [
        text for label in descendants(root, "c:dLbl") for _, text in paragraph_lines(child(label, "c:tx", "c:rich"))
    ]
    drawings = map(package.xml, package.related_parts(part, "chartUserShapes"))
    boxes = [
        text_of(child(shape, "cdr:txBody"))
        for drawing in drawings
        if drawing is not None
        for shape in descendants(drawing, "cdr:sp")
    ]
    return "\n\n".join(filter(None, ["\n".join(chart_title(root)), *tables, "\n".join(labels), *boxes]))


def _charts(root: etree._Element) -> Iterator[str]:
    """Yield a table for each group of series that have the same categories."""
    groups: dict[tuple[tuple[str, ...], ...], list[tuple[str, list[str]]]] = {}
    for series in descendants(root, "c:ser"):
        name = " ".join(value.text or "" for value in _values(child(series, "c:tx")))
        levels = tuple(map(tuple, _levels(child(series, "c:cat")) or _levels(child(series, "c:xVal"))))
        columns = [(name, column) for column in _levels(child(series, "c:val")) or _levels(child(series, "c:yVal"))]
        columns += [(f"{name} size".strip(), column) for column in _levels(child(series, "c:bubbleSize"))]
        groups.setdefault(levels, []).extend(columns or [(name, [])])
    for levels, columns in groups.items():
        header = ["" for _ in levels] + [name for name, _ in columns]
        cells = [*map(list, levels), *(values for _, values in columns)]
        count = max(map(len, cells), default=0)
        rows = [[column[row] if row < len(column) else "" for column in cells] for row in range(count)]
        yield markdown_table([header, *rows]) if any(header) else markdown_table(rows)


def _values(element: etree._Element | None) -> Iterator[etree._Element]:
    if element is not None:
        yield from descendants(element, "c:v")


def _levels(source: etree._Element | None) -> list[list[str]]:
    """Return the cached values of a series, the outermost level of categories first."""
    if source is None:
        return []
    caches = list(descendants(source, "c:strCache", "c:numCache", "c:strLit", "c:numLit", "c:multiLvlStrCache"))
    found: list[list[str]] = []
    for cache in caches[:1]:
        if kind(cache) == "c:multiLvlStrCache":
            levels = [_points(level, "General") for level in children(cache, "c:lvl")]
            size = max(map(len, levels), default=0)
            found += [_filled(level, size) for level in reversed(levels)]
        else:
            code = child(cache, "c:formatCode")
            is_number = kind(cache).startswith("c:num")
            found.append(_points(cache, (code.text if code is not None else "") or "General" if is_number else ""))
    return found


def _filled(level: list[str], size: int) -> list[str]:
    """Return the names of an outer level of categories, each for every category that it covers."""
    filled: list[str] = []
    for value in [*level, *[""] * (size - len(level))]:
        filled.append(value or (filled[-1] if filled else ""))
    return filled


def _points(cache: etree._Element, code: str) -> list[str]:
    values: dict[int, str] = {}
    for point in children(cache, "c:pt"):
        index, value = attribute(point, "idx", "0"), child(point, "c:v")
        if index.isdecimal() and int(index) < MAX_POINTS and value is not None:
            own = attribute(point, "formatCode") or code
            values[int(index)] = NumberFormat(own).text(value.text or "") if own else (value.text or "").strip()
    return [values.get(index, "") for index in range(max(values, default=-1) + 1)]


def _extended_charts(root: etree._Element) -> Iterator[str]:
    """Yield a table for each data set of a chart of the newer kinds: waterfall, tree map, funnel and others."""
    names = [
        " ".join(value.text or "" for text in children(series, "cx:tx") for value in descendants(text, "cx:v"))
        for series in descendants(root, "cx:series")
    ]
    for number, data in enumerate(descendants(root, "cx:data")):
        columns: list[list[str]] = []
        headers: list[str] = []
        for dimension in data:
            is_text = kind(dimension) == "cx:strDim"
            levels = list(children(dimension, "cx:lvl"))
            for level in reversed(levels):
                points = [" ".join((point.text or "").split()) for point in children(level, "cx:pt")]
                columns.append(points)
                headers.append("" if is_text or number >= len(names) else names[number])
        count = max(map(len, columns), default=0)
        rows = [[column[row] if row < len(column) else "" for column in columns] for row in range(count)]
        yield markdown_table([headers, *rows]) if any(headers) else markdown_table(rows)
