"""Numbers in words, the same in the shell and on the pages."""

from __future__ import annotations

from core.util.progress import EmbeddingCounts, Progress


def duration(seconds: float) -> str:
    """Return a time in words: ``42 s``, ``3 min 5 s``, ``2 h 10 min``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def file_size(size: int) -> str:
    """Return bytes in words: ``812 B``, ``3.4 kB``, ``12.0 MB``."""
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


def embedding_counts_text(work: EmbeddingCounts) -> str:
    """Return what a run cost: ``40 chunks embedded``, ``12 chunks embedded, 28 reused``."""
    reused = f", {work.reused:,} reused" if work.reused else ""
    return f"{plural(work.embedded, 'chunk')} embedded{reused}"


def rank_change(places: int | None) -> str:
    """Return how far a hit moved: ``up 7``, ``down 3``, ``same``; nothing where it was not reranked."""
    if places is None:
        return ""
    return f"up {places}" if places > 0 else f"down {-places}" if places < 0 else "same"


def clip(text: str, most: int) -> str:
    """Return ``text`` on one line in at most ``most`` characters, with an ellipsis where it was cut, at a word if one ends nearby."""
    line = " ".join(text.split())
    if len(line) <= most:
        return line
    kept = line[: most - 1]
    at = kept.rfind(" ")
    return f"{kept[:at] if at > 0.6 * most else kept}…"
