"""What the readers of this package share: numbered lines of a text file, and the record of one judgment in a file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from typing import Literal

from core.errors import DataError

JudgmentFormat = Literal["trec", "beir", "quepid", "csv"]
MAX_GRADE = 1000  # of either sign


@dataclass(frozen=True, slots=True)
class JudgmentLine:
    """A judgment as a file states it.

    The query is given by ``query_id``, by its text ``query``, or by both. ``grade`` None means not rated.
    """

    location: str  # file and line, in words
    document: str  # name or id
    grade: int | None
    split: str = ""
    query_id: str = ""
    query: str = ""
    document_id: str = ""
    start: int | None = None
    end: int | None = None
    who: str = ""
    made: str | None = None  # ISO 8601; None where the format has no room for it
    note: str = ""
    origin: str = ""
    several_raters: bool = False  # whether the file may hold different grades of one judgment


def numbered_lines(file: Traversable, if_missing: str = "check the path") -> Iterator[tuple[int, str]]:
    """Yield the number, from 1, and the text of every line that is not blank.

    Lines end at a line feed alone: other separators of Unicode may stand in a text. A byte order mark is skipped.
    Raises DataError where the file is missing, with the advice ``if_missing``, cannot be read or is not in UTF-8.
    """
    try:
        with file.open("rb") as opened:
            for number, raw in enumerate(opened, 1):
                line = raw.decode("utf-8-sig" if number == 1 else "utf-8")
                if line.strip():
                    yield number, line.rstrip("\r\n")
    except FileNotFoundError as error:
        raise DataError(f"{file} is missing: {if_missing}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{file} is not in UTF-8: convert it") from error
    except OSError as error:
        raise DataError(f"{file} cannot be read ({error.strerror or error}): check that you may read it") from error
