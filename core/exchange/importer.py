"""A collection from wherever it is: a bundle of ours, a data set in BEIR's layout, a folder of Chroma's."""

from __future__ import annotations

from pathlib import Path

from core._part_wanted import Wanted
from core.errors import ExchangeError
from core.exchange._part_exchange_bringing_in import bring_in
from core.exchange._part_exchange_data_sets import bring_beir
from core.exchange._part_exchange_foreign import choose, is_chroma, open_foreign
from core.exchange._writer import Brought
from core.exchange.chroma_import import adopt
from core.formats.beir import is_beir
from core.util.progress import Report, silent
from core.workspace import Workspace


def bring_any(
    workspace: Workspace, path: Path, name: str | None = None, wanted: Wanted | None = None, origin: str | None = None, report: Report = silent
) -> Brought:
    """Bring in what ``path`` holds, called ``name`` (None: as it was); ``origin`` names the collection in a folder of Chroma's.

    Of ``wanted`` a bundle and a folder of Chroma's heed the model alone. Raises ExchangeError where ``path`` holds none of the
    three or is damaged, and what the three ways in raise.
    """
    wanted = wanted or Wanted()
    if not path.exists():
        raise ExchangeError(f"There is no file or folder {str(path)!r}: check the path")
    if is_chroma(path):
        with open_foreign(path) as store:
            chosen = choose(str(path), store, origin)
            return adopt(workspace, store, chosen, name or chosen.name, wanted.model, report)
    if is_beir(path):
        return bring_beir(workspace, path, name, wanted, report)
    if path.is_file():
        return bring_in(workspace, path, name, wanted.model, report)
    raise ExchangeError(f"{path} holds neither corpus.jsonl (BEIR) nor chroma.sqlite3 (Chroma): its files can be indexed instead")
