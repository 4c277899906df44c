"""The worker's task of finding the clusters of a picture and the words that tell them apart."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import DocumentNotFound, MapError
from core.projection._part_projection_grouping import keep_clusters
from core.projection._part_projection_kept_points import open_points
from core.projection._part_projection_terms import distinctive_terms
from core.projection.cache import kept_layout
from core.projection.clusters import Clusters, find_clusters
from core.projection.records import Layout, Points, Report
from core.store.documents import FILE, Shelf

GROUPING, READING, NAMING = "finding clusters", "reading their chunks", "naming clusters"
TEXTS = 300  # chunks of a cluster that are read to name it: more change its words no more
Texts = Callable[[Sequence[int]], list[str]]


def run(task: dict[str, Any], report: Report) -> None:
    """Find and name the clusters, and keep them in the data folder. Raises MapError where the points or the picture are gone."""
    data = Path(task["data"])
    points, layout = open_points(data, task["key"], task["digest"]), kept_layout(data, task["layout"])
    if layout is None:
        raise MapError("The map whose clusters were asked for is gone from the disk: open it again")
    shelf = Shelf(data / FILE)
    try:
        keep_clusters(data, layout, make_clusters(points, layout, shelf, report))
    finally:
        shelf.close()


def make_clusters(points: Points, layout: Layout, shelf: Shelf, report: Report) -> Clusters:
    """Return the clusters of a picture with their words, read from the documents on the shelf.

    Of a cluster with more than TEXTS chunks so many are read, spread evenly over it.
    """
    report(GROUPING, 0.0)
    labels = find_clusters(layout.xy)
    report(READING, 0.4)
    members = [_evenly(np.flatnonzero(labels == number).tolist()) for number in range(int(labels.max(initial=-1)) + 1)]
    texts = read_texts(points, shelf, [place for places in members for place in places], lambda share: report(READING, 0.4 + 0.3 * share))
    report(NAMING, 0.7)
    terms = distinctive_terms([[texts[place] for place in places] for places in members])
    return Clusters.of(labels, layout.xy, tuple(terms))


def read_texts(points: Points, shelf: Shelf, places: Sequence[int], report: Callable[[float], None]) -> dict[int, str]:
    """Return the texts of the chunks at ``places``: cut out of their documents, each read once. A document that is gone says nothing."""
    by_document: dict[str, list[int]] = defaultdict(list)
    for place in places:
        by_document[points.document_ids[place]].append(place)
    texts: dict[int, str] = {}
    for done, (document_id, held) in enumerate(by_document.items()):
        try:
            whole = shelf.document(document_id).text
        except DocumentNotFound:
            whole = ""
        texts.update({place: whole[points.starts[place] : points.ends[place]] for place in held})
        if done % 100 == 0:
            report(done / len(by_document))
    return texts


def _evenly(places: list[int]) -> list[int]:
    """At most TEXTS of the places, as far apart as can be."""
    return places if len(places) <= TEXTS else [places[at] for at in np.linspace(0, len(places) - 1, TEXTS).astype(int).tolist()]
