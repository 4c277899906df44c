"""File formats of information retrieval: BEIR, TREC, tables of judgments."""
