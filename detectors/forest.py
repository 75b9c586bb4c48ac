"""The forest: is the combination of what all views say of a break rare among past breaks?

IsolationForest (Liu, Ting, Zhou 2008) and the distance to the dense regions that DBSCAN finds (Ester et al. 1996),
trained on the past breaks of a sample of series. The sample is the series with the smallest hashes, so buckets can
be merged in any order. Only candidates are scored, which is conservative: no other row gets a small p from here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from threading import Thread
from typing import Any, Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

SERIES: Final = 300
"""Series in the sample, over all buckets."""
LEAST: Final = 200
"""Past breaks in the sample under which there is no forest."""
MOST: Final = 4_096
MANY: Final = 100_000
"""Rows from which sorting and walking take longer than loading what the forest needs."""
CANDIDATE: Final = -3.5
"""ln p, before the forest, from which a break is a candidate."""


@dataclass(frozen=True)
class Sample:
    """Past breaks of the sampled series: `hashes` names the series of each row of `features`."""

    hashes: npt.NDArray[np.uint64]
    features: Floats
    drawn: npt.NDArray[np.uint64]
    """The smallest hashes of all series, at most SERIES, those without a past break too; ascending."""

    def __add__(self, other: "Sample") -> "Sample":
        drawn = np.unique(np.concatenate([self.drawn, other.drawn]))[:SERIES]
        hashes = np.concatenate([self.hashes, other.hashes])
        features = np.concatenate([self.features, other.features])
        kept = np.isin(hashes, drawn)
        return Sample(hashes[kept], features[kept], drawn)


def scrambled(series_id: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """A fixed scrambling of the ids (SplitMix64's finisher): the smallest are a fair sample."""
    x = series_id.astype(np.uint64)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(x ^ (x >> np.uint64(31)), dtype=np.uint64)


def features_of(surprises: npt.ArrayLike, size: npt.ArrayLike) -> Floats:
    """The views' surprises, damped by the square root, and the log of the size in tolerances."""
    s = np.sqrt(np.minimum(np.asarray(surprises, dtype=np.float64), 100.0))
    return np.column_stack([s, np.log1p(np.asarray(size, dtype=np.float64)) / 3.0])


@dataclass(frozen=True)
class Forest:
    """Two views of rarity with their values on the training breaks, ascending."""

    trees: Any
    cores: Any
    by_trees: Floats
    by_cores: Floats

    def log_p(self, features: Floats) -> Floats:
        """ln of a conformal p-value: twice the smaller of the two ranks among the past breaks."""
        if not len(features):
            return np.zeros(0)
        features = np.round(features, 6)
        a = _rank(self.by_trees, -self.trees.score_samples(features))
        b = _rank(self.by_cores, self.cores.kneighbors(features)[0].ravel())
        return np.asarray(np.log(np.minimum(1.0, 2.0 * np.minimum(a, b))), dtype=np.float64)


def _rank(past: Floats, value: Floats) -> Floats:
    at_least = len(past) - np.searchsorted(past, np.round(value, 9), side="left")
    return np.asarray((at_least + 1.0) / (len(past) + 1.0), dtype=np.float64)


def make_ready() -> None:
    """Begins to load what `plant` needs, beside other work: a second that nobody has to wait for."""
    Thread(target=_loaded, daemon=True).start()


def _loaded() -> tuple[Any, Any, Any]:
    from sklearn.cluster import DBSCAN
    from sklearn.ensemble import IsolationForest
    from sklearn.neighbors import NearestNeighbors

    return DBSCAN, IsolationForest, NearestNeighbors


def plant(samples: Sequence[Sample]) -> Forest | None:
    """The forest of all buckets' samples; None when they hold too few past breaks."""
    first, *rest = samples
    for one in rest:
        first = first + one
    if len(first.features) < LEAST:
        return None
    clustering, isolation, neighbours = _loaded()
    # rows in an order of their content, then evenly thinned: the same from any buckets
    order = np.lexsort((*first.features.T, first.hashes))
    order = order[np.linspace(0, len(order) - 1, min(MOST, len(order))).astype(np.int64)]
    x = np.round(first.features[order], 6)
    trees = isolation(n_estimators=100, max_samples=min(256, len(x)), random_state=7, n_jobs=1).fit(x)
    dense = clustering(eps=1.0, min_samples=8).fit(x).core_sample_indices_
    dense = dense if len(dense) else np.arange(len(x))
    cores = neighbours(n_neighbors=1).fit(x[dense])
    # a core is its own nearest one, which no new break is: of those the next one counts
    distance = cores.kneighbors(x)[0].ravel()
    distance[dense] = cores.kneighbors()[0].ravel() if len(dense) > 1 else 0.0
    return Forest(trees, cores, np.sort(np.round(-trees.score_samples(x), 9)), np.sort(np.round(distance, 9)))
