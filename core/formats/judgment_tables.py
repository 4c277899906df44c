"""Files of judgments that are tables: Quepid's, and our own CSV.

- Quepid: ``query,docid,rating`` as a case exports it, a line without a rating for a query or document that nobody rated;
  or ``query,docid`` and a column for each person, as a book exports it.
- CSV: ours, with spans, names, times and notes: nothing is lost on the way out and in again.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from core.errors import DataError
from core.formats.trec import Line, read_grade
from core.util.csv_safety import whole

CSV_COLUMNS = (
    "split",
    "query_id",
    "query",
    "document_id",
    "document",
    "start",
    "end",
    "grade",
    "who",
    "made",
    "note",
    "origin",
)
_OPTIONAL = ("split", "query_id", "document_id", "document", "who", "note", "origin")
_NAMES = {  # what columns are called elsewhere, in small letters and without signs
    "query": ("query", "querytext", "q"),
    "docid": ("docid", "documentid", "document", "doc", "id"),
    "rating": ("rating", "grade", "score", "judgement", "judgment", "relevance"),
}


def read_quepid(path: Path) -> Iterator[Line]:
    """Yield the ratings of a Quepid export. Raises DataError, naming file and line."""
    rows = _table(path)
    header = [re.sub(r"[^a-z]", "", cell.lower()) for cell in rows[0][1]]
    query, docid = _column(path, rows[0][1], header, "query"), _column(path, rows[0][1], header, "docid")
    ratings = [at for at, name in enumerate(header) if name in _NAMES["rating"]]
    people = [] if ratings else [at for at, name in enumerate(rows[0][1]) if at not in (query, docid) and name]
    if not ratings and not people:
        raise DataError(
            f"{path} has no column 'rating' (its header says {', '.join(rows[0][1])}): add the header query,docid,rating"
        )
    for about, cells in rows[1:]:
        padded = cells + [""] * (len(header) - len(cells))
        said = [at for at in ratings[:1] or people if padded[at]] if padded[docid] else []
        if not said:
            yield Line(about, padded[docid], None, query=padded[query])
        for at in said:
            yield Line(
                about,
                padded[docid],
                read_grade(about, padded[at]),
                query=padded[query],
                who=rows[0][1][at] if people else "",
                several=bool(people),
            )


def read_csv(path: Path) -> Iterator[Line]:
    """Yield the judgments of our own CSV; columns may be left out, but query, grade and one of document_id and document. Raises DataError."""
    rows = _table(path)
    header = [cell.lower() for cell in rows[0][1]]
    missing = [name for name in ("query", "grade") if name not in header] + (
        [] if {"document_id", "document"} & set(header) else ["document_id"]
    )
    if missing:
        raise DataError(
            f"{path} has no column {missing[0]!r} (its header says {', '.join(header)}): the columns are {', '.join(CSV_COLUMNS)}"
        )
    for about, cells in rows[1:]:
        if len(cells) > len(header):
            raise DataError(
                f"{about}, has {len(cells)} columns where the header has {len(header)}: put a text that holds the separator into quotes"
            )
        row = {name: whole(cell) for name, cell in zip(header, cells + [""] * (len(header) - len(cells)), strict=True)}
        start, end = (_offset(about, row.get(name, "")) for name in ("start", "end"))
        if (start is None) != (end is None):
            raise DataError(
                f"{about}, gives a span only one end: give start and end, or neither for the whole document"
            )
        split, query_id, document_id, document, who, note, origin = (row.get(name, "") for name in _OPTIONAL)
        grade = read_grade(about, row["grade"])
        yield Line(
            about,
            document,
            grade,
            split,
            query_id,
            row["query"],
            document_id,
            start,
            end,
            who,
            row.get("made"),
            note,
            origin,
        )


def _table(path: Path) -> list[tuple[str, list[str]]]:
    """File and line in words, and cells of every row that holds something; the header first. The separator is the header's."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
        separator = max(",;\t", key=text.partition("\n")[0].count)
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
        rows = [(f"{path}, line {reader.line_num}", [cell.strip() for cell in cells]) for cells in reader]
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not in UTF-8: save it as 'CSV UTF-8'") from error
    except csv.Error as error:
        raise DataError(f"{path} is not CSV ({error}, near line {reader.line_num}): are all quotes closed?") from error
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror or error}): check the path") from error
    rows = [row for row in rows if any(row[1])]
    if not rows:
        raise DataError(f"{path} is empty: nothing can be brought in")
    return rows


def _column(path: Path, said: Sequence[str], header: Sequence[str], name: str) -> int:
    found = [at for at, cell in enumerate(header) if cell in _NAMES[name]]
    if not found:
        raise DataError(
            f"{path} has no column {name!r} (its first line says {', '.join(said)}): add the header query,docid,rating"
        )
    return found[0]


def _offset(about: str, text: str) -> int | None:
    if not text:
        return None
    if not re.fullmatch(r"\d{1,12}", text):
        raise DataError(f"{about}: {text!r} is no place in a document: give start and end in characters")
    return int(text)
