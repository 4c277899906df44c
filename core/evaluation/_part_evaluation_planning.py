"""What is asked of a run over collections, and everything that is needed to perform it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from core.errors import DataError, SettingsError
from core.evaluation._part_evaluation_asking import Asking, depth_for
from core.evaluation.corpora import Held
from core.evaluation.metrics import MEASURES, check
from core.evaluation.systems import System, parse_system, split_grounds
from core.judgments.queries import qrels_for
from core.judgments.relevance import Questions
from core.models.cross_encoder import CrossEncoder
from core.records.search import Collection, short_hash
from core.retrieval.search import check_pool
from core.settings import POOL
from core.util.formatting import plural
from core.workspace import Workspace


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
    grounds: Mapping[str, Held]
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
    grounds = {name: Held.open(workspace, collection) for name, collection in collections.items()}
    reranker = workspace.catalog.reranker(request.reranker) if any(system.kind for system in systems) else None
    depth = depth_for(systems, request.measures)
    notes = [note for collection in collections.values() for note in _missing(workspace, collection, asked)]
    facts = _facts(grounds, reranker, asked, split, depth)
    return Plan(tuple(systems), asked, grounds, Asking(asked, grounds, systems, reranker, depth), facts, tuple(notes))


def _facts(grounds: Mapping[str, Held], reranker: CrossEncoder | None, questions: Questions, split: str | None, depth: int) -> dict[str, Any]:
    collections = {name: ground.facts() for name, ground in grounds.items()}
    hashes = sorted(str(facts["hash"]) for facts in collections.values())
    judged = [f"{query}\0{questions.queries[query]}\0{sorted(grades.items())}" for query, grades in sorted(questions.qrels.items())]
    read = {"model": reranker.model, "revision": reranker.revision} if reranker else None
    return {"collections": collections, "reranker": read, "split": split, "depth": depth, "data": short_hash(*judged, *hashes)}


def _missing(workspace: Workspace, collection: Collection, questions: Questions) -> Sequence[str]:
    """Say of judged documents that a collection does not hold: no system can find them there."""
    names = workspace.shelf.names(collection.key)
    judged = {unit.rpartition(":")[0] if questions.spans else unit for grades in questions.qrels.values() for unit in grades}
    gone = len(judged - names.keys())
    if gone == len(judged):
        raise DataError(f"None of the judged documents is in {collection.name!r}: choose a collection over the same documents")
    return (
        [
            f"{plural(gone, 'judged document is', 'judged documents are')} not in {collection.name}: "
            "no system can find them there, and they count as not found"
        ]
        if gone
        else []
    )
