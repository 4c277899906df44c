"""Tables of judgments: Quepid's exports, and Rankscope's own CSV.

- Quepid: ``query,docid,rating`` as a case exports it, with an empty rating where nobody rated; or ``query,docid`` and
  a column for each rater, as a book exports it.
- CSV: with spans, raters, times and notes, so that an export and an import lose nothing.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from core.errors import DataError
from core.formats.lines import JudgmentLine
from core.formats.trec import parse_grade
from core.records.document import Value
from core.util.csv_safety import escape_cell, is_formula, unescape_cell

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
_COLUMN_NAMES = {  # accepted headers, in lower case and without anything but letters
    "query": ("query", "querytext", "q"),
    "docid": ("docid", "documentid", "document", "doc", "id"),
    "rating": ("rating", "grade", "score", "judgement", "judgment", "relevance"),
}


def read_quepid(path: Path) -> Iterator[JudgmentLine]:
    """Yield the ratings of a Quepid export. Raises DataError, naming file and line."""
    (_, header), *rows = _table(path)
    plain = [re.sub(r"[^a-z]", "", cell.lower()) for cell in header]
    query, docid = (_column(path, header, plain, name) for name in ("query", "docid"))
    ratings = [column for column, name in enumerate(plain) if name in _COLUMN_NAMES["rating"]]
    raters = [] if ratings else [column for column, name in enumerate(header) if column not in (query, docid) and name]
    if not ratings and not raters:
        raise DataError(
            f"{path} has no column 'rating' (its header says {', '.join(header)}): add the header query,docid,rating"
        )
    for location, cells in rows:
        row = cells + [""] * (len(header) - len(cells))
        rated = [column for column in ratings[:1] or raters if row[column]] if row[docid] else []
        if not rated:
            yield JudgmentLine(location, row[docid], None, query=row[query])
        for column in rated:
            yield JudgmentLine(
                location,
                row[docid],
                parse_grade(location, row[column]),
                query=row[query],
                who=header[column] if raters else "",
                several_raters=bool(raters),
            )


def read_csv(path: Path) -> Iterator[JudgmentLine]:
    """Yield the judgments of our own CSV. Raises DataError, naming file and line.

    The columns query, grade, and one of document_id and document are needed; the others may be left out.
    """
    (_, header), *rows = _table(path)
    header = [cell.lower() for cell in header]
    missing = [name for name in ("query", "grade") if name not in header]
    if "document_id" not in header and "document" not in header:
        missing.append("document_id")
    if missing:
        raise DataError(
            f"{path} has no column {missing[0]!r} (its header says {', '.join(header)}): "
            f"the columns are {', '.join(CSV_COLUMNS)}"
        )
    for location, cells in rows:
        if len(cells) > len(header):
            raise DataError(
                f"{location}, has {len(cells)} columns where the header has {len(header)}: "
                "put a text that holds the separator into quotes"
            )
        row = dict.fromkeys(CSV_COLUMNS, "")
        row.update((name, unescape_cell(cell)) for name, cell in zip(header, cells, strict=False))
        start, end = (_offset(location, row[name]) for name in ("start", "end"))
        if (start is None) != (end is None):
            raise DataError(
                f"{location}, gives a span only one end: give start and end, or neither for the whole document"
            )
        yield JudgmentLine(
            location,
            row["document"],
            parse_grade(location, row["grade"]),
            split=row["split"],
            query_id=row["query_id"],
            query=row["query"],
            document_id=row["document_id"],
            start=start,
            end=end,
            who=row["who"],
            made=row["made"] if "made" in header else None,
            note=row["note"],
            origin=row["origin"],
        )


def quepid_text(ratings: Iterable[tuple[str, str, int]]) -> str:
    """Return queries, document names and grades as ``query,docid,rating``.

    A space stands before a query that a spreadsheet would run as a formula.
    """
    table = io.StringIO(newline="")
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(["query", "docid", "rating"])
    for query, document, grade in ratings:
        text = " ".join(query.split())
        writer.writerow([f" {text}" if is_formula(text) else text, document, grade])
    return table.getvalue()


def csv_text(rows: Iterable[Mapping[str, Value]]) -> str:
    """Return judgments as our own CSV, a row each, with the values of CSV_COLUMNS."""
    table = io.StringIO(newline="")
    writer = csv.DictWriter(table, CSV_COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: escape_cell(row[name]) for name in CSV_COLUMNS} for row in rows)
    return table.getvalue()


def _table(path: Path) -> list[tuple[str, list[str]]]:
    """Return the location and the cells of every row that is not empty, the header first.

    The separator is the comma, semicolon or tab that is the most frequent in the header.
    """
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


def _column(path: Path, header: Sequence[str], plain: Sequence[str], name: str) -> int:
    """Return the index of a column that must be there; ``plain`` is the header in letters of lower case alone."""
    index = next((column for column, cell in enumerate(plain) if cell in _COLUMN_NAMES[name]), None)
    if index is None:
        raise DataError(
            f"{path} has no column {name!r} (its first line says {', '.join(header)}): "
            "add the header query,docid,rating"
        )
    return index


def _offset(location: str, text: str) -> int | None:
    if not text:
        return None
    if not re.fullmatch(r"\d{1,12}", text):
        raise DataError(f"{location}: {text!r} is no place in a document: give start and end in characters")
    return int(text)
