"""The documents of a collection: near-duplicates, reading view."""
