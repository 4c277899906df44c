"""Sources made from another source's pairs.

- ``squad-paragraphs``: SQuAD's questions with a few consecutive sentences, where ``squad-sent`` has the answering one
  alone: users' passages are paragraphs, and most of a paragraph says something else.
- ``codenn-python``: CodeNN's Python pairs without its other languages, so that the language of a candidate does not
  give the answer away.
- ``python-asked``: questions about Python together with the libraries' functions. No function is labelled as the
  answer; the round learns from its teacher's scores and the cosines.
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
    """Return the sources derived from ``whole``, which has all pairs of every source in their files' order.

    ``ASKED`` has no positives.
    """
    derived = {}
    if "squad-sent" in whole:
        derived[PARAGRAPHS] = paragraphs(whole["squad-sent"], seed)
    if "codenn" in whole:
        derived[PYTHON] = [Pair(PYTHON, pair.query, pair.positive, "") for pair in whole["codenn"] if is_python(pair)]
        derived[ASKED] = [Pair(ASKED, pair.query, "", "") for pair in derived[PYTHON]]
    return derived


def paragraphs(pairs: Sequence[Pair], seed: int) -> list[Pair]:
    """Return the questions with paragraphs of sentences that follow one another in the file."""
    generator = random.Random(seed)
    sentences = list(dict.fromkeys(pair.positive for pair in pairs))
    paragraph_of: dict[str, str] = {}
    while sentences:
        count = generator.randint(*SENTENCES)
        paragraph, sentences = sentences[:count], sentences[count:]
        text = BRACKET.sub(lambda match: BRACKETS[match[0]], " ".join(paragraph))
        paragraph_of |= dict.fromkeys(paragraph, text)
    return [Pair(PARAGRAPHS, pair.query, paragraph_of[pair.positive], "") for pair in pairs]


def is_python(pair: Pair) -> bool:
    """Return whether a pair's code is Python: it parses, does something, and does not look like another language."""
    if OTHER_LANGUAGE.search(pair.positive) or "c#" in pair.query.lower():
        return False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            body = ast.parse(pair.positive).body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return False
    return any(not (isinstance(node, ast.Expr) and isinstance(node.value, BARE)) for node in body)
