"""Count what a loader leaves out or moves, and say it in a document's notes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from core.util.formatting import plural

_MOST_PLACES = 10  # that a note names


class Omissions:
    """Counts of what a document's text lacks or has elsewhere, each with the places where it was met."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str, str], int] = {}
        self._places: dict[tuple[str, str, str], dict[str, None]] = {}

    def add(self, noun: str, rest: str, many: str = "", count: int = 1, place: object = "") -> None:
        """Count ``count`` more of ``noun`` (``many``: its plural, if not by an s); ``rest`` says what became of it."""
        if count < 1:
            return
        key = (noun, many, rest)
        self._counts[key] = self._counts.get(key, 0) + count
        if place != "":
            self._places.setdefault(key, {})[str(place)] = None

    def notes(self, place: str = "page") -> tuple[str, ...]:
        """Return a note for each kind: ``3 pictures without a description on slides 2 and 5``."""
        return tuple(self._note(key, count, place) for key, count in self._counts.items())

    def _note(self, key: tuple[str, str, str], count: int, place: str) -> str:
        noun, many, rest = key
        where = list(self._places.get(key, ()))
        named = f" on {place_names(place, where)}" if where else ""
        return f"{plural(count, noun, many)} {rest}{named}"


def place_names(noun: str, places: Sequence[object]) -> str:
    """Return places as text, at most ten by name: ``page 2``, ``pages 2, 5 and 7``."""
    return f"{noun if len(places) == 1 else f'{noun}s'} {listed(map(str, places))}"


def listed(items: Iterable[str]) -> str:
    """Return items as text, at most ten of them: ``A1``, ``A1, B7 and C9``."""
    names = list(items)
    if len(names) > _MOST_PLACES:
        return first_names(names)
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))


def first_names(names: Sequence[str], limit: int = _MOST_PLACES) -> str:
    """Return the first names with commas, and how many more there are: ``a.png, b.png and 5 more``."""
    more = f" and {len(names) - limit:,} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more
