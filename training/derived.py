"""Sources made of another source's pairs.

- ``squad-paragraphs``: SQuAD's questions with a few sentences in a row, where ``squad-sent`` has the answering one alone:
  people's passages are paragraphs, and most of a paragraph says something else.
- ``codenn-python``: what CodeNN has of Python, its other languages out of the way: candidates in the answer's own language
  cannot be told apart by the language.
- ``python-asked``: what people ask of Python beside the libraries' functions. Nobody has said which function answers; the
  round learns what its teacher and the cosines make of them.
"""

from __future__ import annotations

import ast
import random
import re
import warnings
from collections.abc import Sequence

from training.pairs import Pair

PARAGRAPHS, PYTHON, ASKED = "squad-paragraphs", "codenn-python", "python-asked"
SENTENCES = (3, 6)  # of a paragraph, from and to
OTHER_LANGUAGE = re.compile(r"[;{]\s*$|\b(?:select|new|var|public|void|string)\b\s", re.IGNORECASE | re.MULTILINE)
BRACKETS = {"-lrb-": "(", "-rrb-": ")", "-lsb-": "[", "-rsb-": "]"}  # as the Penn Treebank writes them
BRACKET = re.compile("|".join(BRACKETS))
BARE = (ast.Name, ast.Constant, ast.Attribute)


def sources(whole: dict[str, list[Pair]], seed: int) -> dict[str, list[Pair]]:
    """Return the derived sources of ``whole``, which has all pairs of every source in their files' order; ``ASKED`` has no positives."""
    found = {}
    if "squad-sent" in whole:
        found[PARAGRAPHS] = paragraphs(whole["squad-sent"], seed)
    if "codenn" in whole:
        found[PYTHON] = [Pair(PYTHON, pair.query, pair.positive, "") for pair in whole["codenn"] if is_python(pair)]
        found[ASKED] = [Pair(ASKED, pair.query, "", "") for pair in found[PYTHON]]
    return found


def paragraphs(pairs: Sequence[Pair], seed: int) -> list[Pair]:
    """Return the questions with paragraphs of sentences that follow one another in the file."""
    generator = random.Random(seed)
    sentences = list(dict.fromkeys(pair.positive for pair in pairs))
    within: dict[str, str] = {}
    while sentences:
        many = generator.randint(*SENTENCES)
        said, sentences = sentences[:many], sentences[many:]
        within |= dict.fromkeys(said, BRACKET.sub(lambda found: BRACKETS[found[0]], " ".join(said)))
    return [Pair(PARAGRAPHS, pair.query, within[pair.positive], "") for pair in pairs]


def is_python(pair: Pair) -> bool:
    """Tell whether a pair's code is Python: it can be parsed as such, does something, and no other language reads like it."""
    if OTHER_LANGUAGE.search(pair.positive) or "c#" in pair.query.lower():
        return False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            body = ast.parse(pair.positive).body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return False
    return any(not (isinstance(node, ast.Expr) and isinstance(node.value, BARE)) for node in body)
