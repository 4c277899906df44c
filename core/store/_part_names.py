"""What a collection may be called, and what Chroma calls it."""

from __future__ import annotations

import re

from core.errors import BadName
from core.records.search import short_hash

_PLAIN_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9._-]{1,510}[a-zA-Z0-9]")
LONGEST_NAME = 100  # characters
ARRIVING = "rankscope-arriving-"  # begins the name of a collection that is not complete yet


def chroma_name(title: str) -> str:
    """Return the name under which Chroma keeps a collection: its own where Chroma allows it, else a hash.

    Raises BadName for an empty or overlong one.
    """
    if not title.strip() or title != title.strip() or len(title) > LONGEST_NAME or not title.isprintable():
        raise BadName(f"{title!r} cannot be a collection's name: use 1 to {LONGEST_NAME} visible characters")
    return title if _PLAIN_NAME.fullmatch(title) else f"rankscope-{short_hash('collection', title)}"
