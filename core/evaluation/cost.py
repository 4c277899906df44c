"""Quality against cost: each system as a point with its spread, and tables of a run to take along."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.evaluation.results import Results
from core.evaluation.significance import Interval, bootstrap
from core.util.csv_safety import write_rows

QUALITY = "nDCG@10"
_LATEX = {
    "\\": r"\textbackslash{}",
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
}


@dataclass(frozen=True, slots=True)
class Point:
    """A system's mean quality with its 95% bootstrap interval, and the median of its milliseconds a query with the middle half (quartiles)."""

    system: str
    quality: float
    interval: Interval
    ms: float
    quick: float  # first quartile
    slow: float  # third
    n: int
    beaten: bool = False  # another system is at least as good and at least as quick, and one of both more


def points(results: Results, measure: str = QUALITY) -> list[Point]:
    """Return every system as a point, in the run's order."""
    found = [_point(results, system, measure) for system in results.systems]
    return [
        Point(
            one.system,
            one.quality,
            one.interval,
            one.ms,
            one.quick,
            one.slow,
            one.n,
            any(_beats(other, one) for other in found),
        )
        for one in found
    ]


def _point(results: Results, system: str, measure: str) -> Point:
    values = list(results.values[system][measure].values())
    quick, ms, slow = _quartiles(results, system)
    return Point(system, results.mean(system, measure).mean, bootstrap(values), ms, quick, slow, len(values))


def _quartiles(results: Results, system: str) -> tuple[float, float, float]:
    """First quartile, median and third quartile of a system's milliseconds a query."""
    took = list(results.runs[system].milliseconds.values()) or [0.0]
    quick, ms, slow = np.quantile(took, [0.25, 0.5, 0.75]).tolist()
    return quick, ms, slow


def _beats(one: Point, other: Point) -> bool:
    return one.quality >= other.quality and one.ms <= other.ms and (one.quality > other.quality or one.ms < other.ms)


Row = tuple[str, ...]


def table(results: Results, measures: Sequence[str] | None = None, digits: int = 4) -> list[Row]:
    """Return a header and a row for each system: the means of the measures, the queries, the median milliseconds with their quartiles."""
    shown = list(measures or results.measures)
    rows: list[Row] = [("system", *shown, "n", "ms (median)", "ms (quartiles)")]
    for system in results.systems:
        quick, ms, slow = _quartiles(results, system)
        means = (f"{results.mean(system, measure).mean:.{digits}f}" for measure in shown)
        rows.append((system, *means, str(len(results.qrels)), f"{ms:.1f}", f"{quick:.1f} to {slow:.1f}"))
    return rows


def as_csv(rows: Sequence[Row]) -> str:
    """Return a table as CSV, with nothing that a spreadsheet would run."""
    text = io.StringIO(newline="")
    write_rows(text, rows)
    return text.getvalue()


def as_markdown(rows: Sequence[Row]) -> str:
    """Return a table as Markdown, numbers to the right."""
    lines = [[cell.replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ") for cell in row] for row in rows]
    rule = ["---", *["---:"] * (len(rows[0]) - 1)]
    return "".join(f"| {' | '.join(line)} |\n" for line in (lines[0], rule, *lines[1:]))


def as_latex(rows: Sequence[Row]) -> str:
    """Return a table as LaTeX, in the style of the package booktabs; the best of every measure in bold."""
    body = [[latex(cell) for cell in row] for row in rows]
    measures = range(1, len(rows[0]) - 3)
    for column in measures:
        most = max((float(row[column]) for row in rows[1:]), default=0.0)
        for row, plain in zip(body[1:], rows[1:], strict=True):
            if float(plain[column]) == most:
                row[column] = rf"\textbf{{{row[column]}}}"
    lines = [" & ".join(row) + r" \\" for row in body]
    return (
        "\n".join(
            [
                rf"\begin{{tabular}}{{l{'r' * (len(rows[0]) - 1)}}}",
                r"\toprule",
                lines[0],
                r"\midrule",
                *lines[1:],
                r"\bottomrule",
                r"\end{tabular}",
            ]
        )
        + "\n"
    )


def latex(text: str) -> str:
    """Return ``text`` as LaTeX that prints exactly it."""
    return "".join(_LATEX.get(sign, sign) for sign in text)
