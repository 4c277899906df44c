"""Runs of systems over judged queries: each first stage retrieves once a query, for all systems."""

from __future__ import annotations

import time
from collections.abc import Collection as Container
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from core.errors import DataError, SettingsError
from core.evaluation.corpora import CollectionCorpus, Corpus, InMemoryCorpus
from core.evaluation.metrics import MEASURES, check, cutoff
from core.evaluation.systems import MAX_DEPTH, Candidates, StageRanking, System, named_corpora, parse_system
from core.formats.beir import BeirDataset
from core.judgments.queries import judged_queries_for
from core.judgments.relevance import JudgedQueries
from core.models.bi_encoder import BiEncoder
from core.models.cross_encoder import CrossEncoder, finite_scores
from core.records.document import short_hash
from core.records.search import Collection
from core.retrieval.search import check_pool
from core.settings import POOL
from core.util.formatting import plural
from core.util.progress import LineReport, silent
from core.workspace import Workspace

MIN_DEPTH = 200  # chunks that a stage retrieves from a collection: as many as its index looks at anyway


def depth_for(systems: Sequence[System], measures: Sequence[str]) -> int:
    """Return how many candidates each stage retrieves from a collection, 200 to 1000.

    As many as the deepest pool, and twice as many as the deepest cutoff: several chunks may belong to one document.
    """
    needed = [MIN_DEPTH, *(system.pool for system in systems), *(2 * (cutoff(name) or 0) for name in measures)]
    return min(max(needed), MAX_DEPTH)


@dataclass(frozen=True)
class Runner:
    """Retrieves for judged queries what ``systems`` need, from ``corpora`` by name, ``depth`` candidates a stage.

    Raises SettingsError for a system that lacks a cross-encoder, or a stage that its corpus does not offer.
    """

    judged: JudgedQueries
    corpora: Mapping[str, Corpus]
    systems: Sequence[System]
    reranker: CrossEncoder | None
    depth: int = MAX_DEPTH

    def __post_init__(self) -> None:
        for system in self.systems:
            if system.reranking and self.reranker is None:
                raise SettingsError("A system with 'cross' needs a cross-encoder: give one, or leave the system out")
            missing = [stage for stage in system.stages if stage not in self.corpora[system.corpus].stages]
            if missing:
                raise SettingsError(
                    f"There is no system {system.name!r} here: {missing[0]} needs a collection, "
                    "and of texts that are ranked from memory 'bi' is exact already"
                )

    def stages(self, corpus: str) -> list[str]:
        """Return the first stages that the systems on a corpus need."""
        needed = {stage for system in self.systems if system.corpus == corpus for stage in system.stages}
        return [stage for stage in self.corpora[corpus].stages if stage in needed]

    @property
    def total(self) -> int:
        """How many records ``run`` yields: one for each query and corpus."""
        return len(self.judged.queries) * len({system.corpus for system in self.systems})

    def prepare(self, report: LineReport = silent) -> None:
        """Build the indexes that the stages need."""
        for name, corpus in self.corpora.items():
            if stages := self.stages(name):
                corpus.prepare(stages, report)

    def run(self, report: LineReport = silent, done: Container[tuple[str, str]] = ()) -> Iterator[Candidates]:
        """Yield the candidates of each query in each corpus, but those that are ``done`` (corpus, query id)."""
        self.prepare(report)
        count = len(self.judged.queries)
        for number, (query_id, query) in enumerate(self.judged.queries.items(), 1):
            for name in self.corpora:
                if self.stages(name) and (name, query_id) not in done:
                    yield self._candidates(name, query_id, query)
            report(f"{number:,} of {count:,} queries")

    def _candidates(self, name: str, query_id: str, query: str) -> Candidates:
        corpus = self.corpora[name]
        retrieved = {stage: corpus.retrieve(stage, query, self.depth) for stage in self.stages(name)}
        index = {
            id_: number for number, id_ in enumerate(dict.fromkeys(i for one in retrieved.values() for i in one.ids))
        }
        units = tuple(self.judged.units(query_id, id_, corpus.span(id_)) for id_ in index)
        stages = {
            stage: StageRanking(tuple(index[id_] for id_ in one.ids), tuple(one.scores), one.ms)
            for stage, one in retrieved.items()
        }
        candidates = Candidates(query_id, name, tuple(index), units, stages)
        reranking = [system for system in self.systems if system.reranking and system.corpus == name]
        pools = (candidates.stage(system.stage).order[: system.pool] for system in reranking)
        pairs = list(dict.fromkeys(row for pool in pools for row in pool))  # of all systems, each once
        if not pairs or self.reranker is None:
            return candidates
        started = time.perf_counter()
        scores = finite_scores(self.reranker, [(query, corpus.text(candidates.ids[row])) for row in pairs])
        ms = (time.perf_counter() - started) * 1e3
        return replace(candidates, logits=dict(zip(pairs, scores.logits.tolist(), strict=True)), rerank_ms=ms)


@dataclass(frozen=True)
class Request:
    """What is asked of a run over judged queries of the first of ``collections``; the others hold the same documents.

    ``split`` None is the default one, ``queries`` None all of them, an empty ``reranker`` the settings' own.
    """

    collections: tuple[str, ...]
    systems: tuple[str, ...]
    measures: tuple[str, ...] = MEASURES
    pool: int = POOL
    split: str | None = None
    queries: int | None = None
    reranker: str = ""
    name: str = ""
    note: str = ""

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Request:
        """Return the request that ``dataclasses.asdict`` gave, back from JSON."""
        lists = {name: tuple(record[name]) for name in ("collections", "systems", "measures")}
        return cls(**{**record, **lists})

    @property
    def corpora(self) -> tuple[str, ...]:
        """The collections, those too that only a system's name mentions."""
        return tuple(dict.fromkeys([*self.collections, *named_corpora(self.systems)]))

    def parse_systems(self) -> list[System]:
        """Return the systems. Raises SettingsError for an unusable system, measure, pool or number of queries."""
        if not self.collections or not self.systems or not self.measures:
            raise SettingsError("A run needs a collection, a system and a measure: choose one of each at least")
        if self.queries is not None and self.queries < 1:
            raise SettingsError(f"A run over {self.queries} queries is none: use at least 1")
        check_pool(self.pool)
        check(self.measures)
        return [parse_system(name, self.pool, self.corpora) for name in dict.fromkeys(self.systems)]


@dataclass(frozen=True)
class Plan:
    """A run that can begin.

    ``facts`` is what an experiment notes: models and revisions, collections, split, depth, and ``data``, a hash of what
    is measured (queries, judgments, and the chunks with their vectors).
    """

    runner: Runner
    facts: Mapping[str, Any]
    notes: tuple[str, ...] = ()

    @property
    def data(self) -> str:
        """The hash of what is measured."""
        return str(self.facts["data"])

    @property
    def judged(self) -> JudgedQueries:
        """The queries, with their judgments."""
        return self.runner.judged


def plan(workspace: Workspace, request: Request, judged: JudgedQueries | None = None) -> Plan:
    """Open what a run needs; ``judged`` in place of the collection's own queries, for a run that is resumed.

    Raises SettingsError, CollectionNotFound, DataError where nothing is judged, ModelError and ModelMismatch.
    """
    systems = request.parse_systems()
    collections = {name: workspace.store.collection(name) for name in request.corpora}
    split = request.split
    if judged is None:
        judged = judged_queries_for(workspace, collections[request.collections[0]], split).first(request.queries)
        split = judged.split
    corpora = {name: CollectionCorpus.open(workspace, collection) for name, collection in collections.items()}
    reranker = workspace.models.reranker(request.reranker) if any(system.reranking for system in systems) else None
    depth = depth_for(systems, request.measures)
    notes = [note for collection in collections.values() for note in _missing_documents(workspace, collection, judged)]
    facts = {name: corpus.facts() for name, corpus in corpora.items()}
    queries = [
        f"{query}\0{judged.queries[query]}\0{sorted(grades.items())}" for query, grades in sorted(judged.qrels.items())
    ]
    noted = {
        "collections": facts,
        "reranker": {"model": reranker.model, "revision": reranker.revision} if reranker else None,
        "split": split,
        "depth": depth,
        "data": short_hash(*queries, *sorted(str(one["hash"]) for one in facts.values())),
    }
    return Plan(Runner(judged, corpora, systems, reranker, depth), noted, tuple(notes))


def _missing_documents(workspace: Workspace, collection: Collection, judged: JudgedQueries) -> list[str]:
    """Return a note on judged documents that a collection lacks. Raises DataError where it has none of them."""
    units = {unit for grades in judged.qrels.values() for unit in grades}
    documents = units if judged.per_document else {unit.rpartition(":")[0] for unit in units}
    missing = len(documents - workspace.document_store.names(collection.key).keys())
    if missing == len(documents):
        raise DataError(
            f"None of the judged documents is in {collection.name!r}: choose a collection over the same documents"
        )
    if not missing:
        return []
    return [
        f"{plural(missing, 'judged document is', 'judged documents are')} not in {collection.name}: "
        "no system can find them there, and they count as not found"
    ]


@dataclass
class SystemRun:
    """One system's rankings of all queries, and what they cost."""

    ranking: dict[str, list[str]] = field(default_factory=dict)  # query id -> units, best first
    seconds: float = 0.0
    milliseconds: dict[str, float] = field(default_factory=dict)  # query id -> time of all its stages

    @property
    def ms_per_query(self) -> float:
        """Milliseconds a query, on average."""
        return self.seconds * 1e3 / max(1, len(self.ranking))

    def add(self, query: str, ranking: list[str], ms: float) -> None:
        """Add the ranking of a query."""
        self.ranking[query] = ranking
        self.milliseconds[query] = ms
        self.seconds += ms / 1e3


def runs_of(systems: Sequence[System], records: Iterable[Candidates]) -> dict[str, SystemRun]:
    """Return each system's run, by its name."""
    runs = {system.name: SystemRun() for system in systems}
    for candidates in records:
        for system in systems:
            if system.corpus == candidates.corpus:
                ranking = candidates.unit_ranking(system.rank(candidates))
                runs[system.name].add(candidates.query, ranking, system.ms(candidates))
    return runs


def run_dataset(
    dataset: BeirDataset,
    encoder: BiEncoder,
    reranker: CrossEncoder | None,
    pool: int,
    systems: Sequence[str],
    report: LineReport = silent,
    split: str = "test",
) -> dict[str, SystemRun]:
    """Return the runs of the systems over a data set's whole documents and one split. Raises SettingsError.

    What several systems share is computed once, and its time counted for each.
    """
    parsed = [parse_system(name, pool) for name in systems]
    corpora = {"": InMemoryCorpus.of_documents(dataset, encoder)}
    runner = Runner(JudgedQueries.of_dataset(dataset, split), corpora, parsed, reranker)
    return runs_of(parsed, runner.run(report))
