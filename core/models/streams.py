"""Several batches at once on a processor, one core each: no core waits for another after every layer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

Item = TypeVar("Item")
Result = TypeVar("Result")
MOST = 16  # streams


def map_in_streams(work: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
    """Yield ``work(item)`` for each item in order, as many at once as PyTorch has threads.

    Each runs with a single thread of PyTorch's. If the caller stops early, what has not begun is dropped.
    """
    threads = torch.get_num_threads()
    streams = min(threads, MOST, len(items))
    if streams < 2:
        yield from map(work, items)
        return
    pool = ThreadPoolExecutor(streams, "encoding", initializer=lambda: torch.set_num_threads(1))
    try:
        results = pool.map(work, items)
        yield next(results)  # by now the streams have begun, and what they set must not become everyone's
        torch.set_num_threads(threads)
        yield from results
    finally:
        torch.set_num_threads(threads)
        pool.shutdown(cancel_futures=True)
