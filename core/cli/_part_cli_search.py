"""``python -m core search``."""

from __future__ import annotations

import argparse

from core.cli import output as output
from core.settings import BUILT_IN_RERANKER, Settings

HELP = """\
The score is a similarity, higher is better: the cosine (at most 1), the dot product, or minus the
Euclidean distance (at most 0), as the collection was made. With --rerank a cross-encoder reads the
query together with each of the first --pool chunks and puts those in its own order; its score is a
logit, higher is better, and the probability is what the model's sigmoid makes of it.

Filters on metadata (all must hold; 'fields COLLECTION' lists the fields):
  --where 'author=Jane Doe'  --where 'author!=Jane Doe'  --where 'kind in a,b,"c, d"'
  --where 'year>=2010'  --where 'date<=2020-06'  --where 'date between 2010 and 2020-06'
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("collection")
    parser.add_argument("query")
    parser.add_argument("--top-k", type=int, default=10, metavar="N", help="number of hits, 1 to 1000 (default 10)")
    parser.add_argument("--document", action="append", default=[], metavar="NAME", help="search this document only; may be repeated")
    parser.add_argument(
        "--where", action="append", default=[], metavar="FILTER", help="only chunks whose metadata says so, such as 'year>=2010'; may be repeated"
    )
    parser.add_argument("--rerank", action="store_true", help="let a cross-encoder put the first chunks in a better order")
    parser.add_argument("--pool", type=int, metavar="N", help="how many chunks it reads, 1 to 1000 (default 50); implies --rerank")
    parser.add_argument(
        "--reranker", metavar="ID", help=f"cross-encoder: a folder or Hugging Face id (default {BUILT_IN_RERANKER}); implies --rerank"
    )


def run(options: argparse.Namespace) -> int:
    """Search, rerank if asked to, print."""
    from core.records.filters import parse_filter
    from core.retrieval.search import POOL, check_hits, check_pool, rerank, search
    from core.workspace import Workspace

    workspace = Workspace.open(Settings.from_environment())
    reranking = options.rerank or options.pool is not None or options.reranker is not None
    pool = (POOL if options.pool is None else options.pool) if reranking else 0
    check_hits(options.top_k)
    if reranking:
        check_pool(pool)
    fields = workspace.store.fields(workspace.store.collection(options.collection)) if options.where else ()
    filters = [parse_filter(text, fields) for text in options.where]
    result = search(workspace, options.collection, options.query, max(options.top_k, pool), options.document, filters)
    if reranking:
        result = rerank(result, workspace.catalog.reranker(options.reranker or ""), pool)
    output.result(result.top(options.top_k), as_json=options.json)
    return 0
