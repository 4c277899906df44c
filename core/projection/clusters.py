"""Find clusters on a layout with HDBSCAN and label them with class-based TF-IDF terms."""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import log, sqrt

import numpy as np
import numpy.typing as npt
import regex
from scipy.sparse import csr_array
from scipy.spatial import Delaunay, QhullError, cKDTree

from core.errors import DocumentNotFound
from core.projection.records import Layout, Points
from core.store.documents import DocumentStore
from core.text.analyzers import is_chinese_function_word, is_function_word, language_of, terms
from core.util.arrays import Float32Array, Int32Array, Int64Array
from core.util.formatting import plural
from core.util.progress import StageReport

LIFT = 3.0  # times as many of a group's texts as of the others hold a word that tells them apart
# Beyond the words that a search leaves out: these tell apart how texts speak, not of what.
_MANNER = frozenset(
    [
        "also",
        "any",
        "all",
        "he",
        "her",
        "him",
        "his",
        "hers",
        "it",
        "many",
        "may",
        "more",
        "most",
        "much",
        "one",
        "only",
        "other",
        "she",
        "some",
        "such",
        "two",
        "use",
        "used",
        "using",
        "very",
    ]
)
_WORD = regex.compile(r"[\p{L}\p{M}\p{N}_]+(?:['’]s\b)?")
_IDEOGRAPH = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}]")


class _Vocabulary:
    """Which terms words count as, and how often each was written how."""

    def __init__(self) -> None:
        self._terms: dict[str, tuple[str, ...]] = {}  # by word as written
        self._written: Counter[str] = Counter()
        self._forms: dict[str, list[str]] = {}  # by term

    def count(self, texts: Iterable[str]) -> Counter[str]:
        """In how many of these texts each term occurs: a text that repeats a word all over says it once."""
        counted: Counter[str] = Counter()
        for text in texts:
            words = set(_WORD.findall(unicodedata.normalize("NFC", text)))
            self._written.update(words)
            language = language_of(words)
            telling = (word for word in words if not is_function_word(word, language))
            counted.update({term for word in telling for term in self._terms.get(word) or self._read(word)})
        return counted

    def _read(self, word: str) -> tuple[str, ...]:
        if word not in self._terms:
            self._terms[word] = found = tuple(term for term in terms(word) if _says_something(term))
            if len(found) == 1:
                self._forms.setdefault(found[0], []).append(word)
        return self._terms[word]

    def form(self, term: str) -> str:
        """The term as people write it most often; of forms that are as frequent the one with fewer capitals, then by the alphabet."""
        forms = self._forms.get(term, [term])  # a pair out of a run of ideographs is written as it is
        return min(forms, key=lambda form: (-self._written[form], sum(sign.isupper() for sign in form), form))


def distinctive_terms(groups: Sequence[Sequence[str]], top: int = 3) -> list[tuple[str, ...]]:
    """Return for each group of texts at most ``top`` words that tell it from the others, best first, as they are mostly written.

    Class-based TF-IDF (Grootendorst, BERTopic, 2022): a term's share of all that a group says, times log(1 + A / f), where
    f is how often all groups say it and A what a group says on average; counted in texts, and with the root of the share, as BERTopic
    does to bring frequent words down. Where groups are few that alone still prefers what all say often: words that ``LIFT`` times as many of the
    group's texts hold as of the others' come first, then words of one text only, and what others hold as often never.
    No word of a label is part of another, none is a mere number; ideographs come as pairs that share no sign.

    For the texts caught on the map: ``distinctive_terms([caught, rest])[0]``.
    """
    vocabulary = _Vocabulary()
    counts = [vocabulary.count(texts) for texts in groups]
    everywhere: Counter[str] = Counter()
    for counted in counts:
        everywhere.update(counted)
    average = everywhere.total() / max(len(groups), 1)
    many = sum(len(texts) for texts in groups)
    labels = []
    for counted, texts in zip(counts, groups, strict=True):
        ranked = _ranked(counted, everywhere, average, len(texts), many - len(texts))
        labels.append(tuple(vocabulary.form(term) for term in _unlike(ranked, top)))
    return labels


def _ranked(counted: Counter[str], everywhere: Counter[str], average: float, texts: int, others: int) -> list[str]:
    """The terms that a group's texts hold more often than the others', best first, ties by the alphabet."""
    total = counted.total()
    keys = []
    for term, count in counted.items():
        here, there = count / texts, (everywhere[term] - count) / max(others, 1)
        if here > there:
            once = count == 1 and texts > 1  # what one text says may be its own
            keys.append((here < LIFT * there, once, -sqrt(count / total) * log(1 + average / everywhere[term]), term))
    return [term for *_, term in sorted(keys)]


def _unlike(ranked: Iterable[str], top: int) -> list[str]:
    """The first ``top`` terms of which none is part of another."""
    chosen: list[str] = []
    for term in ranked:
        if len(chosen) == top:
            break
        if not any(term in other or other in term or _share_sign(term, other) for other in chosen):
            chosen.append(term)
    return chosen


def _share_sign(one: str, other: str) -> bool:
    """Whether two pairs of ideographs overlap, as the pairs of one longer word do."""
    return bool(set(_IDEOGRAPH.findall(one)) & set(_IDEOGRAPH.findall(other)))


def _says_something(term: str) -> bool:
    """Whether a term is more than a number, a single letter or a word of manner."""
    return (
        term not in _MANNER
        and not is_chinese_function_word(term)
        and any(sign.isalpha() for sign in term)
        and (len(term) > 1 or bool(_IDEOGRAPH.match(term)))
    )


DIRECT = 10_000  # points: of more, only pairs that lie near each other are looked at
SAMPLES = 5  # points of a neighbourhood whose width tells how dense it is there
NEIGHBOURS = 10  # of each point, with the triangles between all: the pairs that are looked at
NOISE = -1
_TWIN = 1e-9  # the distance of points in one place: a graph holds none of length 0


@dataclass(frozen=True)
class Clusters:
    """``labels``, shape (chunks,): which cluster each chunk is in, NOISE for none; they are numbered by size, largest first.

    Of each cluster: ``terms`` that tell it from the others (there may be none), ``sizes`` in chunks,
    and ``centres``, shape (clusters, 2), the median of its chunks' places, where its label is drawn.
    """

    labels: Int32Array
    terms: tuple[tuple[str, ...], ...]
    sizes: tuple[int, ...]
    centres: Float32Array

    @classmethod
    def of(cls, labels: Int32Array, xy: Float32Array, terms: tuple[tuple[str, ...], ...]) -> Clusters:
        """Add sizes and centres; ``xy`` has shape (chunks, 2)."""
        held = [np.flatnonzero(labels == number) for number in range(len(terms))]
        centres = np.asarray([np.median(xy[places], axis=0) for places in held], dtype=np.float32).reshape(len(held), 2)
        return cls(labels, terms, tuple(len(places) for places in held), centres)

    def __len__(self) -> int:
        return len(self.sizes)

    @property
    def names(self) -> tuple[str, ...]:
        """A label for each: its terms, or its number where no word is its own."""
        return tuple(", ".join(words) or f"cluster {number}" for number, words in enumerate(self.terms, 1))

    def name(self, place: int) -> str:
        """Return the label of the cluster that a chunk is in, empty for none."""
        number = int(self.labels[place])
        return "" if number == NOISE else self.names[number]

    @property
    def words(self) -> str:
        """What was found, in a sentence."""
        if not self.sizes:
            return "No group of chunks stands out from the others on this map."
        loose = len(self.labels) - sum(self.sizes)
        rest = f"; {plural(loose, 'chunk')} in between {'belongs' if loose == 1 else 'belong'} to none" if loose else ""
        return f"{plural(len(self), 'cluster')} of at least {plural(min_cluster_size(len(self.labels)), 'chunk')}, found on the map as drawn{rest}."


def min_cluster_size(points: int) -> int:
    """Return how many points make a cluster at least: half the square root of all, so that a map of any size has a few dozens at most."""
    return max(3, round(sqrt(points) / 2))


def hdbscan_labels(xy: Float32Array) -> Int32Array:
    """Return the cluster of each point of a picture, shape (points,), numbered by size (ties by their first point), NOISE for none.

    HDBSCAN (Campello, Moulavi and Sander, 2013) as scikit-learn has it. The picture is clustered and not the full space, since
    that is what people see: a label drawn on the map must stand on what looks like one group, and names what lies there.
    """
    least = min_cluster_size(len(xy))
    if len(xy) < 2 * least:  # not even two groups
        return np.full(len(xy), NOISE, dtype=np.int32)
    return _by_size(_labels(np.asarray(xy, dtype=np.float64), least))


def _labels(flat: npt.NDArray[np.float64], least: int) -> Int64Array:
    """Clusters in the order in which scikit-learn names them.

    Among all pairs its time grows with the square of the points. Among neighbours and the edges of Delaunay's triangles, which hold the
    minimum spanning tree of plain distances and all but a few edges of the tree that HDBSCAN needs, it does not:
    at 100,000 points 3 s instead of 42 s, and the same labels (adjusted Rand index .9998).
    """
    from sklearn.cluster import HDBSCAN

    samples = min(SAMPLES, least)
    if len(flat) <= DIRECT:
        found = HDBSCAN(min_cluster_size=least, min_samples=samples, algorithm="kd_tree", copy=True).fit_predict(flat)
    else:  # a point is not among its own neighbours here
        found = HDBSCAN(min_cluster_size=least, min_samples=samples - 1, metric="precomputed", copy=True).fit_predict(
            _near_pairs(flat)
        )
    return np.asarray(found, dtype=np.int64)


def _near_pairs(flat: npt.NDArray[np.float64]) -> csr_array:
    """The distances of pairs that lie near each other, which together join all points: a symmetric matrix."""
    many = len(flat)
    near = cKDTree(flat).query(flat, NEIGHBOURS + 1, workers=-1)[1]
    pairs = np.concatenate(
        [np.column_stack([np.repeat(np.arange(many), NEIGHBOURS + 1), near.ravel()]), _joining(flat)]
    )
    codes = np.unique(pairs.min(axis=1) * many + pairs.max(axis=1))
    one, other = codes // many, codes % many
    one, other = one[one < other], other[one < other]
    apart = np.maximum(np.hypot(*(flat[one] - flat[other]).T), _TWIN)
    both = np.concatenate([one, other]), np.concatenate([other, one])
    return csr_array((np.concatenate([apart, apart]), both), shape=(many, many))


def _joining(flat: npt.NDArray[np.float64]) -> Int64Array:
    """Pairs that join all points, shape (pairs, 2)."""
    try:
        found = Delaunay(flat)
    except QhullError:  # all points on one line: each is joined with the next
        order = np.lexsort(flat.T)
        return np.column_stack([order[:-1], order[1:]])
    corners = found.simplices.astype(np.int64)
    # the last: twins
    return np.concatenate([corners[:, [0, 1]], corners[:, [1, 2]], corners[:, [0, 2]], found.coplanar[:, [0, 2]]])


def _by_size(labels: Int64Array) -> Int32Array:
    """The same clusters, the largest first."""
    names, _k_smallest, sizes = np.unique(labels, return_index=True, return_counts=True)
    kept = names != NOISE
    order = np.lexsort((_k_smallest[kept], -sizes[kept]))
    number = {int(name): at for at, name in enumerate(names[kept][order])} | {NOISE: NOISE}
    return np.asarray([number[int(label)] for label in labels], dtype=np.int32)


GROUPING, READING, NAMING = "finding clusters", "reading their chunks", "naming clusters"
TEXTS = 300  # chunks of a cluster that are read to name it: more change its words no more
Texts = Callable[[Sequence[int]], list[str]]


def find_clusters(points: Points, layout: Layout, document_store: DocumentStore, report: StageReport) -> Clusters:
    """Return the clusters of a picture with their words, read from the documents on the document store.

    Of a cluster with more than TEXTS chunks so many are read, spread evenly over it.
    """
    report(GROUPING, 0.0)
    labels = hdbscan_labels(layout.xy)
    report(READING, 0.4)
    members = [_evenly(np.flatnonzero(labels == number).tolist()) for number in range(int(labels.max(initial=-1)) + 1)]
    texts = chunk_texts(
        points,
        document_store,
        [place for places in members for place in places],
        lambda share: report(READING, 0.4 + 0.3 * share),
    )
    report(NAMING, 0.7)
    terms = distinctive_terms([[texts[place] for place in places] for places in members])
    return Clusters.of(labels, layout.xy, tuple(terms))


def chunk_texts(
    points: Points, document_store: DocumentStore, places: Sequence[int], report: Callable[[float], None]
) -> dict[int, str]:
    """Return the texts of the chunks at ``places``: cut out of their documents, each read once. A document that is gone says nothing."""
    by_document: dict[str, list[int]] = defaultdict(list)
    for place in places:
        by_document[points.document_ids[place]].append(place)
    texts: dict[int, str] = {}
    for done, (document_id, held) in enumerate(by_document.items()):
        try:
            whole = document_store.document(document_id).text
        except DocumentNotFound:
            whole = ""
        texts.update({place: whole[points.starts[place] : points.ends[place]] for place in held})
        if done % 100 == 0:
            report(done / len(by_document))
    return texts


def _evenly(places: list[int]) -> list[int]:
    """At most TEXTS of the places, as far apart as can be."""
    return (
        places
        if len(places) <= TEXTS
        else [places[at] for at in np.linspace(0, len(places) - 1, TEXTS).astype(int).tolist()]
    )
