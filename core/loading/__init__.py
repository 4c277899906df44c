"""Bytes and a name into a Document."""
