"""The background: how much rows deviate when nothing is wrong, read from the run itself, by size of row."""

from dataclasses import dataclass
from math import lgamma, log

import numpy as np
import numpy.typing as npt
from scipy.special import gammainc, gammaincinv

from detectors.localise.crowd import WIDTH

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

FLOOR = 1e-9
"""A share at or under this is no deviation: float dust of two equal amounts."""
LEVELS = 8
"""Most size classes."""
PLAIN = 0.5
"""A deviation that nobody would take for noise, unless noise itself is that wide."""
HEAVIER = 0.7
"""Share of the shape under which the outer tail is clearly heavier."""
LEAST = 60
"""Rows that a size class must have to be judged by itself."""


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


@dataclass(frozen=True)
class Null:
    """What each row shows when nothing is wrong."""

    density: Floats
    """Log density of the row's share."""
    scale: Floats
    """The background's scale for rows of this size."""
    clear: Floats
    """How surely a row of this size that is off would show it, 0 to 1."""


def two_sided(share: Floats, level: Ints, fitted: Mask) -> Floats:
    """Log density of each row when each side of zero has its own noise: for rows judged one by one, after the
    slices are gone. Where the outer rows make a clearly heavier tail than the middle foretells, theirs is taken."""
    out = np.empty(len(share))
    for k in range(int(level.max()) + 1):
        for side in (1.0, -1.0):
            here = (level == k) & (share * side >= 0)
            sample = np.abs(share[here & fitted & (np.abs(share) > FLOOR)])
            if len(sample) < LEAST:
                out[here] = fit(share[fitted]).log_density(share[here])
                continue
            middle, outer = _tail(sample, 0.5, 0.98), _tail(sample, 0.9, 1 - 20 / len(sample))
            zero = 1 - len(sample) / max(int(np.count_nonzero(here & fitted)), 1)
            heavier = outer if outer[1] < HEAVIER * middle[1] else middle
            out[here] = Background(zero, *heavier).log_density(share[here])
    return out


def _tail(sample: Floats, inner: float, outer: float) -> tuple[float, float]:
    """Scale and shape of the generalised normal with these two quantiles of |share|."""
    near, far = np.quantile(sample, [inner, max(outer, inner + 0.02)])
    inners = gammaincinv(1 / _SHAPES, inner) ** (1 / _SHAPES)
    outers = gammaincinv(1 / _SHAPES, max(outer, inner + 0.02)) ** (1 / _SHAPES)
    shape = float(np.interp(far / max(near, FLOOR), (outers / inners)[::-1], _SHAPES[::-1]))
    return max(float(near / np.interp(shape, _SHAPES, inners)), 1e-7), shape


def null_of(share: Floats, level: Ints, fitted: Mask) -> Null:
    """The background by size class, fitted on the rows of `fitted`."""
    whole = fit(share[fitted])
    density, scale, clear = np.empty(len(share)), np.empty(len(share)), np.empty(len(share))
    for k in range(int(level.max()) + 1):
        own = level == k
        enough = np.count_nonzero(own & fitted) >= max(LEAST, int(np.count_nonzero(own)) // 4)
        found = fit(share[own & fitted]) if enough else whole
        density[own], scale[own] = found.log_density(share[own]), found.scale
        clear[own] = found.zero + (1 - found.zero) * gammainc(1 / found.shape, (PLAIN / found.scale) ** found.shape)
    empty, rate = _empty_sides(share, level, fitted)
    return Null(np.logaddexp(density, empty), scale, clear * (1 - rate))


def _empty_sides(share: Floats, level: Ints, fitted: Mask) -> tuple[Floats, Floats]:
    """What small numbers put on one side being zero, beyond what large rows show: log density, rate by row."""
    out, rates = np.full(len(share), -np.inf), np.zeros(len(share))
    classes = int(level.max()) + 1
    rows = np.maximum(np.bincount(level, fitted, minlength=classes), 1)
    for end in (-1.0, 1.0):
        here = share == end
        count = np.bincount(level, fitted & here, minlength=classes)
        sure = count - 3 * np.sqrt(count) - rows * (count / rows).min()
        rate = np.clip(np.where(sure > 0, count / rows - (count / rows).min(), 0.0), 0.0, 0.99)
        with np.errstate(divide="ignore"):
            out[here] = np.log(rate / WIDTH)[level[here]]
        rates += rate[level]
    return out, np.minimum(rates, 0.99)
