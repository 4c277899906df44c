"""Files that are passed over: which they are, why, and what to do, told together by kind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from core.errors import UnsupportedFile
from core.loading._omissions import first_names
from core.util.formatting import plural

NAMED = 3  # files that a line names
_ADVICE = {
    "in Microsoft's old format: save it as .docx and bring that": ".doc .dot",
    "in Microsoft's old format: save it as .pptx and bring that": ".ppt .pps .pot",
    "in Microsoft's old format: save it as .xlsx and bring that": ".xls .xlt .xlsb",
    "in Apple's format: export it as .docx, .pptx, .xlsx or PDF": ".pages .numbers .key",
    "in the format of another office program: save it as .docx, .xlsx or PDF": ".wpd .wps .sxw .sxc .sxi .hwp .hwpx",
    "an OpenDocument file in one piece: save it as .odt, .ods or .odp": ".fodt .fods .fodp",
    "a drawing, diagram or notebook: export it as PDF": ".odg .vsd .vsdx .pub .one .xps .oxps .ps .eps",
    "a scan or a print file: convert it to a PDF with text": ".djvu .djv",
    "an e-book of another kind: convert it to EPUB": ".mobi .azw .azw3 .kfx .fb2 .lit .prc",
    "mail in a program's own format: save it as .eml or export it as .mbox": ".msg .pst .ost .oft .emlx .dbx .mbx",
    "a picture: run OCR on it and bring the text or a PDF with text": ".png .jpg .jpeg .gif .tif .tiff .bmp .webp "
    ".heic .heif .svg .avif",
    "packed: unpack it and bring what is inside": ".7z .rar .tar .gz .tgz .bz2 .tbz .tbz2 .xz .txz .zst .lz .lzma "
    ".cab .jar .iso .dmg",
    "a saved web page in one piece: save it as .html": ".mht .mhtml .webarchive",
    "a database or a table in binary form: export it as CSV": ".parquet .feather .arrow .sqlite .sqlite3 .db .mdb "
    ".accdb .dbf .sav .dta .rdata .rds .pkl",
}
ADVICE = {suffix: advice for advice, suffixes in _ADVICE.items() for suffix in suffixes.split()}


@dataclass(frozen=True, slots=True)
class SkippedSource:
    """A file or folder that was found and is not read; ``reason`` is why, if it is not that of its kind."""

    name: str
    reason: str = ""
    size: int = 0

    def read(self) -> bytes:
        """Raise UnsupportedFile."""
        raise UnsupportedFile(f"{self.name} {self.reason or 'is of a kind that is not read'}: bring it in another form")


@dataclass(frozen=True, slots=True)
class SkippedFiles:
    """Files that are passed over for one reason; ``name`` is the file's, or says how many they are."""

    name: str
    message: str


def advice(name: str) -> str:
    """Return what a file of this name is, and what to do with it; empty for kinds that hold no text at all."""
    return ADVICE.get(PurePosixPath(name).suffix.lower(), "")


def by_reason(skipped: Iterable[SkippedSource]) -> Iterator[SkippedFiles]:
    """Yield a line for each reason, those of kinds that are nearly read first: how many files of which kinds."""
    groups: dict[str, list[str]] = {}
    other: list[str] = []
    for source in skipped:
        reason = source.reason or (f"is {advice(source.name)}" if advice(source.name) else "")
        (groups.setdefault(reason, []) if reason else other).append(source.name)
    for reason, names in groups.items():
        if len(names) == 1:
            yield SkippedFiles(names[0], reason)
        else:
            which = f"{kinds(names)}, each " if advice(names[0]) else "each "
            yield SkippedFiles(plural(len(names), "file"), f"{which}{reason} ({first_names(names, NAMED)})")
    if len(other) == 1:
        yield SkippedFiles(other[0], "is of a kind that is not read")
    elif other:
        yield SkippedFiles(
            f"{plural(len(other), 'file')} of kinds that are not read", f"{kinds(other)}: {first_names(other, NAMED)}"
        )


def kinds(names: Iterable[str]) -> str:
    """Return how many files there are of each suffix, the most frequent first."""
    counts = Counter(PurePosixPath(name).suffix.lower() or "without a suffix" for name in names)
    return ", ".join(f"{count:,} {suffix}" for suffix, count in counts.most_common())
