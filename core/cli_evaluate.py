"""``python -m core evaluate``: systems against judged queries."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from core import cli_output as output
from core.errors import SettingsError
from core.settings import BUILT_IN_MODEL, BUILT_IN_RERANKER, POOL, Settings

HELP = """\
BEIR_DIR holds corpus.jsonl, queries.jsonl and qrels/test.tsv. Documents are ranked whole, as far as
the models read them. Systems: bi (bi-encoder), bi+cross (its first --pool hits reranked by the
cross-encoder), bi+cross-sum (by the sum of both scores, standardised per query), bm25, bm25+cross.
Of every metric higher is better; a judged query without results counts as 0.
"""
INTERVAL = 5.0  # seconds between two lines of progress


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("folder", type=Path, metavar="BEIR_DIR")
    parser.add_argument("--systems", default="bi,bi+cross", metavar="LIST", help="with commas between them (default bi,bi+cross)")
    parser.add_argument("--metrics", default="nDCG@10,R@10", metavar="LIST", help="as ir_measures names them (default nDCG@10,R@10)")
    parser.add_argument("--pool", type=int, default=POOL, metavar="N", help=f"how many hits are reranked, 1 to 1000 (default {POOL})")
    parser.add_argument("--queries", type=int, metavar="N", help="only the first N judged queries")
    parser.add_argument("--model", metavar="ID", help=f"bi-encoder: a folder or Hugging Face id (default {BUILT_IN_MODEL})")
    parser.add_argument("--reranker", metavar="ID", help=f"cross-encoder: a folder or Hugging Face id (default {BUILT_IN_RERANKER})")


def evaluate(options: argparse.Namespace) -> int:
    """Run the command."""
    from core.evaluation import metrics
    from core.evaluation.judged import read_beir
    from core.evaluation.systems import Bench, check_systems
    from core.models.catalog import Catalog
    from core.search import check_pool

    systems, names = ([name.strip() for name in listed.split(",")] for listed in (options.systems, options.metrics))
    check_systems(systems)
    check_pool(options.pool)
    if options.queries is not None and options.queries < 1:
        raise SettingsError(f"--queries is {options.queries}: use at least 1")
    judged = read_beir(options.folder)
    judged = judged if options.queries is None else judged.first(options.queries)
    metrics.check(names)
    settings = Settings.from_environment()
    catalog = Catalog(settings)
    encoder = catalog.get(options.model or settings.model)
    reranker = catalog.reranker(options.reranker or "") if any("cross" in system for system in systems) else None
    runs = Bench(judged, encoder, reranker, options.pool).run(systems, _Lines())
    output.evaluation(judged, options.pool, runs, names, as_json=options.json)
    return 0


class _Lines:
    """Progress, a line every few seconds."""

    def __init__(self) -> None:
        self._last = time.monotonic()

    def __call__(self, line: str) -> None:
        if time.monotonic() - self._last >= INTERVAL:
            self._last = time.monotonic()
            print(line, file=sys.stderr, flush=True)
