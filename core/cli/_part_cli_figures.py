"""What ``evaluate`` prints: a table with the test of every system against the first, or JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from core.util.formatting import plural

if TYPE_CHECKING:  # it brings libraries with it, and help must come at once
    from core.evaluation.results import Results


@dataclass(frozen=True)
class Evaluated:
    """What was measured. ``chunks`` is None where whole documents were ranked."""

    collection: str
    split: str
    documents: int
    chunks: int | None
    queries: int
    pool: int
    notes: tuple[str, ...] = ()


def evaluation(about: Evaluated, results: Results, *, per_query: bool, as_json: bool) -> None:
    """Print each system's means over the judged queries, and how the others stand against the first."""
    if as_json:
        print(json.dumps(_as_json(about, results, per_query), ensure_ascii=False, indent=2))
        return
    chunks = "" if about.chunks is None else f" in {plural(about.chunks, 'chunk')}"
    print(
        f"{about.collection} ({about.split}): {plural(about.documents, 'document')}{chunks}, "
        f"{plural(about.queries, 'judged query', 'judged queries')}, pool {about.pool}"
    )
    _print_means(results)
    _print_comparison(results)
    if per_query:
        _print_queries(results)
    for note in (*about.notes, *results.notes, *results.warnings):
        print(f"note: {note}")
    print("Of every metric higher is better, 1 is the most.")


def _print_means(results: Results) -> None:
    wide = max(map(len, ("system", *results.systems))) + 2
    columns = [max(len(measure), 6) + 2 for measure in results.measures]
    print(
        f"{'system':<{wide}}"
        + "".join(f"{measure:>{column}}" for measure, column in zip(results.measures, columns, strict=True))
        + f"{'n':>7}{'ms/query':>11}"
    )
    for system in results.systems:
        means = [results.mean(system, measure) for measure in results.measures]
        cells = "".join(f"{mean.mean:>{column}.4f}" for mean, column in zip(means, columns, strict=True))
        print(f"{system:<{wide}}{cells}{max((mean.n for mean in means), default=0):>7}{results.runs[system].ms_per_query:>11.1f}")


def _print_comparison(results: Results) -> None:
    if len(results.systems) < 2 or not results.measures:
        return
    first, measure = results.systems[0], results.measures[0]
    print(f"Against {first}, by {measure} (difference, its 95% interval; p corrected for {plural(len(results.systems) - 1, 'comparison')}):")
    wide = max(map(len, results.systems)) + 2
    for name, found in results.against(first, measure).items():
        print(f"  {name:<{wide}}{found.difference:+.4f} ({found.interval.low:+.4f} to {found.interval.high:+.4f})  {found.words}")


def _print_queries(results: Results) -> None:
    for system in results.systems:
        for measure in results.measures:
            for query, value in results.values[system][measure].items():
                print(f"{system}\t{measure}\t{query}\t{value:.4f}")


def _as_json(about: Evaluated, results: Results, per_query: bool) -> dict[str, Any]:
    held = {name: value for name, value in asdict(about).items() if name != "notes" and value is not None}
    held["systems"] = {
        system: {
            **{measure: asdict(results.mean(system, measure)) for measure in results.measures},
            "ms_per_query": round(results.runs[system].ms_per_query, 3),
        }
        for system in results.systems
    }
    held["against"] = _against(results)
    held["notes"] = [*about.notes, *results.notes, *results.warnings]
    if per_query:
        held["per_query"] = {
            system: {
                query: {measure: results.values[system][measure][query] for measure in results.measures if query in results.values[system][measure]}
                for query in results.qrels
            }
            for system in results.systems
        }
    return held


def _against(results: Results) -> dict[str, Any]:
    """Every system against the first."""
    if len(results.systems) < 2 or not results.measures:
        return {}
    first, measure = results.systems[0], results.measures[0]
    systems = {
        name: {**asdict(found), "difference": found.difference, "words": found.words} for name, found in results.against(first, measure).items()
    }
    return {"system": first, "measure": measure, "systems": systems}
