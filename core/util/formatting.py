"""Counts, sizes and times as text, the same in the shell and on the pages."""

from __future__ import annotations

import unicodedata

from core.util.progress import EmbeddingCounts, Progress


def duration(seconds: float) -> str:
    """Return a duration as text: ``42 s``, ``3 min 5 s``, ``2 h 10 min``."""
    rounded = round(seconds)
    if rounded < 60:
        return f"{rounded} s"
    if rounded < 3600:
        return f"{rounded // 60} min {rounded % 60} s"
    return f"{rounded // 3600} h {rounded % 3600 // 60} min"


def file_size(size: int) -> str:
    """Return a number of bytes as text: ``812 B``, ``3.4 kB``, ``12.0 MB``."""
    if size < 1000:
        return f"{size} B"
    return f"{size / 1e3:.1f} kB" if size < 1e6 else f"{size / 1e6:.1f} MB"


def plural(count: int, noun: str, many: str = "") -> str:
    """Return a count with its noun: ``1 chunk``, ``1,204 chunks``; ``many`` where an s is not enough."""
    return f"{count:,} {noun if count == 1 else many or f'{noun}s'}"


def progress_text(progress: Progress) -> str:
    """Return one line that says how far an indexing run is."""
    left = f", about {duration(progress.seconds_left)} left" if progress.seconds_left is not None else ""
    reused = f" ({progress.reused:,} reused)" if progress.reused else ""
    return (
        f"{progress.files} of {plural(progress.files_total, 'file')}, {plural(progress.chunks, 'chunk')}{reused}, "
        f"{progress.chunks_per_second:.0f} chunks/s{left}"
    )


def embedding_counts_text(counts: EmbeddingCounts) -> str:
    """Return how many chunks a run embedded and reused: ``40 chunks embedded``, ``12 chunks embedded, 28 reused``."""
    reused = f", {counts.reused:,} reused" if counts.reused else ""
    return f"{plural(counts.embedded, 'chunk')} embedded{reused}"


def rank_change(places: int | None) -> str:
    """Return how far a hit moved: ``up 7``, ``down 3``, ``same``; nothing where it was not reranked."""
    if places is None:
        return ""
    return f"up {places}" if places > 0 else f"down {-places}" if places < 0 else "same"


_JOINER = "\u200d"  # between the parts of an emoji


def _continues(character: str) -> bool:
    """Return whether a character belongs to the one before it: an accent, a vowel sign, a skin tone, a joiner."""
    return (
        character == _JOINER or unicodedata.category(character)[0] == "M" or "\U0001f3fb" <= character <= "\U0001f3ff"
    )


def clip(text: str, limit: int) -> str:
    """Return ``text`` on one line in at most ``limit`` characters.

    An ellipsis stands where it was cut, after a whole word if one ends nearby, and not inside a character with marks.
    """
    line = " ".join(text.split())
    if len(line) <= limit:
        return line
    end = max(limit - 1, 0)
    while end > 0 and (_continues(line[end]) or line[end - 1] == _JOINER):
        end -= 1
    start = line[:end]
    space = start.rfind(" ")
    return f"{start[:space] if space > 0.6 * limit else start}…"
