"""Colours that all pages and plots share."""

from __future__ import annotations

BI_COLOUR = "#2f6fdd"  # the bi-encoder's, on every page
CROSS_COLOUR = "#b4470f"  # the cross-encoder's, on every page
BM25_COLOUR = "#6b7280"
UP, DOWN, SAME = "#0d9488", "#d97706", "rgba(128,128,128,.55)"  # told apart by colour-blind readers too
