"""What systems make of judged queries: a ranking a query, and the milliseconds that it takes. Which there are, ``system_names`` says."""

from __future__ import annotations

import time
from collections.abc import Collection as Ids
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from core.errors import DataError, SettingsError
from core.evaluation.corpora import CollectionCorpus, Corpus, Found, InMemoryCorpus
from core.evaluation.metrics import MEASURES, check, cutoff
from core.evaluation.systems import DEEPEST, Answer, Stage, System, parse_system, split_grounds
from core.formats.beir import JudgedCollection
from core.judgments.queries import qrels_for
from core.judgments.relevance import Questions
from core.models.bi_encoder import BiEncoder
from core.models.cross_encoder import CrossEncoder
from core.records.document import short_hash
from core.records.search import Collection
from core.retrieval.search import check_pool
from core.settings import POOL
from core.util.formatting import plural
from core.util.progress import LineReport, silent
from core.workspace import Workspace

SEARCHED = 200  # chunks that a stage returns from a collection at least: as wide as its index searches anyway


def depth_for(systems: Sequence[System], measures: Sequence[str]) -> int:
    """Return how many candidates the stages of a collection return: what the pools and twice what the cutoffs need, 200 to 1000.

    Twice, since several chunks may belong to one document.
    """
    needed = [SEARCHED, *(system.pool for system in systems), *(2 * (cutoff(name) or 0) for name in measures)]
    return min(max(needed), DEEPEST)


@dataclass(frozen=True)
class Asking:
    """Judged queries, the grounds by name, and the systems whose stages answer them."""

    questions: Questions
    grounds: Mapping[str, Corpus]
    systems: Sequence[System]
    reranker: CrossEncoder | None
    depth: int = DEEPEST

    def __post_init__(self) -> None:
        for system in self.systems:
            if system.kind and self.reranker is None:
                raise SettingsError("A system with 'cross' needs a cross-encoder: give one, or leave the system out")
            missing = [stage for stage in system.stages if stage not in self.grounds[system.ground].offers]
            if missing:
                raise SettingsError(
                    f"There is no system {system.name!r} here: {missing[0]} needs a collection, "
                    "and of texts that are ranked from memory 'bi' is exact already"
                )

    def stages(self, ground: str) -> list[str]:
        """Return the first stages that a ground's systems search with."""
        wanted = {stage for system in self.systems if system.ground == ground for stage in system.stages}
        return [stage for stage in self.grounds[ground].offers if stage in wanted]

    @property
    def total(self) -> int:
        """How many answers there will be."""
        return len(self.questions.queries) * len({system.ground for system in self.systems})

    def prepare(self, report: LineReport = silent) -> None:
        """Get the grounds ready, and the cross-encoder warm."""
        for name, ground in self.grounds.items():
            if stages := self.stages(name):
                ground.prepare(stages, report)

    def answers(self, report: LineReport = silent, done: Ids[tuple[str, str]] = ()) -> Iterator[Answer]:
        """Yield the answer of every ground to every query, but those that are ``done`` (ground, query id)."""
        self.prepare(report)
        many = len(self.questions.queries)
        for at, (query, text) in enumerate(self.questions.queries.items(), 1):
            for name in self.grounds:
                if self.stages(name) and (name, query) not in done:
                    yield self._answer(name, query, text)
            report(f"{at:,} of {many:,} queries")

    def _answer(self, name: str, query: str, text: str) -> Answer:
        ground = self.grounds[name]
        found = {stage: ground.find(stage, text, self.depth) for stage in self.stages(name)}
        candidates = list(dict.fromkeys(id_ for one in found.values() for id_ in one.ids))
        places = {id_: at for at, id_ in enumerate(candidates)}
        units = tuple(self.questions.units(query, id_, ground.place(id_)) for id_ in candidates)
        answer = Answer(
            query, name, tuple(candidates), units, {stage: _stage(one, places) for stage, one in found.items()}
        )
        pool = self._pool(answer)
        if not pool or self.reranker is None:
            return answer
        started = time.perf_counter()
        scores = self.reranker.score([(text, ground.read(candidates[at])) for at in pool])
        took = (time.perf_counter() - started) * 1e3
        return Answer(
            query,
            name,
            answer.candidates,
            units,
            answer.stages,
            dict(zip(pool, scores.logits.tolist(), strict=True)),
            took,
        )

    def _pool(self, answer: Answer) -> list[int]:
        """The places that the cross-encoder reads: the pools of all systems together, each pair once."""
        reranking = [system for system in self.systems if system.kind and system.ground == answer.ground]
        return list(dict.fromkeys(at for system in reranking for at in answer.first(system.stage).order[: system.pool]))


def _stage(found: Found, places: Mapping[str, int]) -> Stage:
    return Stage(tuple(places[id_] for id_ in found.ids), tuple(found.scores), found.ms)


@dataclass(frozen=True)
class Request:
    """A run over judged queries of the first of ``collections``; the others hold the same documents.

    ``split`` None is the usual one, ``queries`` None all of them, ``reranker`` empty the settings' own.
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
    def of(cls, held: Mapping[str, Any]) -> Request:
        """Return the request that ``as_json`` gave."""
        lists = {name: tuple(held[name]) for name in ("collections", "systems", "measures")}
        return cls(**{**held, **lists})

    def as_json(self) -> dict[str, Any]:
        """Return a plain dictionary."""
        return asdict(self)

    @property
    def grounds(self) -> tuple[str, ...]:
        """The collections, those that only a system's name mentions too."""
        return tuple(dict.fromkeys([*self.collections, *split_grounds(self.systems)]))

    def parsed(self) -> list[System]:
        """Return the systems. Raises SettingsError for what cannot be asked: systems, measures, pool, number of queries."""
        if not self.collections or not self.systems or not self.measures:
            raise SettingsError("A run needs a collection, a system and a measure: choose one of each at least")
        if self.queries is not None and self.queries < 1:
            raise SettingsError(f"A run over {self.queries} queries is none: use at least 1")
        check_pool(self.pool)
        check(self.measures)
        return [parse_system(name, self.pool, self.grounds) for name in dict.fromkeys(self.systems)]


@dataclass(frozen=True)
class Plan:
    """A run that can begin.

    ``facts`` is what an experiment notes: the collections' and the cross-encoder's models and revisions, the split, the depth.
    """

    systems: tuple[System, ...]
    questions: Questions
    grounds: Mapping[str, CollectionCorpus]
    asking: Asking
    facts: Mapping[str, Any]
    notes: tuple[str, ...] = field(default=())

    @property
    def data(self) -> str:
        """A hash of what is measured: queries, judgments, and the chunks with their vectors."""
        return str(self.facts["data"])


def plan(workspace: Workspace, request: Request, questions: Questions | None = None) -> Plan:
    """Open what a run needs; ``questions`` in place of the collection's own, for a run that goes on.

    Raises SettingsError, CollectionNotFound, DataError where nothing is judged, ModelError and ModelMismatch.
    """
    systems = request.parsed()
    collections = {name: workspace.store.collection(name) for name in request.grounds}
    first = collections[request.collections[0]]
    split, asked = request.split, questions
    if asked is None:
        found = qrels_for(workspace, first, request.split)
        split, asked = found.split, Questions.of_spans(found).first(request.queries)
    grounds = {name: CollectionCorpus.open(workspace, collection) for name, collection in collections.items()}
    reranker = workspace.catalog.reranker(request.reranker) if any(system.kind for system in systems) else None
    depth = depth_for(systems, request.measures)
    notes = [note for collection in collections.values() for note in _missing(workspace, collection, asked)]
    facts = _facts(grounds, reranker, asked, split, depth)
    return Plan(tuple(systems), asked, grounds, Asking(asked, grounds, systems, reranker, depth), facts, tuple(notes))


def _facts(
    grounds: Mapping[str, CollectionCorpus],
    reranker: CrossEncoder | None,
    questions: Questions,
    split: str | None,
    depth: int,
) -> dict[str, Any]:
    collections = {name: ground.facts() for name, ground in grounds.items()}
    hashes = sorted(str(facts["hash"]) for facts in collections.values())
    judged = [
        f"{query}\0{questions.queries[query]}\0{sorted(grades.items())}"
        for query, grades in sorted(questions.qrels.items())
    ]
    read = {"model": reranker.model, "revision": reranker.revision} if reranker else None
    return {
        "collections": collections,
        "reranker": read,
        "split": split,
        "depth": depth,
        "data": short_hash(*judged, *hashes),
    }


def _missing(workspace: Workspace, collection: Collection, questions: Questions) -> Sequence[str]:
    """Say of judged documents that a collection does not hold: no system can find them there."""
    names = workspace.shelf.names(collection.key)
    judged = {
        unit.rpartition(":")[0] if questions.spans else unit for grades in questions.qrels.values() for unit in grades
    }
    gone = len(judged - names.keys())
    if gone == len(judged):
        raise DataError(
            f"None of the judged documents is in {collection.name!r}: choose a collection over the same documents"
        )
    return (
        [
            f"{plural(gone, 'judged document is', 'judged documents are')} not in {collection.name}: "
            "no system can find them there, and they count as not found"
        ]
        if gone
        else []
    )


@dataclass
class SystemRun:
    """What one system made of all queries. ``milliseconds`` has an entry for each query, with everything that the system does for it."""

    ranking: dict[str, list[str]] = field(default_factory=dict)  # query id -> units, best first
    seconds: float = 0.0
    milliseconds: dict[str, float] = field(default_factory=dict)

    @property
    def ms_per_query(self) -> float:
        """Milliseconds a query, on average."""
        return self.seconds * 1e3 / max(1, len(self.ranking))

    def add(self, query: str, ranking: list[str], ms: float) -> None:
        """Take in what the system made of a query."""
        self.ranking[query] = ranking
        self.milliseconds[query] = ms
        self.seconds += ms / 1e3


def runs_of(systems: Sequence[System], answers: Iterable[Answer]) -> dict[str, SystemRun]:
    """Return what the systems made of the queries that were answered."""
    runs = {system.name: SystemRun() for system in systems}
    for answer in answers:
        for system in systems:
            if system.ground == answer.ground:
                runs[system.name].add(answer.query, answer.pooled(system.ranking(answer)), system.ms(answer))
    return runs


class Bench:
    """A judged collection's whole documents with the models that rank them.

    What several systems share is computed once, its time counted for each.
    """

    def __init__(self, judged: JudgedCollection, encoder: BiEncoder, reranker: CrossEncoder | None, pool: int) -> None:
        self._judged, self._reranker, self._pool = judged, reranker, pool
        self._ground = InMemoryCorpus.whole(judged, encoder)

    def run(self, names: Sequence[str], report: LineReport = lambda _line: None) -> dict[str, SystemRun]:
        """Return the runs of the systems ``names``. Raises SettingsError."""
        systems = [replace(parse_system(name, self._pool), ground=self._ground.name) for name in names]
        asking = Asking(
            Questions.of_documents(self._judged), {self._ground.name: self._ground}, systems, self._reranker, DEEPEST
        )
        return runs_of(systems, asking.answers(report))
