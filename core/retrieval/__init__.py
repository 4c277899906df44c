"""Queries into ranked hits: bi-encoder, BM25, cross-encoder, and comparisons of their rankings."""
