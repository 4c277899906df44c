"""Pooling: the first hits of several systems put together to be judged, in an order that does not show who found what.

(Sparck Jones and van Rijsbergen, Report on the need for and provision of an 'ideal' information retrieval test
collection, 1975; as TREC does it: Voorhees and Harman, TREC, 2005.)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.records.document import short_hash
from core.records.judgments import normalise_query
from core.records.search import Hit


@dataclass(frozen=True)
class Pool:
    """The hits to be judged for a query, each once, in the order of judging.

    ``ranks`` has for each chunk id the systems that found it, with its rank in each.
    """

    query: str
    systems: tuple[str, ...]
    hits: tuple[Hit, ...]
    ranks: Mapping[str, Mapping[str, int]]
    depth: int  # hits of each system at most

    def found_by(self, system: str) -> list[Hit]:
        """Return what a system contributed to the pool, best first."""
        hits = [hit for hit in self.hits if system in self.ranks[hit.chunk_id]]
        return sorted(hits, key=lambda hit: self.ranks[hit.chunk_id][system])


def pool_of(query: str, rankings: Mapping[str, Sequence[Hit]], depth: int) -> Pool:
    """Return the pool of the first ``depth`` hits of every system.

    Hits are ordered by a hash of query and chunk id: shuffled, but always alike, whatever else is in the pool.
    """
    hits: dict[str, Hit] = {}
    ranks: dict[str, dict[str, int]] = {}
    for system, ranking in rankings.items():
        for rank, hit in enumerate(ranking[:depth], 1):
            hits.setdefault(hit.chunk_id, hit)
            ranks.setdefault(hit.chunk_id, {})[system] = rank
    shuffled = sorted(hits.values(), key=lambda hit: short_hash("pool", normalise_query(query), hit.chunk_id))
    return Pool(query, tuple(rankings), tuple(shuffled), ranks, depth)
