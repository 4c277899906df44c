"""Judged queries in, metrics out."""
