"""PDFs written by hand, for painting orders and faults that no program can be made to produce."""

from __future__ import annotations

from dataclasses import dataclass, field

Line = tuple[float, float, str]  # x, y from the lower left corner, text
WIDTH, HEIGHT = 600, 800  # points of a sheet
_SHARED_OBJECTS = 5  # catalog, list of pages, font, picture, form


def make_pdf(*pages: list[Line], size: int = 10) -> bytes:
    """Return a PDF whose pages paint their lines in the given order, on sheets of 600 by 800 points."""
    return make_pages(*(Sheet(paint(lines, size)) for lines in pages))


@dataclass
class Sheet:
    """A page: the operators that paint it, other entries of its dictionary, and objects that it refers to.

    ``/F1`` is Helvetica, ``/P1`` a grey picture of one point. ``@1`` stands for the number of the first of ``objects``.
    """

    content: str
    entries: str = ""
    objects: list[str] = field(default_factory=list)
    fonts: str = ""


def paint(lines: list[Line], size: int = 10, mode: int = 0) -> str:
    """Return the operators that paint lines of text; mode 3 paints invisible text."""
    return "\n".join(f"BT {mode} Tr /F1 {size} Tf {x} {y} Td ({text}) Tj ET" for x, y, text in lines)


def paint_turned(lines: list[Line], turns: int, size: int = 10) -> str:
    """Return the operators that paint lines of an upright page, turned to the left by quarters on its sheet."""
    matrix = {0: "1 0 0 1 0 0", 1: f"0 1 -1 0 {WIDTH} 0", 2: f"-1 0 0 -1 {WIDTH} {HEIGHT}", 3: f"0 -1 1 0 0 {HEIGHT}"}
    return f"q {matrix[turns % 4]} cm\n{paint(lines, size)}\nQ"


def picture(left: float = 0, bottom: float = 0, width: float = WIDTH, height: float = HEIGHT) -> str:
    """Return the operators that paint a grey picture."""
    return f"q {width} 0 0 {height} {left} {bottom} cm /P1 Do Q\n"


def make_pages(*sheets: Sheet, catalog: str = "", objects: tuple[str, ...] = ()) -> bytes:
    """Return a PDF of sheets; ``catalog`` is added to its catalog, in which ``@1`` is the first of ``objects``."""
    number = _SHARED_OBJECTS + 1
    kids: list[str] = []
    numbered: list[str] = []
    for sheet in sheets:
        first = number + 2  # after the page and its content
        entries = _numbered(sheet.entries, first, len(sheet.objects))
        fonts = _numbered(sheet.fonts, first, len(sheet.objects))
        kids.append(f"{number} 0 R")
        numbered.append(
            f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 {WIDTH} {HEIGHT}]/Contents {number + 1} 0 R{entries}"
            f"/Resources<</Font<</F1 3 0 R{fonts}>>/XObject<</P1 4 0 R/X1 5 0 R>>>>>>"
        )
        numbered.append(f"<</Length {len(sheet.content)}>>stream\n{sheet.content}\nendstream")
        numbered += [_numbered(content, first, len(sheet.objects)) for content in sheet.objects]
        number = first + len(sheet.objects)
    form = picture()
    shared = [
        f"<</Type/Catalog/Pages 2 0 R{_numbered(catalog, number, len(objects))}>>",
        f"<</Type/Pages/Count {len(sheets)}/Kids[{' '.join(kids)}]>>",
        "<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>",
        "<</Type/XObject/Subtype/Image/Width 1/Height 1/ColorSpace/DeviceGray/BitsPerComponent 8/Length 1>>"
        "stream\nx\nendstream",
        f"<</Type/XObject/Subtype/Form/BBox[0 0 {WIDTH} {HEIGHT}]/Resources<</XObject<</P1 4 0 R>>>>"
        f"/Length {len(form)}>>stream\n{form}\nendstream",
    ]
    return _file([*shared, *numbered, *(_numbered(content, number, len(objects)) for content in objects)])


def _numbered(text: str, first: int, count: int) -> str:
    for index in range(count):
        text = text.replace(f"@{index + 1}", str(first + index))
    return text


def _file(objects: list[str]) -> bytes:
    data, offsets = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, 1):
        offsets.append(len(data))
        data += f"{number} 0 obj{content}endobj\n".encode("latin-1")
    table = "".join(f"{offset:010} 00000 n \n" for offset in offsets)
    size = len(objects) + 1
    end = f"xref\n0 {size}\n0000000000 65535 f \n{table}trailer<</Size {size}/Root 1 0 R>>\n"
    end += f"startxref\n{len(data)}\n%%EOF\n"
    return data + end.encode("ascii")
