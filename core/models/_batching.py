"""Several batches at once on a processor, one core each: no core waits for another after every layer."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

import torch

if TYPE_CHECKING:
    from sentence_transformers.base.model import BaseModel

Item = TypeVar("Item")
Result = TypeVar("Result")
MAX_THREADS = 16


def map_in_threads(work: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
    """Yield ``work(item)`` for each item in order, as many at once as PyTorch has threads.

    Each runs with a single thread of PyTorch's. If the caller stops early, what has not begun is dropped.
    """
    threads = torch.get_num_threads()
    streams = min(threads, MAX_THREADS, len(items))
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


def map_length_sorted_slices(
    work: Callable[[list[int]], Result],
    lengths: Sequence[int],
    step: int,
    on_cpu: bool,
    progress: Callable[[int], None] | None,
) -> Iterator[tuple[list[int], Result]]:
    """Yield slices of the places 0, 1, 2 … with ``work`` of each, in streams on a processor.

    ``progress`` hears how many places are done after every slice; what it raises ends the work.
    """
    slices = length_sorted_slices(lengths, step)
    done = 0
    for places, found in zip(slices, map_in_threads(work, slices) if on_cpu else map(work, slices), strict=True):
        yield places, found
        done += len(places)
        if progress:
            progress(done)


def balanced_slice_size(items: int, most: int) -> int:
    """Return a slice's size, at most ``most``, with which every stream gets as many slices, and at least two.

    A pool of 10 in slices of 8 and 2 would leave one core idle most of the time.
    """
    streams = min(torch.get_num_threads(), MAX_THREADS)
    rounds = max(2, -(-items // (most * streams)))
    return max(1, min(most, -(-items // (rounds * streams))))


def length_sorted_slices(lengths: Sequence[int], step: int) -> list[list[int]]:
    """Return the indices of ``lengths``, longest first, ``step`` to a slice: similar lengths are computed together."""
    order = sorted(range(len(lengths)), key=lambda index: -lengths[index])
    return [order[first : first + step] for first in range(0, len(order), step)]


def tokenize_one_at_a_time(loaded: BaseModel) -> None:
    """Lock a model's tokenization, since fast tokenizers are not thread-safe; the layers may run in parallel."""
    lock = threading.Lock()
    preprocess = loaded.preprocess

    def locked(*inputs: Any, **options: Any) -> Any:
        with lock:
            return preprocess(*inputs, **options)

    loaded.preprocess = locked  # type: ignore[method-assign]  # only this instance is locked
