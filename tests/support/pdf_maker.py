"""PDFs written by hand, for painting orders and faults that no program can be made to produce."""

from __future__ import annotations

Line = tuple[float, float, str]  # x, y from the lower left corner, text


def make_pdf(*pages: list[Line], size: int = 10) -> bytes:
    """Return a PDF whose pages paint their lines in the given order, on sheets of 600 by 800 points."""
    kids = " ".join(f"{4 + 2 * index} 0 R" for index in range(len(pages)))
    objects = ["<</Type/Catalog/Pages 2 0 R>>", f"<</Type/Pages/Count {len(pages)}/Kids[{kids}]>>"]
    objects.append("<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>")
    for index, lines in enumerate(pages):
        painted = "\n".join(f"BT /F1 {size} Tf {x} {y} Td ({text}) Tj ET" for x, y, text in lines)
        content = f"{5 + 2 * index} 0 R"
        objects.append(
            f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Resources<</Font<</F1 3 0 R>>>>/Contents {content}>>"
        )
        objects.append(f"<</Length {len(painted)}>>stream\n{painted}\nendstream")
    return _file(objects)


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
