"""Pairs from the Python functions that the project's own libraries carry: what a docstring says first, and the code.

The method is that of CodeSearchNet (Husain et al. 2019, arXiv:1909.09436). Nothing is fetched: the sources of the
standard library and of the packages in ``PACKAGES`` are there once requirements.txt is installed.
"""

from __future__ import annotations

import ast
import random
import re
import sysconfig
from collections.abc import Iterator
from pathlib import Path

from training.pairs import Pair

SOURCE = "python-functions"
PACKAGES = (
    "chromadb",
    "networkx",
    "numpy",
    "pandas",
    "scipy",
    "sentence_transformers",
    "sklearn",
    "streamlit",
    "sympy",
    "torch",
    "transformers",
)
MOST = 800  # functions of a package, so that none sets the tone
STANDARD_MOST = 2500  # of the standard library
WORDS = (4, 25)  # of a docstring's first sentence
LENGTH = (80, 2500)  # characters of a function without its docstring
DESCRIBED = 0.6  # of the functions keep their docstring, as code that people bring does
SMALL = {
    *("a", "an", "and", "are", "as", "at", "be", "by", "for", "from", "if", "in", "into", "is", "it", "its"),
    *("of", "on", "or", "return", "returns", "that", "the", "this", "to", "with"),
}
DROPPED = 0.2  # of the other words where a query is a few words only
SENTENCE = re.compile(r"(.+?)(?:\.\s|\.?$)", re.DOTALL)


def read(seed: int) -> Iterator[Pair]:
    """Yield the pairs of every package, drawn by ``seed``."""
    paths = sysconfig.get_paths()
    places = [(Path(paths["stdlib"]), STANDARD_MOST), *((Path(paths["purelib"]) / name, MOST) for name in PACKAGES)]
    for folder, most in places:
        files = [
            path
            for path in sorted(folder.rglob("*.py"))
            if not {"site-packages", "tests", "test"} & set(path.relative_to(folder).parts)
        ]
        generator = random.Random(f"{seed} {folder.name}")
        found = [pair for path in files for pair in of_file(path, generator)]
        yield from generator.sample(found, min(most, len(found)))


def of_file(path: Path, generator: random.Random, described: float = DESCRIBED) -> Iterator[Pair]:
    """Yield the pairs of a file.

    The shape of a query, and whether the docstring stays (in a share ``described`` of the pairs), are drawn from
    ``generator``.
    """
    try:
        text = path.read_text(encoding="utf-8")
        tree = ast.parse(text)
    except (SyntaxError, ValueError):  # the standard library carries broken files for its own tests
        return
    lines = text.splitlines()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and not node.name.startswith(("__", "test")):
            query = _query(ast.get_docstring(node) or "", generator)
            code = _code(node, lines, keep=generator.random() < described)
            if query and code:
                yield Pair(SOURCE, query, code, "")


def _query(docstring: str, generator: random.Random) -> str:
    """Return the first sentence in one of the shapes that people type, or nothing if it does not describe."""
    match = SENTENCE.match(docstring.strip())
    words = match[1].split() if match else []
    if not WORDS[0] <= len(words) <= WORDS[1] or not docstring.isascii() or ">>>" in words:
        return ""
    sentence = " ".join(words).replace("`", "")
    lower, keywords = sentence.lower(), _keywords(sentence.lower(), generator)
    return generator.choice(
        [sentence, lower, keywords, f"python {keywords}", f"{keywords} python", f"how to {lower} in python"]
    )


def _keywords(sentence: str, generator: random.Random) -> str:
    """Return the words that carry the meaning, some left out, since an exact copy of a docstring teaches nothing."""
    words = [word for word in sentence.split() if word not in SMALL and generator.random() > DROPPED]
    return " ".join(words) if len(words) > 1 else sentence


def _code(node: ast.FunctionDef, lines: list[str], *, keep: bool) -> str:
    """Return the function's source, its indentation taken away, with its docstring or without."""
    first, body = node.body[0], node.body[1:]
    if not body:
        return ""
    kept = lines[node.lineno - 1 : first.lineno - 1] + lines[(first.end_lineno or first.lineno) : node.end_lineno]
    if not LENGTH[0] <= sum(map(len, kept)) <= LENGTH[1]:
        return ""
    chosen = lines[node.lineno - 1 : node.end_lineno] if keep else kept
    return "\n".join(line[node.col_offset :] for line in chosen)
