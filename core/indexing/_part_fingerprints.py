"""Fingerprints of what costs time: files that need not be read again, texts that need not be embedded again."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib import metadata
from pathlib import Path, PurePosixPath

from core.records.search import Collection

LIBRARIES = ("beautifulsoup4", "charset-normalizer", "lxml", "markitdown", "pylatexenc", "pypdfium2", "pysubs2", "PyYAML", "striprtf")


def file_print(name: str, data: bytes, *how: object) -> str:
    """Return the fingerprint of a file and of the code that reads it; ``how`` are options that change what it becomes.

    The same fingerprint gives the same document. The folder that the file is in does not matter.
    """
    digest = hashlib.sha256(repr((_reading(), PurePosixPath(name).name, how)).encode("utf-8", "surrogatepass"))
    digest.update(data)
    return digest.hexdigest()


def content_print(collection: Collection, read: str) -> bytes:
    """Return the fingerprint of what a vector depends on: the model, its prompt for documents, and the text it read."""
    parts = (collection.model, collection.revision, collection.document_prompt, read)
    return hashlib.sha256(repr(parts).encode("utf-8", "surrogatepass")).digest()[:16]


@cache
def _reading() -> str:
    """What reads files here, our code and the libraries': to a better reader, every file is new."""
    here, digest = Path(__file__).parents[1], hashlib.sha256()
    for file in [here / "records" / "document.py", *sorted((here / "loading").rglob("*.py"))]:
        digest.update(file.read_bytes())
    for library in LIBRARIES:
        digest.update(metadata.version(library).encode())
    return digest.hexdigest()
