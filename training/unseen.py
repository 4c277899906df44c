"""Writes judged collections of texts that no round was trained on, to compare rounds.

    python -m training.unseen OUT [--docs /usr/share]

- ``faq``: the questions of Perl's, Python's and Debian's FAQs with their answers, from the Debian packages perl-doc,
  python3.11-doc and debian-faq.
- ``functions``: the first sentences of libraries' docstrings as queries for their functions without docstrings; none
  of the libraries is trained on.

Both are written in BEIR's layout, for ``python -m benchmarks.quality OUT --collections faq,functions``.
"""

from __future__ import annotations

import argparse
import html
import random
import re
import sysconfig
from collections.abc import Iterator, Sequence
from pathlib import Path

from core.formats.beir import write_beir
from training import functions

LIBRARIES = (
    *("umap", "numba", "PIL", "requests", "rich", "jinja2", "tornado", "altair", "plotly", "click", "httpx"),
    *("pydantic", "bs4", "lxml", "openpyxl", "docx", "pptx", "pypdf", "anyio", "fsspec", "joblib", "packaging"),
    *("urllib3", "_pytest", "mypy", "git", "nbformat", "kubernetes", "google", "opentelemetry"),
)
MOST = 200  # functions of a library
ASKED = 150  # of the functions; all are searched
SHORTEST, LONGEST = 80, 3000  # characters of an answer
INDEX = re.compile(r"X<[^<>]*>")  # Perl's documents carry words for an index
POD = re.compile(r"[A-Z](?:<<+ (.*?) >>+|<([^<>]*)>)")
HTML = re.compile(r"<h([23])[^>]*>(?P<question>.*?)</h\1>(?P<answer>.*?)(?=<h[123]|</section>|</body>)", re.DOTALL)
Answered = tuple[str, str]  # what is asked, and the text that answers


def pod(text: str) -> Iterator[Answered]:
    """Yield the questions and answers of a perlfaq."""
    for part in re.split(r"^=head2 ", text, flags=re.MULTILINE)[1:]:
        question, _, answer = part.partition("\n")
        yield (
            _plain(question),
            _plain(re.sub(r"^=\w+.*$", "", re.split(r"^=head1 ", answer, flags=re.MULTILINE)[0], flags=re.MULTILINE)),
        )


def page(text: str) -> Iterator[Answered]:
    """Yield the questions and answers of an HTML page: a heading that asks, and what stands below it."""
    for match in HTML.finditer(text):
        question = re.sub(r"^[\d.\s\xa0]+|¶", "", _untagged(match["question"])).strip()
        if "?" in question:
            yield question, _untagged(match["answer"])


def _plain(text: str) -> str:
    text = INDEX.sub("", text)
    for _ in range(2):  # codes may stand within codes
        text = POD.sub(lambda match: (match[1] or match[2] or "").split("|")[0], text)
    return re.sub(r"\n{3,}", "\n\n", text).strip()


def _untagged(text: str) -> str:
    return re.sub(r"\n{3,}", "\n\n", html.unescape(re.sub(r"<[^>]+>", "", text))).strip()


def faq(docs: Path) -> list[Answered]:
    """Return the questions of all FAQs below ``docs`` with their answers, each question once."""
    pages = [*docs.glob("doc/python3*/html/faq/*.html"), *docs.glob("doc/debian/FAQ/*.en.html")]
    answered = [
        entry
        for path in sorted(docs.glob("perl/*/pod/perlfaq[1-9].pod"))
        for entry in pod(path.read_text(encoding="utf-8"))
    ]
    answered += [entry for path in sorted(pages) for entry in page(path.read_text(encoding="utf-8", errors="replace"))]
    return [(question, answer[:LONGEST]) for question, answer in dict(answered).items() if len(answer) > SHORTEST]


def asked_functions() -> list[Answered]:
    """Return first sentences of docstrings with their functions, the docstrings taken away."""
    answered: list[Answered] = []
    for name in LIBRARIES:
        generator = random.Random(name)
        paths = sorted((Path(sysconfig.get_paths()["purelib"]) / name).rglob("*.py"))
        pairs = {
            pair.query: pair.positive
            for path in paths
            if "tests" not in path.parts
            for pair in functions.of_file(path, generator, described=0)
        }
        answered += generator.sample(list(pairs.items()), min(MOST, len(pairs)))
    random.Random(1).shuffle(answered)
    return answered


def write(folder: Path, answered: Sequence[Answered], asked: int) -> None:
    """Write a collection in BEIR's layout: all answers, the first ``asked`` questions.

    Raises ExchangeError if the folder is there already.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    queries = {f"q{number}": query for number, (query, _) in enumerate(answered[:asked])}
    write_beir(
        folder,
        ((f"d{number}", text) for number, (_, text) in enumerate(answered)),
        queries,
        {query: {f"d{query[1:]}": 1} for query in queries},
    )
    print(f"{folder}: {len(answered):,} texts, {len(queries):,} questions")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--docs", type=Path, default=Path("/usr/share"), help="where the packages' files lie")
    options = parser.parse_args()
    write(options.out / "faq", questions := faq(options.docs), len(questions))
    write(options.out / "functions", asked_functions(), ASKED)
