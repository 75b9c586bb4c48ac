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
FAR, REACH = 0.1, 0.25
"""Weight and half width of the wide part of the density: what is rare nearby is judged by what is rare around."""
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
WIDTHS = np.diff(EDGES)
CENTRES = (EDGES[1:] + EDGES[:-1]) / 2
BINS = len(WIDTHS)


def bins_of(share: Floats) -> Ints:
    return np.clip(np.searchsorted(EDGES, share, side="right") - 1, 0, BINS - 1)


def _smooth(counts: Floats) -> Floats:
    """Three quarters of a row stay in its bin, an eighth goes to each neighbour."""
    out = 0.75 * counts
    out[:, 1:] += 0.125 * counts[:, :-1]
    out[:, :-1] += 0.125 * counts[:, 1:]
    return out


@dataclass(frozen=True)
class Crowd:
    """The empirical density of the share of all rows: by size class, borrowing from all, with a wide tail."""

    counts: Floats
    """Shape (classes, BINS): smoothed counts."""
    whole: Floats
    """Shape (BINS,): smoothed counts of all classes."""
    wide: Floats
    """Shape (BINS,): rows within REACH of the bin."""
    rows: Floats
    """Shape (classes,): rows of each class."""

    def log_density(self, bins: Ints, level: Ints) -> Floats:
        n = self.rows.sum()
        pooled = POOL * np.maximum(self.whole, 0.5) / n
        near = (self.counts + pooled) / (self.rows[:, None] + POOL) / WIDTHS
        far = np.maximum(self.wide, 0.5) / n / (2 * REACH)
        return np.asarray(np.log((1 - FAR) * near + FAR * far)[level, bins])


def crowd(share: Floats, bins: Ints, level: Ints) -> Crowd:
    classes = int(level.max()) + 1
    flat = np.bincount(level * BINS + bins, minlength=classes * BINS).astype(np.float64).reshape(classes, BINS)
    ordered = np.sort(share)
    wide = np.searchsorted(ordered, CENTRES + REACH) - np.searchsorted(ordered, CENTRES - REACH)
    counts = _smooth(flat)
    return Crowd(counts, counts.sum(axis=0), wide.astype(np.float64), flat.sum(axis=1))


PURITIES = (0.97, 0.8)


def loose_models(
    share: Floats, level: Ints, null: Floats, everyone: Floats, free: npt.NDArray[np.bool_]
) -> tuple[Floats, Floats]:
    """How much each size class deviates in all, and for each row the log odds of loose models against all rows:
    a slice of which a share deviates, anyhow, upwards, or downwards.

    Within a size class the odds of the free rows average 1, so that a random set earns nothing.
    """
    out = np.empty((len(share), 3 * len(PURITIES)))
    off = np.clip(1 - np.exp(np.minimum(null - everyone, 0.0)), 0.0, 1 - 1e-9)
    sides = (off, np.where(share > 0, off, 0.0), np.where(share < 0, off, 0.0))
    classes = int(level.max()) + 1
    count = np.maximum(np.bincount(level, free, minlength=classes), 1)
    totals = np.empty((3, classes))
    for i, weight in enumerate(sides):
        totals[i] = np.bincount(level, weight * free, minlength=classes)
        rate = np.clip(totals[i] / count, 1e-6, 1 - 1e-6)[level]
        for j, pure in enumerate(PURITIES):
            odds = pure * weight / rate + (1 - pure) * (1 - weight) / (1 - rate)
            out[:, len(PURITIES) * i + j] = np.log(odds)
    return totals, out
