"""Frozen records that every package speaks: documents, chunks, hits, filters, judgments."""
