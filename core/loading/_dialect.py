"""How a table in text is divided: its delimiter, its quotes, and the rows that they give."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from core.errors import DamagedFile

Separation = Literal["plain", "unspaced", "escaped"]
DELIMITERS = ",;\t|^~"
SPACES = "  "  # columns set apart by two spaces or more
SAMPLE = 100_000  # characters by which the delimiter is detected
SAMPLE_ROWS = 1_000
MOST_SPACED = 0.9  # of the delimiters: where more are followed by a space, they may be punctuation
MOST_WORDS = 1.5  # in a cell, on average, of a table that has a space behind each delimiter
COMMENT = "#"
TYPED = re.compile(r"[+-]?[\d.,:/ -]*\d[\d.,:/ T-]*(?:%|Z)?")  # a number, a date or a time
_DECIMAL = re.compile(r"[+-]?\d+,\d+")
_HARD = ";\t|"  # which stand in a table's cells less often than commas do
_ESCAPED = re.compile(r'\\["' + re.escape(DELIMITERS) + "]")
_ESCAPED_QUOTE = re.compile(r'\\"[^' + re.escape(DELIMITERS) + r'\n"]')
_NEVER = r"(?!)"
# of a whole document in a cell; csv's own limit of 131,072 characters is no harm to us
csv.field_size_limit(1_000_000_000)


@dataclass(frozen=True, slots=True)
class Dialect:
    """What divides the cells of a row: nothing where ``delimiter`` is empty.

    ``unspaced``: a delimiter with a space behind it is punctuation. ``escaped``: a backslash takes the meaning from the
    quotation mark or the delimiter behind it.
    """

    delimiter: str = ""
    separation: Separation = "plain"


def detect_dialect(text: str, tabs: bool) -> Dialect:
    """Return the dialect by which the rows of ``text``, whose lines end in ``\\n``, are the most alike.

    ``tabs``: the file says by its name that tabs divide it. Measured is the share of the rows that have the most common
    number of cells, times how much that divides them (as van den Burg, Nazábal and Sutton do in Wrangling messy CSV
    files by detecting row and type patterns, 2019), times the share of cells in which no other delimiter stands.
    """
    sample = text[:SAMPLE]
    if len(text) > SAMPLE:
        sample = sample[: sample.rfind("\n") + 1] or sample
    if tabs and "\t" in sample:
        return Dialect("\t")
    best, best_score = Dialect(), 0.0
    for dialect in _candidates(sample):
        score = _score(sample, dialect)
        if score > best_score or (score and score == best_score and dialect.separation == "escaped"):
            best, best_score = dialect, score
    return best


def _candidates(text: str) -> Iterator[Dialect]:
    used = [delimiter for delimiter in DELIMITERS if delimiter in text]
    yield from map(Dialect, used)
    yield from (Dialect(delimiter, "unspaced") for delimiter in used if delimiter in ",;" and f"{delimiter} " in text)
    if _ESCAPED.search(text):
        # before a quote that ends a cell the backslash may be a path's last sign
        yield from (
            Dialect(delimiter, "escaped")
            for delimiter in used
            if f"\\{delimiter}" in text or _ESCAPED_QUOTE.search(text)
        )
    if SPACES in text:
        yield Dialect(SPACES)


def _score(text: str, dialect: Dialect) -> float:
    rows = [row for row, _ in zip(_scan(text, dialect), range(SAMPLE_ROWS), strict=False)]
    rows = [row for row in rows if any(cell.strip() for cell in row)]
    rows = without_comments(rows) or rows
    widths = [len(row) for row in rows]
    counts = Counter(width for width in widths if width > 1)
    if not counts:
        return 0.0
    width, count = counts.most_common(1)[0]
    first = widths.index(width)
    alike = [row for row in rows if len(row) == width]
    if count < 2 and (first or (len(rows) > 1 and any('"' in cell for cell in alike[0]))):
        return 0.0
    if dialect.delimiter == "," and first and width == 2 and all(_DECIMAL.fullmatch(",".join(row)) for row in alike):
        return 0.0  # decimal commas under a header of one word
    spaced = _is_spaced(alike, dialect)
    if spaced and not (count >= MOST_SPACED * len(rows) and _is_table_of_words(alike)):
        return 0.0
    if dialect.delimiter == SPACES:  # or the space behind a sentence
        sentences = sum(cell.endswith((".", "!", "?", ":", ",", ";")) for row in alike for cell in row[:-1])
        if count < max(2, MOST_SPACED * len(rows)) or 5 * sentences > len(alike):
            return 0.0
    others = [sign for sign in _HARD if sign != dialect.delimiter]
    cells = [cell for row in alike for cell in row]
    clean = sum(not any(sign in cell for sign in others) for cell in cells) / len(cells)
    score = count / len(rows) * (width - 1) / width * (0.1 + 0.9 * clean)
    above = rows[first - 1] if first else []
    if len(above) == 1 and any(sign in above[0] and f"{sign} " not in above[0] for sign in DELIMITERS):
        score /= 2  # what would be a title above the table is divided by another sign
    return score


def _is_spaced(rows: Sequence[Sequence[str]], dialect: Dialect) -> bool:
    """Whether nearly every delimiter has a space behind it, as a comma in a sentence."""
    if dialect.delimiter not in ",;" or dialect.separation == "unspaced":
        return False
    behind = [cell for row in rows for cell in row[1:] if cell]
    return bool(behind) and sum(cell.startswith(" ") for cell in behind) > MOST_SPACED * len(behind)


def _is_table_of_words(rows: Sequence[Sequence[str]]) -> bool:
    """Whether rows with a space behind each delimiter are a table: with a column of numbers, or of single words."""
    for column in zip(*rows[1:], strict=True):
        if sum(TYPED.fullmatch(cell.strip()) is not None for cell in column) > len(column) / 2:
            return True
    cells = [cell for row in rows for cell in row if cell.strip()]
    single = sum(len(cell.split()) for cell in cells) <= MOST_WORDS * len(cells)
    names = all(cell.strip().isidentifier() and cell.islower() for cell in rows[0])
    return single and len(rows) > 1 and (len(rows[0]) > 2 or names)


def without_comments(rows: Sequence[list[str]]) -> list[list[str]]:
    """Return the rows that do not begin with ``#``, all where most begin with it."""
    kept = [row for row in rows if not row[0].lstrip().startswith(COMMENT)]
    return kept if 2 * len(kept) > len(rows) else list(rows)


def split_rows(name: str, text: str, dialect: Dialect) -> list[list[str]]:
    """Return the cells of every row, as they stand in the file but for the quotes around them.

    A quotation mark quotes where it begins a cell and another ends it; all others are signs like any other. Raises
    DamagedFile where one is never closed, but in a file of tabs or of one column, whose cells may begin with one.
    """
    plain = dialect.separation == "plain" and len(dialect.delimiter) == 1
    if plain and f'{dialect.delimiter} "' not in text:
        try:
            return list(csv.reader(io.StringIO(text, newline=""), delimiter=dialect.delimiter, strict=True))
        except csv.Error:  # the strict rules are not kept
            pass
    return list(_scan(text, dialect, name if dialect.delimiter not in ("", "\t") else ""))


def _scan(text: str, dialect: Dialect, strict: str = "") -> Iterator[list[str]]:
    """Yield rows by lenient rules, in time that is linear in the text.

    Raises DamagedFile for a cell whose quotation mark is never closed if ``strict`` is the file's name.
    """
    pattern, bare = _cell_pattern(dialect)
    row: list[str] = []
    if dialect.delimiter == SPACES:
        text = "\n".join(line.strip(" ") for line in text.split("\n"))
    if not text.endswith("\n"):
        text += "\n"
    at = 0
    while at < len(text):
        match = pattern.match(text, at)
        if match and match["open"] is not None:
            if strict:
                line = text.count("\n", 0, match.end("space")) + 1
                what = f"a quotation mark in the row that begins in line {line} is never closed"
                raise DamagedFile(f"{strict} is damaged ({what}): close it, or save the table again")
            match = None
        match = match or bare.match(text, at)
        assert match  # a line without any delimiter is one bare cell
        at = match.end()
        quoted = match["quoted"] if match.re is pattern else None
        cell = match["bare"] if quoted is None else quoted.replace('""', '"')
        row.append(_ESCAPED.sub(lambda escaped: escaped[0][1:], cell) if dialect.separation == "escaped" else cell)
        if text[at - 1] == "\n":
            yield row
            row = []


def _cell_pattern(dialect: Dialect) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Return the pattern of one cell with what ends it, and the pattern of one whose quotes are just that."""
    sign = re.escape(dialect.delimiter)
    inside = r'[^"]*+(?:""[^"]*+)*+'
    if not sign:
        ends, bare = _NEVER, r"[^\n]*+"
    elif dialect.delimiter == SPACES:
        ends, bare = " {2,}", r"(?:[^ \n]| (?! ))*+"
    elif dialect.separation == "unspaced":
        ends, bare = f"{sign}(?! )", rf"(?:[^{sign}\n]|{sign}(?= ))*+"
    elif dialect.separation == "escaped":
        inside = r'(?:[^"\\]|\\.|"")*+'
        ends, bare = sign, rf"(?:\\[^\n]|[^{sign}\n\\]|\\(?=\n))*+"
    else:
        ends, bare = sign, rf"[^{sign}\n]*+"
    bare_cell = rf"(?P<bare>{bare})(?:{ends}|\n)"
    quoted_cell = rf'(?P<space> *+)"(?P<quoted>{inside})(?:" *(?:{ends}|\n)|(?P<open>\Z))'
    return re.compile(rf"{quoted_cell}|{bare_cell}", re.DOTALL), re.compile(bare_cell)
