"""The background: how much rows deviate when nothing is wrong, read from the run itself, by size of row."""

from dataclasses import dataclass
from math import lgamma, log

import numpy as np
import numpy.typing as npt
from scipy.special import gammaincinv

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

FLOOR = 1e-9
"""A share at or under this is no deviation: float dust of two equal amounts."""
WIDTH = 0.01
"""Widest bin of the empirical density."""
LEVELS = 8
"""Most size classes."""
POOL = 50.0
"""How many rows of the whole run each size class borrows for its density."""


def shares(actual: Floats, expected: Floats) -> Floats:
    """(actual - expected) / larger of both, sign kept; 0 where both are zero."""
    larger = np.maximum(np.abs(actual), np.abs(expected))
    return np.divide(actual - expected, larger, out=np.zeros_like(larger), where=larger > 0)


def size_classes(actual: Floats, expected: Floats) -> Ints:
    """0 for the smallest rows upwards; equal-count classes of at least 200 rows."""
    size = np.maximum(np.abs(actual), np.abs(expected))
    count = int(np.clip(len(size) // 200, 1, LEVELS))
    cuts = np.unique(np.quantile(size, np.arange(1, count) / count))
    return np.searchsorted(cuts, size, side="right").astype(np.int64)


@dataclass(frozen=True)
class Background:
    """A symmetric density around zero: a point mass at zero and a generalised normal for the rest."""

    zero: float
    scale: float
    shape: float

    def log_density(self, share: Floats) -> Floats:
        norm = log(self.shape / (2 * self.scale)) - lgamma(1 / self.shape) + log(max(1 - self.zero, 1e-6))
        out = norm - (np.abs(share) / self.scale) ** self.shape
        return np.where(np.abs(share) <= FLOOR, log(self.zero + 1e-6) - log(2 * FLOOR), out)


_SHAPES = np.linspace(0.25, 2.0, 36)
_HALF = gammaincinv(1 / _SHAPES, 0.5) ** (1 / _SHAPES)
_RATIOS = gammaincinv(1 / _SHAPES, 0.98) ** (1 / _SHAPES) / _HALF


def fit(share: Floats, shape: float | None = None) -> Background:
    """Fitted to the cleaner side of zero, so that causes of one direction leave it alone."""
    live = share[np.abs(share) > FLOOR]
    zero = 1 - len(live) / max(len(share), 1)
    best, least = Background(zero, 1e-3, 1.0), np.inf
    for side in (live[live > 0], -live[live < 0]):
        if len(side) < 8:
            continue
        middle, tail = np.quantile(side, [0.5, 0.98])
        own = shape or float(np.interp(tail / max(middle, FLOOR), _RATIOS[::-1], _SHAPES[::-1]))
        if middle < least:
            scale = middle / float(np.interp(own, _SHAPES, _HALF))
            best, least = Background(zero, max(scale, 1e-7), own), middle
    return best


def null_density(share: Floats, level: Ints, fitted: npt.NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Log density of each row when nothing is wrong, and its scale; fitted by size on the rows of `fitted`."""
    out, scale = np.empty(len(share)), np.empty(len(share))
    for k in range(int(level.max()) + 1):
        own = level == k
        found = fit(share[own & fitted])
        out[own], scale[own] = found.log_density(share[own]), found.scale
    return out, scale


def _edges() -> Floats:
    edges, x = [1e-7], 1e-7
    while x < 2:
        x += min(WIDTH, 0.08 * x)
        edges.append(x)
    positive = np.array(edges)
    return np.concatenate([-positive[::-1], positive])


EDGES = _edges()
LOG_WIDTHS = np.log(np.diff(EDGES))
BINS = len(LOG_WIDTHS)


def bins_of(share: Floats) -> Ints:
    return np.clip(np.searchsorted(EDGES, share, side="right") - 1, 0, BINS - 1)


def _smooth(counts: Floats) -> Floats:
    return (np.convolve(counts, [0.25, 0.5, 0.25], mode="same") + counts) / 2


def everyone(bins: Ints, level: Ints) -> Floats:
    """Log density of each row under the histogram of all rows of its size, which borrows from all sizes."""
    n = len(bins)
    whole = np.maximum(_smooth(np.bincount(bins, minlength=BINS).astype(np.float64)), 0.5) / n
    out = np.empty(n)
    for k in np.unique(level):
        own = level == k
        counts = _smooth(np.bincount(bins[own], minlength=BINS).astype(np.float64))
        out[own] = np.log((counts + POOL * whole) / (own.sum() + POOL))[bins[own]]
    return out - LOG_WIDTHS[bins]


PURITIES = (0.97, 0.8)


def loose_models(share: Floats, level: Ints, null: Floats, everyone: Floats) -> Floats:
    """For each row the log odds of loose models against all rows: a slice of which a share deviates, anyhow,
    upwards, or downwards. Within a size class their odds average 1, so that a random set earns nothing."""
    out = np.empty((len(share), 3 * len(PURITIES)))
    off = np.clip(1 - np.exp(np.minimum(null - everyone, 0.0)), 0.0, 1 - 1e-9)
    sides = (off, np.where(share > 0, off, 0.0), np.where(share < 0, off, 0.0))
    classes = int(level.max()) + 1
    count = np.maximum(np.bincount(level, minlength=classes), 1)
    for i, weight in enumerate(sides):
        rate = np.clip(np.bincount(level, weight, minlength=classes) / count, 1e-6, 1 - 1e-6)[level]
        for j, pure in enumerate(PURITIES):
            odds = pure * weight / rate + (1 - pure) * (1 - weight) / (1 - rate)
            out[:, len(PURITIES) * i + j] = np.log(odds)
    return out
