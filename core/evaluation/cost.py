"""Quality against cost: each system as a point with its spread, and tables of a run for export."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, replace

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
class CostPoint:
    """A system's mean quality with its 95% bootstrap interval, and its milliseconds a query.

    ``ms`` is the median, ``ms_low`` and ``ms_high`` are the first and third quartile.
    """

    system: str
    quality: float
    interval: Interval
    ms: float
    ms_low: float
    ms_high: float
    n: int  # queries
    dominated: bool = False  # another system is at least as good and as fast, and better in one of both

    def dominates(self, other: CostPoint) -> bool:
        """Return whether this system is at least as good and as fast as ``other``, and better in one of both."""
        no_worse = self.quality >= other.quality and self.ms <= other.ms
        return no_worse and (self.quality > other.quality or self.ms < other.ms)


def cost_points(results: Results, measure: str = QUALITY) -> list[CostPoint]:
    """Return every system as a point, in the run's order."""
    points = []
    for system in results.systems:
        values = list(results.values[system][measure].values())
        ms_low, ms, ms_high = _quartiles(results, system)
        quality = results.mean(system, measure).mean
        points.append(CostPoint(system, quality, bootstrap(values), ms, ms_low, ms_high, len(values)))
    return [replace(point, dominated=any(other.dominates(point) for other in points)) for point in points]


def _quartiles(results: Results, system: str) -> tuple[float, float, float]:
    """Return the first quartile, median and third quartile of a system's milliseconds a query."""
    times = list(results.runs[system].milliseconds.values()) or [0.0]
    low, median, high = np.quantile(times, [0.25, 0.5, 0.75]).tolist()
    return low, median, high


Row = tuple[str, ...]


def table(results: Results, measures: Sequence[str] | None = None, digits: int = 4) -> list[Row]:
    """Return a header and a row for each system: the means of the measures, the number of queries, and the times.

    Times are in milliseconds a query: the median, and the quartiles.
    """
    shown = list(measures or results.measures)
    rows: list[Row] = [("system", *shown, "n", "ms (median)", "ms (quartiles)")]
    for system in results.systems:
        low, ms, high = _quartiles(results, system)
        means = (f"{results.mean(system, measure).mean:.{digits}f}" for measure in shown)
        rows.append((system, *means, str(len(results.qrels)), f"{ms:.1f}", f"{low:.1f} to {high:.1f}"))
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
        best = max((float(row[column]) for row in rows[1:]), default=0.0)
        for cells, row in zip(body[1:], rows[1:], strict=True):
            if float(row[column]) == best:
                cells[column] = rf"\textbf{{{cells[column]}}}"
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
    return "".join(_LATEX.get(character, character) for character in text)
