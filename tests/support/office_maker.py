"""Make small Office and OpenDocument files from the XML of their parts."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

_HOST = "http://schemas.openxmlformats.org"
_NAMESPACES = {
    "w": f"{_HOST}/wordprocessingml/2006/main",
    "r": f"{_HOST}/officeDocument/2006/relationships",
    "a": f"{_HOST}/drawingml/2006/main",
    "p": f"{_HOST}/presentationml/2006/main",
    "m": f"{_HOST}/officeDocument/2006/math",
    "mc": f"{_HOST}/markup-compatibility/2006",
    "wp": f"{_HOST}/drawingml/2006/wordprocessingDrawing",
    "xdr": f"{_HOST}/drawingml/2006/spreadsheetDrawing",
    "pic": f"{_HOST}/drawingml/2006/picture",
    "c": f"{_HOST}/drawingml/2006/chart",
    "cdr": f"{_HOST}/drawingml/2006/chartDrawing",
    "dgm": f"{_HOST}/drawingml/2006/diagram",
    "wps": "http://schemas.microsoft.com/office/word/2010/wordprocessingShape",
    "v": "urn:schemas-microsoft-com:vml",
    "o": "urn:schemas-microsoft-com:office:office",
}
NAMESPACES = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in _NAMESPACES.items())
_SHEET = f'xmlns="{_HOST}/spreadsheetml/2006/main" xmlns:r="{_NAMESPACES["r"]}"'
_ODF = "urn:oasis:names:tc:opendocument:xmlns:"
_ODF_NAMESPACES = " ".join(
    [
        f'xmlns:{name}="{_ODF}{name}:1.0"'
        for name in ("office", "text", "table", "style", "presentation", "chart", "form")
    ]
    + [f'xmlns:draw="{_ODF}drawing:1.0"', f'xmlns:svg="{_ODF}svg-compatible:1.0"']
    + ['xmlns:xlink="http://www.w3.org/1999/xlink"', 'xmlns:dc="http://purl.org/dc/elements/1.1/"']
)


def archive(parts: Mapping[str, str | bytes]) -> bytes:
    """Return a ZIP archive of these parts."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as target:
        for name, content in parts.items():
            target.writestr(name, content)
    return stream.getvalue()


def relationships(targets: Mapping[str, tuple[str, str]]) -> str:
    """Return a part of relationships: id to the last word of its type, and its target."""
    items = (
        f'<Relationship Id="{identity}" Type="{_NAMESPACES["r"]}/{kind}" Target="{target}"/>'
        for identity, (kind, target) in targets.items()
    )
    return f'<Relationships xmlns="{_HOST}/package/2006/relationships">{"".join(items)}</Relationships>'


def element(name: str, content: str) -> str:
    """Return a root element with all namespaces declared."""
    return f"<{name} {NAMESPACES}>{content}</{name}>"


def word(body: str, parts: Mapping[str, tuple[str, str | bytes]] | None = None) -> bytes:
    """Return a Word document: ``parts`` are name to kind of relationship and content; ids are the names' stems."""
    parts = parts or {}
    targets = {name.rpartition(".")[0].replace("/", "_"): (kind, name) for name, (kind, _) in parts.items()}
    return archive(
        {
            "word/document.xml": element("w:document", f"<w:body>{body}</w:body>"),
            "word/_rels/document.xml.rels": relationships(targets),
            **{f"word/{name}": content for name, (_, content) in parts.items()},
        }
    )


def slide_show(*slides: str, parts: Mapping[str, tuple[str, str]] | None = None) -> bytes:
    """Return a presentation of slides given as the content of their shape trees; ``parts`` belong to the first."""
    parts = parts or {}
    targets = {name.rpartition(".")[0]: (kind, f"../{name}") for name, (kind, _) in parts.items()}
    listed = "".join(f'<p:sldId id="{256 + at}" r:id="r{at}"/>' for at in range(len(slides)))
    return archive(
        {
            "ppt/presentation.xml": element("p:presentation", f"<p:sldIdLst>{listed}</p:sldIdLst>"),
            "ppt/_rels/presentation.xml.rels": relationships(
                {f"r{at}": ("slide", f"slides/slide{at}.xml") for at in range(len(slides))}
            ),
            **{
                f"ppt/slides/slide{at}.xml": slide
                if slide.startswith("<p:sld ")
                else element("p:sld", f"<p:cSld><p:spTree>{slide}</p:spTree></p:cSld>")
                for at, slide in enumerate(slides)
            },
            "ppt/slides/_rels/slide0.xml.rels": relationships(targets),
            **{f"ppt/{name}": content for name, (_, content) in parts.items()},
        }
    )


def workbook(
    rows: str,
    after: str = "",
    before: str = "",
    formats: Mapping[int, str] | None = None,
    properties: str = "",
    parts: Mapping[str, tuple[str, str]] | None = None,
    strings: str = "",
) -> bytes:
    """Return a workbook of one sheet, given as the XML of its rows; style n + 1 has the n-th of ``formats``."""
    formats, parts = formats or {}, parts or {}
    codes = "".join(
        f'<numFmt numFmtId="{number}" formatCode="{code}"/>'.replace('""', "&quot;") for number, code in formats.items()
    )
    styles = "".join(f'<xf numFmtId="{number}"/>' for number in (0, *formats))
    targets = {name.rpartition(".")[0]: (kind, f"../{name}") for name, (kind, _) in parts.items()}
    return archive(
        {
            "xl/workbook.xml": f"<workbook {_SHEET}><workbookPr {properties}/>"
            '<sheets><sheet name="S" sheetId="1" r:id="r1"/></sheets></workbook>',
            "xl/_rels/workbook.xml.rels": relationships(
                {
                    "r1": ("worksheet", "worksheets/sheet1.xml"),
                    "r2": ("styles", "styles.xml"),
                    "r3": ("sharedStrings", "sharedStrings.xml"),
                }
            ),
            "xl/styles.xml": f"<styleSheet {_SHEET}><numFmts>{codes}</numFmts><cellXfs>{styles}</cellXfs></styleSheet>",
            "xl/sharedStrings.xml": f"<sst {_SHEET}>{strings}</sst>",
            "xl/worksheets/sheet1.xml": f"<worksheet {_SHEET}>{before}<sheetData>{rows}</sheetData>{after}</worksheet>",
            "xl/worksheets/_rels/sheet1.xml.rels": relationships(targets),
            **{f"xl/{name}": content for name, (_, content) in parts.items()},
        }
    )


def sheet_rows(*rows: tuple[object, ...]) -> str:
    """Return the XML of rows of texts and numbers; None is no cell."""
    lines = []
    for number, row in enumerate(rows, 1):
        cells = []
        for column, value in enumerate(row):
            reference = f"{chr(65 + column)}{number}"
            if isinstance(value, str):
                cells.append(f'<c r="{reference}" t="inlineStr"><is><t>{value}</t></is></c>')
            elif value is not None:
                cells.append(f'<c r="{reference}"><v>{value}</v></c>')
        lines.append(f'<row r="{number}">{"".join(cells)}</row>')
    return "".join(lines)


def open_document(kind: str, body: str, styles: str = "", masters: str = "", **parts: str) -> bytes:
    """Return an OpenDocument file of the kind text, spreadsheet or presentation; ``parts`` are objects' content."""

    def content(inner: str, automatic: str = "") -> str:
        head = f"<office:automatic-styles>{automatic}</office:automatic-styles>"
        return f"<office:document-content {_ODF_NAMESPACES}>{head}{inner}</office:document-content>"

    return archive(
        {
            "content.xml": content(f"<office:body><office:{kind}>{body}</office:{kind}></office:body>", styles),
            "styles.xml": content(f"<office:master-styles>{masters}</office:master-styles>"),
            **{f"{name}/content.xml": content(f"<office:body>{part}</office:body>") for name, part in parts.items()},
        }
    )


def with_parts(data: bytes, parts: Mapping[str, str | Mapping[str, tuple[str, str]]]) -> bytes:
    """Return an archive with more parts, relationships given as ``relationships`` takes them."""
    with zipfile.ZipFile(io.BytesIO(data)) as old:
        members: dict[str, str | bytes] = {name: old.read(name) for name in old.namelist()}
    for name, content in parts.items():
        members[name] = content if isinstance(content, str) else relationships(content)
    return archive(members)


def member(data: bytes, name: str) -> str:
    """Return the text of a part of an archive."""
    with zipfile.ZipFile(io.BytesIO(data)) as source:
        return source.read(name).decode()


def in_strict(data: bytes) -> bytes:
    """Return an archive with the namespaces of the strict variant of Office Open XML."""
    with zipfile.ZipFile(io.BytesIO(data)) as old:
        members = {name: old.read(name).decode() for name in old.namelist()}
    for area in ("spreadsheetml", "wordprocessingml", "presentationml", "drawingml", "officeDocument"):
        for name, content in members.items():
            members[name] = content.replace(f"{_HOST}/{area}/2006/", f"http://purl.oclc.org/ooxml/{area}/")
    return archive(members)
