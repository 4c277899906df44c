"""Records of the map: layout settings, the points to lay out, and the finished layout."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import Literal

import numpy as np

from core.errors import SettingsError
from core.records.document import short_hash
from core.records.search import Metric
from core.util.arrays import BoolArray, Float32Array, Int64Array

Method = Literal["umap", "pca", "tsne"]
METHODS: dict[Method, str] = {"umap": "UMAP", "pca": "PCA", "tsne": "t-SNE"}
FIT_LIMIT = 100_000  # chunks; of larger collections a sample is laid out, and the rest placed by its neighbours


@dataclass(frozen=True, slots=True)
class LayoutSettings:
    """Parameters of a layout: ``n_neighbors`` and ``min_dist`` are UMAP's, ``perplexity`` is t-SNE's.

    ``limit`` is how many chunks are laid out at most: of a larger collection a sample stratified by document is laid
    out, and the others are placed by their neighbours in it. Raises SettingsError for values out of range.
    """

    method: Method = "umap"
    n_neighbors: int = 15
    min_dist: float = 0.1
    perplexity: int = 30
    seed: int = 42
    limit: int = FIT_LIMIT

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise SettingsError(f"There is no map by {self.method!r}: use one of {', '.join(METHODS)}")
        if not 2 <= self.n_neighbors <= 200:
            raise SettingsError(f"{self.n_neighbors} neighbours are out of range: use 2 to 200")
        if not 0 <= self.min_dist <= 1:
            raise SettingsError(f"The least distance {self.min_dist} is out of range: use 0 to 1")
        if not 2 <= self.perplexity <= 200:
            raise SettingsError(f"The perplexity {self.perplexity} is out of range: use 2 to 200")
        if not 0 <= self.seed < 2**31:
            raise SettingsError(f"The seed {self.seed} is out of range: use 0 to {2**31 - 1}")
        if self.limit < 10:
            raise SettingsError(f"A limit of {self.limit} chunks is too small: use at least 10")

    @property
    def method_settings(self) -> dict[str, str | int | float]:
        """The settings that the method uses; the cache key of a layout contains them."""
        names: dict[Method, tuple[str, ...]] = {
            "umap": ("n_neighbors", "min_dist", "seed", "limit"),
            "tsne": ("perplexity", "seed", "limit"),
            "pca": (),
        }
        return {
            "method": self.method,
            **{name: value for name, value in asdict(self).items() if name in names[self.method]},
        }

    def with_method(self, method: Method) -> LayoutSettings:
        """Return the same settings with another method."""
        return replace(self, method=method)


@dataclass(frozen=True)
class Points:
    """Every visible chunk of a collection, without its text, sorted by chunk id.

    Arrays and tuples have one entry a chunk. ``vectors`` has shape (chunks, dimension), as stored; it may be mapped
    from the disk and must not be written. ``digest`` is a hash of chunk ids, vectors and metric.
    """

    collection: str
    key: str  # Chroma's id of the collection
    digest: str
    metric: Metric
    model: str
    chunk_ids: tuple[str, ...]
    document_ids: tuple[str, ...]
    documents: tuple[str, ...]  # names
    starts: Int64Array  # of spans, in characters
    ends: Int64Array
    tokens: Int64Array
    vectors: Float32Array

    def __len__(self) -> int:
        return len(self.chunk_ids)

    @cached_property
    def row_of(self) -> dict[str, int]:
        """The row of each chunk id."""
        return {chunk_id: row for row, chunk_id in enumerate(self.chunk_ids)}


@dataclass(frozen=True)
class Layout:
    """The position of each chunk: ``xy`` of shape (chunks, 2), in the order of ``Points``.

    ``fitted``, shape (chunks,), is False for a chunk that was placed by its neighbours. ``mean`` (dimension,) and
    ``axes`` (dimension, 2) are those of the PCA plane, empty for other methods. ``seconds`` are those of each stage.
    """

    settings: LayoutSettings
    digest: str  # of the points
    xy: Float32Array
    fitted: BoolArray
    mean: Float32Array
    axes: Float32Array
    seconds: dict[str, float] = field(default_factory=dict, hash=False)

    @property
    def key(self) -> str:
        """The key of the layout in the cache."""
        return layout_key(self.digest, self.settings)

    @cached_property
    def spacing(self) -> float:
        """The median distance from a chunk to its 10th nearest on the map: the scale of what is near.

        0 where all chunks lie in one position.
        """
        from scipy.spatial import cKDTree

        xy = self.xy.astype(np.float64)
        sample = xy[np.unique(np.linspace(0, len(xy) - 1, min(len(xy), 2000)).astype(int))]
        k = min(10, len(xy) - 1)
        return float(np.median(cKDTree(xy).query(sample, [k + 1])[0])) if k > 0 else 0.0


def layout_key(digest: str, settings: LayoutSettings) -> str:
    """Return the cache key of the layout, by ``settings``, of the points with this digest."""
    return short_hash(digest, *(f"{name}={value}" for name, value in sorted(settings.method_settings.items())))
