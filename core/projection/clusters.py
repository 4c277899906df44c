"""Find clusters on a layout with HDBSCAN and label them with class-based TF-IDF terms."""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import log, sqrt

import numpy as np
import regex
from scipy.sparse import csr_array
from scipy.spatial import Delaunay, QhullError, cKDTree

from core.errors import DocumentNotFound
from core.projection.records import Layout, Points
from core.store.documents import DocumentStore
from core.text.analyzers import (
    fold_case_and_accents,
    is_chinese_function_word,
    is_function_word,
    is_unspaced_function_word,
    language_of,
    terms,
)
from core.text.words import segment, tokenize
from core.util.arrays import Float32Array, Float64Array, Int32Array, Int64Array
from core.util.formatting import plural
from core.util.progress import StageReport

NOISE = -1  # the label of points in no cluster
ALL_PAIRS_LIMIT = 10_000  # points; of more, HDBSCAN gets the distances of near pairs only
MIN_SAMPLES = 5  # HDBSCAN's: the distance to that nearest point is how dense it is around a point
PAIR_NEIGHBOURS = 10  # of each point, among the near pairs
_MIN_DISTANCE = 1e-9  # of points in one position: a sparse graph has no edges of length 0
LIFT = 3.0  # how many times the share of the other texts makes a term preferred as a label
MAX_TEXTS = 300  # chunks of a cluster that are read to label it: more hardly change the label
FINDING, READING, NAMING = "finding clusters", "reading their chunks", "naming clusters"

# Besides the function words that a search leaves out: words of style rather than of subject.
_STYLE_WORDS = frozenset({
    "also", "any", "all", "he", "her", "him", "his", "hers", "it", "many", "may", "more", "most", "much", "one",
    "only", "other", "she", "some", "such", "two", "use", "used", "using", "very",
})  # fmt: skip
_PART = regex.compile(r"[^'’ʼ]+(?:['’]s$)?")  # of a word with apostrophes
_IDEOGRAPH = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}]")


@dataclass(frozen=True)
class Clusters:
    """Clusters of a layout, numbered by size from 0, largest first.

    ``labels``, shape (chunks,), are the cluster of each chunk, or NOISE. For each cluster: ``terms`` that distinguish
    it (there may be none), ``sizes`` in chunks, and ``centres``, shape (clusters, 2), the medians of its positions.
    """

    labels: Int32Array
    terms: tuple[tuple[str, ...], ...]
    sizes: tuple[int, ...]
    centres: Float32Array

    @classmethod
    def of(cls, labels: Int32Array, xy: Float32Array, terms: tuple[tuple[str, ...], ...]) -> Clusters:
        """Add sizes and centres; ``xy`` has shape (chunks, 2)."""
        members = [np.flatnonzero(labels == label) for label in range(len(terms))]
        centres = np.asarray([np.median(xy[rows], axis=0) for rows in members], dtype=np.float32)
        return cls(labels, terms, tuple(len(rows) for rows in members), centres.reshape(len(members), 2))

    def __len__(self) -> int:
        return len(self.sizes)

    @property
    def names(self) -> tuple[str, ...]:
        """The name of each cluster: its terms, or its number where it has none."""
        return tuple(", ".join(words) or f"cluster {number}" for number, words in enumerate(self.terms, 1))

    def name(self, row: int) -> str:
        """Return the name of the cluster of a chunk, empty for none."""
        label = int(self.labels[row])
        return "" if label == NOISE else self.names[label]

    @property
    def words(self) -> str:
        """A sentence that says how many clusters there are."""
        if not self.sizes:
            return "No group of chunks stands out from the others on this map."
        noise = len(self.labels) - sum(self.sizes)
        rest = f"; {plural(noise, 'chunk')} in between {'belongs' if noise == 1 else 'belong'} to none" if noise else ""
        least = plural(min_cluster_size(len(self.labels)), "chunk")
        return f"{plural(len(self), 'cluster')} of at least {least}, found on the map as drawn{rest}."


def find_clusters(points: Points, layout: Layout, document_store: DocumentStore, report: StageReport) -> Clusters:
    """Return the clusters of a layout with their terms, from the texts in ``document_store``.

    Of a cluster with more than MAX_TEXTS chunks that many are read, spread evenly over it.
    """
    report(FINDING, 0.0)
    labels = hdbscan_labels(layout.xy)
    report(READING, 0.4)
    members = [_evenly(np.flatnonzero(labels == label).tolist()) for label in range(int(labels.max(initial=-1)) + 1)]
    rows = [row for cluster_rows in members for row in cluster_rows]
    texts = chunk_texts(points, document_store, rows, lambda share: report(READING, 0.4 + 0.3 * share))
    report(NAMING, 0.7)
    return Clusters.of(labels, layout.xy, tuple(distinctive_terms([[texts[row] for row in rows] for rows in members])))


def _evenly(rows: list[int]) -> list[int]:
    """Return at most MAX_TEXTS of the rows, evenly spaced."""
    if len(rows) <= MAX_TEXTS:
        return rows
    return [rows[index] for index in np.linspace(0, len(rows) - 1, MAX_TEXTS).astype(int).tolist()]


def chunk_texts(
    points: Points, document_store: DocumentStore, rows: Sequence[int], report: Callable[[float], None]
) -> dict[int, str]:
    """Return the texts of the chunks at ``rows``, by row. Each document is read once; a deleted one has no text.

    ``report`` receives the share that is done, 0 to 1.
    """
    by_document: dict[str, list[int]] = defaultdict(list)
    for row in rows:
        by_document[points.document_ids[row]].append(row)
    texts: dict[int, str] = {}
    for done, (document_id, document_rows) in enumerate(by_document.items()):
        try:
            text = document_store.document(document_id).text
        except DocumentNotFound:
            text = ""
        texts.update({row: text[points.starts[row] : points.ends[row]] for row in document_rows})
        if done % 100 == 0:
            report(done / len(by_document))
    return texts


def min_cluster_size(points: int) -> int:
    """Return the least size of a cluster: half the square root of all points, for a few dozen clusters at most."""
    return max(3, round(sqrt(points) / 2))


def hdbscan_labels(xy: Float32Array) -> Int32Array:
    """Return the cluster of each point of a layout, shape (points,), NOISE for none.

    Clusters are numbered by size, ties by their first point. HDBSCAN (Campello, Moulavi and Sander, 2013) as in
    scikit-learn. It clusters the layout and not the full space: a name drawn on the map must stand on what looks like
    one group, and describe what lies there.
    """
    min_size = min_cluster_size(len(xy))
    if len(xy) < 2 * min_size:  # too few for two clusters
        return np.full(len(xy), NOISE, dtype=np.int32)
    return _number_by_size(_hdbscan(np.asarray(xy, dtype=np.float64), min_size))


def _hdbscan(xy: Float64Array, min_size: int) -> Int64Array:
    """Return scikit-learn's labels.

    With all pairs the time grows with the square of the points. Nearest neighbours and the edges of the Delaunay
    triangulation contain the Euclidean minimum spanning tree, and all but a few edges of the tree that HDBSCAN needs:
    at 100,000 points they take 3 s instead of 42 s for the same labels (adjusted Rand index .9998).
    """
    from sklearn.cluster import HDBSCAN

    samples = min(MIN_SAMPLES, min_size)
    if len(xy) <= ALL_PAIRS_LIMIT:
        model, data = HDBSCAN(min_cluster_size=min_size, min_samples=samples, algorithm="kd_tree", copy=True), xy
    else:  # in a sparse graph a point is not among its own neighbours
        model = HDBSCAN(min_cluster_size=min_size, min_samples=samples - 1, metric="precomputed", copy=True)
        data = _near_pairs(xy)
    return np.asarray(model.fit_predict(data), dtype=np.int64)


def _near_pairs(xy: Float64Array) -> csr_array:
    """Return the distances of near pairs of points, which connect all points: a symmetric sparse matrix."""
    count = len(xy)
    nearest = cKDTree(xy).query(xy, PAIR_NEIGHBOURS + 1, workers=-1)[1]
    pairs = np.column_stack([np.repeat(np.arange(count), PAIR_NEIGHBOURS + 1), nearest.ravel()])
    pairs = np.concatenate([pairs, _delaunay_edges(xy)])
    codes = np.unique(pairs.min(axis=1) * count + pairs.max(axis=1))
    left, right = codes // count, codes % count
    left, right = left[left < right], right[left < right]
    distances = np.maximum(np.hypot(*(xy[left] - xy[right]).T), _MIN_DISTANCE)
    both = np.concatenate([left, right]), np.concatenate([right, left])
    return csr_array((np.concatenate([distances, distances]), both), shape=(count, count))


def _delaunay_edges(xy: Float64Array) -> Int64Array:
    """Return pairs that connect all points, shape (pairs, 2)."""
    try:
        triangulation = Delaunay(xy)
    except QhullError:  # all points on one line: connect each to the next
        order = np.lexsort(xy.T)
        return np.column_stack([order[:-1], order[1:]])
    corners = triangulation.simplices.astype(np.int64)
    duplicates = triangulation.coplanar[:, [0, 2]]  # points in the position of another are in no triangle
    return np.concatenate([corners[:, [0, 1]], corners[:, [1, 2]], corners[:, [0, 2]], duplicates])


def _number_by_size(labels: Int64Array) -> Int32Array:
    """Return the same clusters, numbered by size, largest first; ties by their first point."""
    names, first_rows, sizes = np.unique(labels, return_index=True, return_counts=True)
    is_cluster = names != NOISE
    order = np.lexsort((first_rows[is_cluster], -sizes[is_cluster]))
    number = {int(name): rank for rank, name in enumerate(names[is_cluster][order])} | {NOISE: NOISE}
    return np.asarray([number[int(label)] for label in labels], dtype=np.int32)


def distinctive_terms(groups: Sequence[Sequence[str]], top: int = 3) -> list[tuple[str, ...]]:
    """Return for each group of texts at most ``top`` terms that distinguish it, best first, in their usual form.

    Class-based TF-IDF (Grootendorst, BERTopic, 2022): the root of a term's share of a group's terms, times
    log(1 + A / f), with f the frequency of the term in all groups and A the average number of terms of a group; a
    term counts once a text. With few groups this still prefers what is frequent everywhere, so terms whose share of the
    group's texts is at least LIFT times that of the others' come first, then terms of one text only, and a term that
    is as frequent elsewhere never comes. No term of a label contains another, none is a number; words of
    ideographs share no character.

    To compare a selection with the rest: ``distinctive_terms([selected, rest])[0]``.
    """
    vocabulary = _Vocabulary()
    counts = [vocabulary.count(texts) for texts in groups]
    all_counts: Counter[str] = Counter()
    for group_counts in counts:
        all_counts.update(group_counts)
    average = all_counts.total() / max(len(groups), 1)
    total_texts = sum(len(texts) for texts in groups)
    labels = []
    for group_counts, texts in zip(counts, groups, strict=True):
        ranked = _rank_terms(group_counts, all_counts, average, len(texts), total_texts - len(texts))
        labels.append(tuple(vocabulary.usual_form(term) for term in _without_overlaps(ranked, top)))
    return labels


def _rank_terms(
    group_counts: Counter[str], all_counts: Counter[str], average: float, texts: int, other_texts: int
) -> list[str]:
    """Return the terms with a larger share of the group's texts than of the others', best first, ties by alphabet."""
    total = group_counts.total()
    keys = []
    for term, count in group_counts.items():
        share, other_share = count / texts, (all_counts[term] - count) / max(other_texts, 1)
        if share > other_share:
            single = count == 1 and texts > 1  # may be peculiar to that text
            score = sqrt(count / total) * log(1 + average / all_counts[term])
            keys.append((share < LIFT * other_share, single, -score, term))
    return [term for *_, term in sorted(keys)]


def _without_overlaps(ranked: Iterable[str], top: int) -> list[str]:
    """Return the first ``top`` terms of which none contains another, or shares an ideograph with it."""
    chosen: list[str] = []
    for term in ranked:
        if len(chosen) == top:
            break
        ideographs = set(_IDEOGRAPH.findall(term))
        if not any(term in other or other in term or ideographs & set(_IDEOGRAPH.findall(other)) for other in chosen):
            chosen.append(term)
    return chosen


class _Vocabulary:
    """The terms of words, and how often each spelling of a word occurred."""

    def __init__(self) -> None:
        self._terms: dict[str, tuple[str, ...]] = {}  # by word as spelled
        self._spellings: Counter[str] = Counter()
        self._forms: dict[str, list[str]] = {}  # spellings by term

    def count(self, texts: Iterable[str]) -> Counter[str]:
        """Return in how many of these texts each term occurs."""
        counts: Counter[str] = Counter()
        for text in texts:
            spaced, unspaced = _words(unicodedata.normalize("NFC", text))
            self._spellings.update(spaced | unspaced)
            language = language_of(spaced)
            content_words = (word for word in spaced if not is_function_word(word, language))
            found = {term for word in content_words for term in self._terms_of(word)}
            found.update(term for word in unspaced if (term := self._unspaced_term(word)))
            counts.update(found)
        return counts

    def _unspaced_term(self, word: str) -> str:
        """Return the term of a word of a script without spaces, empty if it is a function word."""
        if word not in self._terms:
            term = fold_case_and_accents(word)
            content = not is_unspaced_function_word(term) and _is_content(term)
            self._terms[word] = (term,) if content else ()
            if content:
                self._forms.setdefault(term, []).append(word)
        return next(iter(self._terms[word]), "")

    def _terms_of(self, word: str) -> tuple[str, ...]:
        if word not in self._terms:
            self._terms[word] = word_terms = tuple(term for term in terms(word) if _is_content(term))
            if len(word_terms) == 1:
                self._forms.setdefault(word_terms[0], []).append(word)
        return self._terms[word]

    def usual_form(self, term: str) -> str:
        """Return the most frequent spelling of a term; of equals the one with fewer capitals, then by alphabet."""
        forms = self._forms.get(term, [term])  # of a word of which no spelling is known
        return min(
            forms, key=lambda form: (-self._spellings[form], sum(character.isupper() for character in form), form)
        )


def _words(text: str) -> tuple[set[str], set[str]]:
    """Return the words of a text, parted at apostrophes, and those of its scripts without spaces."""
    spaced: set[str] = set()
    unspaced: set[str] = set()
    for match in tokenize(text):
        if match.lastgroup is None:
            spaced.update(_PART.findall(match[0]))
        else:
            unspaced.update(segment(match[0]))
    return spaced, unspaced


def _is_content(term: str) -> bool:
    """Whether a term is more than a number, a single letter, a function word or a word of style."""
    return (
        term not in _STYLE_WORDS
        and not is_chinese_function_word(term)
        and any(character.isalpha() for character in term)
        and (len(term) > 1 or bool(_IDEOGRAPH.match(term)))
    )
