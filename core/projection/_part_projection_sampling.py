"""Which chunks of a very large collection are laid out: some of every document."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.projection.records import Places


def sample_by_document(document_ids: Sequence[str], limit: int, seed: int) -> Places:
    """Return the places of at most ``limit`` chunks, sorted; all of them where there are no more.

    Every document keeps a chunk while there are no more documents than that, and beyond it a share by its size
    (what is left over goes to the largest remainders); which chunks these are is drawn by ``seed``.
    """
    many = len(document_ids)
    if many <= limit:
        return np.arange(many)
    shuffled = np.random.default_rng(seed).permutation(many)
    documents = np.unique(np.asarray(document_ids, dtype=object), return_inverse=True)[1]
    drawn = documents[shuffled]
    sizes = np.bincount(documents)
    if len(sizes) > limit:
        shares = np.zeros(len(sizes), dtype=np.int64)
        shares[np.random.default_rng(seed).permutation(len(sizes))[:limit]] = 1
    else:
        shares = _shares(sizes, limit)
    by_document = np.argsort(drawn, kind="stable")
    begin = np.cumsum(sizes) - sizes
    rank = np.empty(many, dtype=np.int64)
    rank[by_document] = np.arange(many) - np.repeat(begin, sizes)
    return np.asarray(np.sort(shuffled[rank < shares[drawn]]), dtype=np.int64)


def _shares(sizes: Places, limit: int) -> Places:
    """How many chunks of each document: one, and of the others in proportion."""
    beyond = (sizes - 1) * ((limit - len(sizes)) / max(int(sizes.sum()) - len(sizes), 1))
    shares: Places = 1 + np.floor(beyond).astype(np.int64)
    left = limit - int(shares.sum())
    shares[np.argsort(np.floor(beyond) - beyond, kind="stable")[:left]] += 1
    return shares
