"""Judged queries: where they come from, relevance of chunks, pooling."""
