"""Text analysis: boundaries, words and stems, excerpts."""
