"""The judged queries asked of every stage that a run's systems need, one query after the other."""

from __future__ import annotations

import time
from collections.abc import Collection as Ids
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from core.errors import SettingsError
from core.evaluation._part_evaluation_answers import Answer, Stage
from core.evaluation._part_evaluation_ground import Found, Ground, Report
from core.evaluation.metrics import cutoff
from core.evaluation.systems import DEEPEST, System
from core.judgments.relevance import Questions
from core.models.cross_encoder import CrossEncoder

SEARCHED = 200  # chunks that a stage returns from a collection at least: as wide as its index searches anyway


def silent(_line: str) -> None:
    """The Report of a caller who does not want to hear."""


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
    grounds: Mapping[str, Ground]
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

    def prepare(self, report: Report = silent) -> None:
        """Get the grounds ready, and the cross-encoder warm."""
        for name, ground in self.grounds.items():
            if stages := self.stages(name):
                ground.prepare(stages, report)

    def answers(self, report: Report = silent, done: Ids[tuple[str, str]] = ()) -> Iterator[Answer]:
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
        answer = Answer(query, name, tuple(candidates), units, {stage: _stage(one, places) for stage, one in found.items()})
        pool = self._pool(answer)
        if not pool or self.reranker is None:
            return answer
        started = time.perf_counter()
        scores = self.reranker.score([(text, ground.read(candidates[at])) for at in pool])
        took = (time.perf_counter() - started) * 1e3
        return Answer(query, name, answer.candidates, units, answer.stages, dict(zip(pool, scores.logits.tolist(), strict=True)), took)

    def _pool(self, answer: Answer) -> list[int]:
        """The places that the cross-encoder reads: the pools of all systems together, each pair once."""
        reranking = [system for system in self.systems if system.kind and system.ground == answer.ground]
        return list(dict.fromkeys(at for system in reranking for at in answer.first(system.stage).order[: system.pool]))


def _stage(found: Found, places: Mapping[str, int]) -> Stage:
    return Stage(tuple(places[id_] for id_ in found.ids), tuple(found.scores), found.ms)
