"""A map as a table: a row a chunk, in the order of chunk ids."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from core.projection.clusters import Clusters
from core.projection.records import Floats, Layout, Points

Columns = dict[str, Sequence[Any]]


def map_rows(points: Points, layout: Layout, clusters: Clusters | None = None, similarities: Floats | None = None) -> Columns:
    """Return the columns ``chunk_id, document, start, end, x, y, tokens``, then the cluster and its name, then the similarity to a query and its rank.

    Spans are in characters, lengths in tokens; coordinates have no unit. A chunk in no cluster has -1 and no name.
    """
    columns: Columns = {
        "chunk_id": points.chunk_ids, "document": points.documents, "start": points.starts.tolist(), "end": points.ends.tolist(),
        "x": [_short(value) for value in layout.xy[:, 0]], "y": [_short(value) for value in layout.xy[:, 1]], "tokens": points.tokens.tolist(),
    }
    if clusters is not None:
        labels = clusters.labels.tolist()
        columns |= {"cluster": labels, "cluster_name": [clusters.names[label] if label >= 0 else "" for label in labels]}
    if similarities is not None:
        ranks = np.empty(len(points), dtype=np.int64)
        ranks[np.argsort(-similarities, kind="stable")] = np.arange(1, len(points) + 1)
        columns |= {"similarity": [_short(value) for value in similarities], "rank": ranks.tolist()}
    return columns


def _short(value: np.float32) -> float:
    """As few digits as tell a float32 from every other."""
    return float(str(value))
