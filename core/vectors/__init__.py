"""Exact vector arithmetic: similarities, nearest neighbours, near-duplicates."""
