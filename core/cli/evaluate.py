"""``python -m core evaluate``: systems against judged queries."""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import CollectionNotFound, SettingsError
from core.evaluation.metrics import MEASURES
from core.settings import BUILT_IN_MODEL, BUILT_IN_RERANKER, POOL, Settings
from core.util.formatting import plural

if TYPE_CHECKING:
    from core.evaluation.results import Results
    from core.evaluation.runner import Runner


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
    width = max(map(len, ("system", *results.systems))) + 2
    columns = [max(len(measure), 6) + 2 for measure in results.measures]
    print(
        f"{'system':<{width}}"
        + "".join(f"{measure:>{column}}" for measure, column in zip(results.measures, columns, strict=True))
        + f"{'n':>7}{'ms/query':>11}"
    )
    for system in results.systems:
        means = [results.mean(system, measure) for measure in results.measures]
        cells = "".join(f"{mean.mean:>{column}.4f}" for mean, column in zip(means, columns, strict=True))
        queries = max((mean.n for mean in means), default=0)
        print(f"{system:<{width}}{cells}{queries:>7}{results.runs[system].ms_per_query:>11.1f}")


def _print_comparison(results: Results) -> None:
    if len(results.systems) < 2 or not results.measures:
        return
    first, measure = results.systems[0], results.measures[0]
    comparisons = plural(len(results.systems) - 1, "comparison")
    print(f"Against {first}, by {measure} (difference, its 95% interval; p corrected for {comparisons}):")
    width = max(map(len, results.systems)) + 2
    for name, paired in results.against(first, measure).items():
        interval = f"({paired.interval.low:+.4f} to {paired.interval.high:+.4f})"
        print(f"  {name:<{width}}{paired.difference:+.4f} {interval}  {paired.words}")


def _print_queries(results: Results) -> None:
    for system in results.systems:
        for measure in results.measures:
            for query, value in results.values[system][measure].items():
                print(f"{system}\t{measure}\t{query}\t{value:.4f}")


def _as_json(about: Evaluated, results: Results, per_query: bool) -> dict[str, Any]:
    record = {name: value for name, value in asdict(about).items() if name != "notes" and value is not None}
    record["systems"] = {
        system: {
            **{measure: asdict(results.mean(system, measure)) for measure in results.measures},
            "ms_per_query": round(results.runs[system].ms_per_query, 3),
        }
        for system in results.systems
    }
    record["against"] = _against(results)
    record["notes"] = [*about.notes, *results.notes, *results.warnings]
    if per_query:
        record["per_query"] = {
            system: {
                query: {
                    measure: results.values[system][measure][query]
                    for measure in results.measures
                    if query in results.values[system][measure]
                }
                for query in results.qrels
            }
            for system in results.systems
        }
    return record


def _against(results: Results) -> dict[str, Any]:
    """Return every system against the first."""
    if len(results.systems) < 2 or not results.measures:
        return {}
    first, measure = results.systems[0], results.measures[0]
    systems = {
        name: {**asdict(paired), "difference": paired.difference, "words": paired.words}
        for name, paired in results.against(first, measure).items()
    }
    return {"system": first, "measure": measure, "systems": systems}


HELP = """\
BEIR_DIR holds corpus.jsonl, queries.jsonl and qrels/test.tsv. Its documents are ranked whole, as far as
the models read them, or cut into chunks with --chunk. COLLECTION is one that was indexed here, and judged.

Systems: bm25, bi (bi-encoder), hybrid (reciprocal rank fusion of both), and each with +cross: its first
--pool hits reranked by the cross-encoder, or its first 20 with +cross@20; bi+cross-sum (by the sum of both
scores). On a collection bi is Chroma's index, and bi-exact compares all vectors. OTHER:bi is a system on
another collection over the same documents: another model, or another way to cut.

Metrics are ir_measures': nDCG@10, RR@10, R@100, P@5, AP, Success@1, Judged@10 ... A judged query without
results counts as 0. A text that the bi-encoder ranks by its chunks counts at its best chunk's rank.
"""
INTERVAL = 5.0  # seconds between two lines of progress
SYSTEMS = "bm25,bi,hybrid,bi+cross,bm25+cross,hybrid+cross"
METRICS = ",".join(MEASURES)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("target", metavar="BEIR_DIR|COLLECTION")
    parser.add_argument(
        "--split",
        metavar="NAME",
        help="which judgments: qrels/NAME.tsv (default test), or a collection's (default: test, or all there are)",
    )
    parser.add_argument(
        "--systems", default=SYSTEMS, metavar="LIST", help=f"with commas between them (default {SYSTEMS})"
    )
    parser.add_argument(
        "--metrics", default=METRICS, metavar="LIST", help=f"as ir_measures names them (default {METRICS})"
    )
    parser.add_argument(
        "--pool", type=int, default=POOL, metavar="N", help=f"how many hits are reranked, 1 to 1000 (default {POOL})"
    )
    parser.add_argument("--queries", type=int, metavar="N", help="only the first N judged queries")
    parser.add_argument(
        "--chunk", action="store_true", help="of a BEIR_DIR: cut the documents into chunks, as 'index' does"
    )
    parser.add_argument(
        "--runs", type=Path, metavar="DIR", help="write a TREC run file for each system and the qrels into DIR"
    )
    parser.add_argument("--per-query", action="store_true", help="print the value of every query too")
    parser.add_argument(
        "--model",
        metavar="ID",
        help=f"bi-encoder for a BEIR_DIR: a folder or Hugging Face id (default {BUILT_IN_MODEL})",
    )
    parser.add_argument(
        "--reranker", metavar="ID", help=f"cross-encoder: a folder or Hugging Face id (default {BUILT_IN_RERANKER})"
    )


def evaluate(options: argparse.Namespace) -> int:
    """Run the command."""
    from core.evaluation.metrics import check, split_names
    from core.evaluation.systems import check_systems
    from core.retrieval.search import check_pool

    systems, names = split_names(options.systems), split_names(options.metrics)
    check_systems(systems)
    check_pool(options.pool)
    if options.queries is not None and options.queries < 1:
        raise SettingsError(f"--queries is {options.queries}: use at least 1")
    check(names)
    _make_room(options.runs)
    about, results = (
        _folder(options, systems, names) if _is_folder(options.target) else _collection(options, systems, names)
    )
    if options.runs is not None:
        from core.formats.trec import write_runs

        write_runs(options.runs, {name: run.ranking for name, run in results.runs.items()}, results.qrels)
    evaluation(about, results, per_query=options.per_query, as_json=options.json)
    return 0


def _make_room(runs: Path | None) -> None:
    """Make the folder of the run files before anything is computed for it."""
    if runs is not None:
        try:
            runs.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SettingsError(f"--runs {runs} cannot be made ({error.strerror}): name another folder") from error


def _is_folder(target: str) -> bool:
    """Return whether a target is a BEIR folder or ZIP: one that is there, or a path that no collection can be named."""
    folder = Path(target)
    return (
        any((folder / part).exists() for part in ("corpus.jsonl", "queries.jsonl", "qrels"))
        or (folder.suffix.lower() == ".zip" and folder.is_file())
        or folder.is_absolute()
        or target.startswith((".", "~"))
    )


def _folder(options: argparse.Namespace, systems: list[str], names: list[str]) -> tuple[Evaluated, Results]:
    """Measure systems on a BEIR folder."""
    from core.evaluation.corpora import InMemoryCorpus
    from core.evaluation.runner import Runner
    from core.evaluation.systems import parse_system
    from core.formats.beir import read_beir
    from core.judgments.relevance import JudgedQueries
    from core.models.registry import ModelRegistry
    from core.records.search import CollectionOptions

    parsed = [parse_system(name, options.pool) for name in systems]
    split = options.split or "test"
    dataset = read_beir(Path(options.target).expanduser(), split)
    settings = Settings.from_environment()
    catalog = ModelRegistry(settings)
    needs_encoder = options.chunk or any("bi" in system.stages for system in parsed)
    encoder = catalog.get(options.model or settings.model) if needs_encoder else None
    if encoder and options.chunk:
        chunking = CollectionOptions().chunking(encoder.model, encoder.budget)
        corpus = InMemoryCorpus.of_chunks(dataset, encoder, chunking)
    else:
        corpus = InMemoryCorpus.of_documents(dataset, encoder)
    reranker = catalog.reranker(options.reranker or "") if any(system.reranking for system in parsed) else None
    judged = JudgedQueries.of_dataset(dataset, split).first(options.queries)
    about = Evaluated(
        dataset.name,
        split,
        len(dataset.texts),
        len(corpus.texts) if options.chunk else None,
        len(judged.queries),
        options.pool,
        dataset.evaluation_notes(split),
    )
    return about, _measure(Runner(judged, {"": corpus}, parsed, reranker), names)


def _collection(options: argparse.Namespace, systems: list[str], names: list[str]) -> tuple[Evaluated, Results]:
    """Measure systems on a collection."""
    from contextlib import closing

    from core.evaluation.runner import Request, plan
    from core.workspace import Workspace

    for name in ("model", "chunk"):
        if getattr(options, name):
            raise SettingsError(
                f"--{name} is for a BEIR_DIR: a collection keeps the model and the chunks that it was made with; "
                "'copy' makes it once more with others"
            )
    request = Request(
        (options.target,),
        tuple(systems),
        tuple(names),
        options.pool,
        options.split,
        options.queries,
        options.reranker or "",
    )
    with closing(Workspace.open(Settings.from_environment())) as workspace:
        try:
            collection = workspace.store.collection(options.target)
        except CollectionNotFound as error:
            raise CollectionNotFound(
                f"There is no folder and no collection {options.target!r}: "
                "'python -m core collections' lists the collections"
            ) from error
        prepared = plan(workspace, request)
        about = Evaluated(
            collection.name,
            str(prepared.facts["split"]),
            len(workspace.documents(collection)),
            collection.chunks,
            len(prepared.judged.queries),
            options.pool,
            prepared.notes,
        )
        return about, _measure(prepared.runner, names)


def _measure(runner: Runner, names: list[str]) -> Results:
    from core.evaluation.results import Results

    return Results.of(runner.judged, runner.systems, runner.run(_Progress()), names)


class _Progress:
    """Prints a line of progress every few seconds."""

    def __init__(self) -> None:
        self._printed = time.monotonic()

    def __call__(self, line: str) -> None:
        if time.monotonic() - self._printed >= INTERVAL:
            self._printed = time.monotonic()
            print(line, file=sys.stderr, flush=True)
